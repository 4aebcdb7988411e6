"""Counters of flows in Redis: how many leads a cap let in, how many pings a limit.

What a counter is now worked out from (its window hangs on its first use) is read first; whoever
takes a place passes it on, and the script decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pointsman.calendar import window
from pointsman.flow import Quota
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore

__all__ = ["CapStore", "Counter", "specs"]


@dataclass(frozen=True, slots=True)
class Counter:
    """How a counter stands: leads (or pings) let in and turned away in a window of time (ms)."""

    count: int
    failed: int
    start: int
    end: int
    since: int


class CapStore:
    """Reads the counters of flows and counts pings."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def read(
        self, organization_id: str, quotas: Sequence[Quota], now: int
    ) -> dict[str, Counter]:
        """Return counters by id."""
        if not quotas:
            return {}
        args: list[Argument] = [now, specs(quotas, now, {})]
        answer = await self._store.call("read_caps", [Keys(organization_id).events], args)
        return _counters(quotas, answer, now)

    async def specs(self, organization_id: str, quotas: Sequence[Quota], now: int) -> str:
        """Return counters as the scripts take them; what hangs on its first use is read."""
        hanging = [quota for quota in quotas if quota.hangs]
        return specs(quotas, now, await self.read(organization_id, hanging, now))

    async def count_ping(
        self,
        organization_id: str,
        limits: Sequence[Quota],
        quotas: Sequence[Quota],
        now: int,
        ping_id: str,
    ) -> tuple[int, dict[str, Counter]]:
        """Count a ping; return when the limit that it exceeds ends (0: none), and the caps."""
        keys = [Keys(organization_id).events]
        counted = await self.specs(organization_id, limits, now)
        args: list[Argument] = [now, counted, specs(quotas, now, {}), ping_id]
        full, till, *counters = await self._store.call("count_ping", keys, args)
        return till if full else 0, _counters(quotas, counters, now)


def specs(quotas: Sequence[Quota], now: int, known: Mapping[str, Counter]) -> str:
    """Return counters as the scripts take them (caps.lua); ``known`` is how they stood."""
    return ",".join([_spec(quota, now, known.get(quota.id)) for quota in quotas])


def _spec(quota: Quota, now: int, known: Counter | None) -> str:
    since = known.since if known else now
    found = window(now, quota.unit, quota.time_zone, quota.duration, min(since, now))
    span = f"{found.start} {found.end} {since} {quota.length}"
    return f"{quota.id} {quota.maximum} {span} {quota.digest}"


def _counters(
    quotas: Sequence[Quota], answer: Sequence[Sequence[int]], now: int
) -> dict[str, Counter]:
    found = zip(quotas, answer, strict=True)
    return {quota.id: _aligned(quota, Counter(*map(int, told)), now) for quota, told in found}


def _aligned(quota: Quota, counter: Counter, now: int) -> Counter:
    """Return a counter that has begun anew with the window that its first use makes of now."""
    if not quota.hangs or counter.since > now:
        return counter
    begun = window(now, quota.unit, quota.time_zone, quota.duration, now)
    if (counter.start, counter.end) != (begun.start, begun.end):
        return counter
    found = window(now, quota.unit, quota.time_zone, quota.duration, counter.since)
    return replace(counter, start=found.start, end=found.end)
