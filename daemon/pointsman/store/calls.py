"""How many calls somebody made in the last minute; one count for all daemons."""

from __future__ import annotations

from os import urandom
from typing import NamedTuple

from pointsman.ids import milliseconds
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["SPAN", "CallStore", "Counted"]

SPAN = 60_000
"""Milliseconds that a call counts."""


class Counted(NamedTuple):
    """Whether a call may be made, how many more may be, and when another may (milliseconds)."""

    allowed: bool
    left: int
    until: int


class CallStore:
    """Counts calls; a call that is refused is not counted."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def count(self, organization_id: str, who: str, limit: int) -> Counted:
        """Count a call of ``who`` (no personal data) against ``limit`` a minute."""
        now = milliseconds()
        allowed, left, wait = await self._store.call(
            "count_call",
            [Keys(organization_id).calls(who)],
            [f"{now:x}{urandom(6).hex()}", now, limit, SPAN],
        )
        return Counted(allowed == 1, left, now + wait)
