"""The language of conditions: operators and their compilation. Pure."""
