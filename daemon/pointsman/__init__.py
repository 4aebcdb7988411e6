"""Pointsman: a lead-routing daemon."""

from importlib.metadata import version

__version__ = version("pointsman")
