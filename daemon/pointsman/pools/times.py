"""Lengths of time as files have them: ``15m``, ``2h``, ``30d``."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["length_of", "read_time", "write_time"]

Report = Callable[[tuple[str | int, ...], str], None]

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def length_of(written: str) -> int:
    """Return a valid length in milliseconds."""
    return int(written[:-1]) * _UNITS[written[-1]]


def read_time(written: str, longest: int, path: tuple[str | int, ...], report: Report) -> int:
    """Return a valid length in milliseconds; report one of more than ``longest`` days."""
    length = length_of(written)
    if length > longest * _UNITS["d"]:
        report(path, f"at most {longest}d are possible, found {written}")
    return length


def write_time(length: int) -> str:
    """Return milliseconds as they would be written, in the largest unit that does."""
    size, unit = max((size, unit) for unit, size in _UNITS.items() if length % size == 0)
    return f"{length // size}{unit}"
