"""Whose lead a person is: the ``sticky`` of a pool.

Only what the file says; who owns whom is known to the script of a turn alone (``sticky.lua``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pointsman.model import Sticky
from pointsman.pools.times import read_time

__all__ = ["compile_sticky"]

_KINDS = ("email", "phone")
_LONGEST = 365

Report = Callable[[tuple[str | int, ...], str], None]


def compile_sticky(document: Mapping[str, Any] | None, report: Report) -> Sticky | None:
    """Return what a valid ``sticky`` means."""
    if document is None:
        return None
    return Sticky(
        by=tuple(document.get("by", _KINDS)),
        within=read_time(document.get("within", "30d"), _LONGEST, ("sticky", "within"), report),
        takes_turn=document.get("takes_turn", False),
    )
