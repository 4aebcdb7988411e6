"""Suppression lists in Redis: asked, added to, taken from; some 20 bytes an item.

Items are known here by the 20 hex digits that stand for them (``flows.lists.item``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pointsman.flow import SuppressionList
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["Asked", "ListStore", "asked_text"]

Asked = tuple[SuppressionList, str, int]
"""A list, an item, and since when (milliseconds) it must have been added to count."""


class ListStore:
    """The lists of all organizations in one Redis."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def find(self, organization_id: str, asked: Sequence[Asked], now: int) -> list[bool]:
        """Return of each whether it is in its list, or claimed by a lead on its way."""
        if not asked:
            return []
        keys = [Keys(organization_id).events]
        answer = await self._store.call("read_lists", keys, [now, asked_text(asked)])
        return [found > 0 for found in answer]

    async def add(
        self, organization_id: str, listed: SuppressionList, items: Iterable[str], now: int
    ) -> int:
        """Add items, or make them as good as new; return how many were not there."""
        return await self._change(organization_id, listed, items, now, "add")

    async def remove(
        self, organization_id: str, listed: SuppressionList, items: Iterable[str], now: int
    ) -> int:
        """Take items out; return how many were there."""
        return await self._change(organization_id, listed, items, now, "remove")

    async def _change(
        self,
        organization_id: str,
        listed: SuppressionList,
        items: Iterable[str],
        now: int,
        how: str,
    ) -> int:
        text = asked_text([(listed, item, 0) for item in items])
        keys = [Keys(organization_id).events]
        changed: int = await self._store.call("change_list", keys, [now, how, text])
        return changed


def asked_text(asked: Iterable[Asked]) -> str:
    """Return what is asked as the scripts take it (lists.lua)."""
    return ",".join(
        [f"{listed.id} {item} {max(0, since)} {listed.retention}" for listed, item, since in asked]
    )
