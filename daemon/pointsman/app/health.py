"""Whether this process should be sent leads: measured every two seconds, read without waiting.

A check says what is wrong and what to do. Drift, a firehose that is late and a store that may lose
or evict data are told but do not fail a check: they are the operator's choice, and this node serves
what is published. What waits for the workflow engine or a firehose fails it once it is far too
much, on the node that is to do it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Gauge
from redis.exceptions import RedisError

from pointsman import observe
from pointsman.config.serving import Serving
from pointsman.errors import Problem
from pointsman.http.services import Check, MemoryGuard
from pointsman.store.redis import RedisStore

__all__ = ["Health", "Report"]

_EVERY = 2.0
_PATIENCE = 1.5
_SKEW = 1.0
_TOLD = 3
_LAG = 100_000
_LATE = 300.0
_UNKNOWN = Check("redis", False, "not asked yet")


@dataclass(slots=True)
class Report:
    """What the last load of the tree came to, told by whoever loads it: perhaps another process.

    ``problems`` are its findings; ``drift`` says, by organization, what of it is not published.
    """

    problems: Sequence[Problem] = ()
    drift: Mapping[str, str] = field(default_factory=dict)


class Health:
    """The checks of one node; ``stopping`` is set once it must get no more leads."""

    def __init__(
        self, store: RedisStore, serving: Serving, memory: MemoryGuard, report: Report
    ) -> None:
        self.stopping = False
        self.report = report
        self._store = store
        self._serving = serving
        self._memory = memory
        self._redis = _UNKNOWN
        self._clock = Check("clock", True)
        self._persistence = Check("persistence", True)
        self._log = observe.log()

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            await self.measure()

    async def measure(self) -> None:
        """Ask Redis once for everything that the checks need."""
        was = self._redis
        try:
            async with asyncio.timeout(_PATIENCE):
                before = time.time()
                seconds, microseconds = await self._store.redis.time()
                after = time.time()
                told = await self._store.redis.info("memory", "persistence")
        except (RedisError, OSError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            self._redis = Check("redis", False, f"Redis is not available: {why}")
        else:
            self._redis = Check("redis", True)
            self._clock = _clock(seconds + microseconds / 1e6, before, after)
            self._persistence = _persistence(told)
            self._memory.measured(int(told["used_memory"]), int(told["maxmemory"]))
        if was.passed != self._redis.passed and was is not _UNKNOWN:
            event = observe.REDIS_FOUND if self._redis.passed else observe.REDIS_LOST
            self._log.warning(event, why=self._redis.detail)

    def checks(self) -> Sequence[Check]:
        """Return every check with its latest outcome."""
        return (
            Check("running", not self.stopping, "the daemon is stopping" if self.stopping else ""),
            self._redis,
            self._config(),
            self._reload(),
            self._clock,
            self._persistence,
            _events(),
            _firehose(),
        )

    def _config(self) -> Check:
        if self._serving.refused:
            refused = "; ".join(
                f"generation {refusal.number} of '{handle}' cannot be served here: {refusal}"
                for handle, refusal in self._serving.refused.items()
            )
            return Check("config", False, f"{refused}. The one before stays in use")
        if not self._serving.current.organizations:
            return Check("config", False, "no organization is published yet")
        return Check("config", True, "; ".join(self.report.drift.values()))

    def _reload(self) -> Check:
        if not self.report.problems:
            return Check("reload", True)
        count = len(self.report.problems)
        shown = [str(problem) for problem in self.report.problems[:_TOLD]]
        more = ["…"] if count > _TOLD else []
        told = f"the tree has {count} problem(s), what was loaded stays in use: "
        return Check("reload", False, told + "; ".join(shown + more))


def _events() -> Check:
    """Compare what waits for the workflow engine with what it does in some ten seconds."""
    lag = max(_by_organization(observe.EVENTS_LAG).values(), default=0)
    if lag <= _LAG:
        return Check("events", True)
    return Check("events", False, f"{lag:.0f} events wait for the workflow engine; see its log")


def _firehose() -> Check:
    """Tell of firehoses that are late; what waits for one is kept, but not without end."""
    waiting, since = _by_organization(observe.FIREHOSE_LAG), _by_organization(observe.FIREHOSE_AGE)
    told = [
        f"{lag:.0f} events of '{handle}' wait for its firehose, the oldest for "
        f"{since.get(handle, 0):.0f} s; see the log (firehose_failed)"
        for handle, lag in waiting.items()
        if lag > _LAG or since.get(handle, 0) > _LATE
    ]
    return Check("firehose", max(waiting.values(), default=0) <= _LAG, "; ".join(told))


def _by_organization(gauge: Gauge) -> dict[str, float]:
    (told,) = gauge.collect()
    return {one.labels["organization"]: one.value for one in told.samples}


def _clock(theirs: float, before: float, after: float) -> Check:
    """Compare with the server's clock, which was read between two readings of ours."""
    skew = max(before - theirs, theirs - after, 0.0)
    if skew <= _SKEW:
        return Check("clock", True)
    return Check(
        "clock", False, f"this clock is {skew:.1f} s off that of Redis; synchronise both (NTP)"
    )


def _persistence(told: Mapping[str, Any]) -> Check:
    found = []
    if told.get("aof_last_write_status", "ok") != "ok":
        return Check("persistence", False, "Redis cannot write its append-only file; see its log")
    if not int(told.get("aof_enabled", 0)):
        found.append(
            "Redis keeps no append-only file: a crash of it loses leads that were acknowledged; "
            "set appendonly yes"
        )
    policy = told.get("maxmemory_policy", "noeviction")
    if int(told.get("maxmemory", 0)) and policy != "noeviction":
        found.append(f"Redis may evict leads (maxmemory-policy {policy}); set noeviction")
    return Check("persistence", True, "; ".join(found))
