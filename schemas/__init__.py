"""JSON Schemas of every kind of file, as package data."""
