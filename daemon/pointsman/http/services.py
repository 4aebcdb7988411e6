"""What the handlers work with, handed in by the composition root.

Handlers take an organization from ``rules.current`` once, at the start of a request, and keep it:
``services`` never changes while the daemon runs, the ruleset behind ``rules`` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pointsman import observe
from pointsman.config.changes import Changes
from pointsman.delivery import Delivery
from pointsman.errors import Problem, Unavailable
from pointsman.flows.flights import Flights
from pointsman.flows.intake import Intake
from pointsman.flows.meta_leads import MetaLeads
from pointsman.flows.ownership import Owners
from pointsman.model import Rules
from pointsman.settings import Settings
from pointsman.store.feed import Feed
from pointsman.store.leads import LeadStore
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from pointsman.store.seen import SeenStore

__all__ = ["Check", "Control", "MemoryGuard", "Services"]

_LIMIT = 0.9


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that ``/-/ready`` looks at; ``detail`` says what is wrong and what to do."""

    name: str
    passed: bool
    detail: str = ""


class Control(Protocol):
    """What the admin endpoints ask of the daemon."""

    async def reload(self) -> Mapping[str, int]:
        """Load the tree and publish it; return each organization's generation.

        Raises ``ConfigError`` with every finding, and keeps what is served, if it is not valid.
        """

    def readiness(self) -> Sequence[Check]:
        """Return every check with its latest outcome, without waiting for anything."""

    def problems(self) -> Sequence[Problem]:
        """Return what kept the tree from being published when it was loaded last."""

    def active(self) -> Mapping[str, Any]:
        """Return what is served now: generation, hash and files per organization."""


class MemoryGuard:
    """Turns leads away before Redis has to refuse a write halfway through something.

    The app measures every few seconds; ``check`` costs a request one comparison.
    """

    __slots__ = ("_full", "_log")

    def __init__(self) -> None:
        self._full = False
        self._log = observe.log()

    def measured(self, used: int, maximum: int) -> None:
        """Note what Redis uses of its ``maxmemory`` (0: unlimited), in bytes."""
        ratio = used / maximum if maximum else 0.0
        full = ratio > _LIMIT
        if full != self._full:
            event = observe.MEMORY_LIMIT_REACHED if full else observe.MEMORY_LIMIT_PASSED
            self._log.warning(event, ratio=round(ratio, 3), limit=_LIMIT)
        self._full = full
        observe.REDIS_MEMORY.set(ratio)

    def check(self) -> None:
        """Raise ``Unavailable`` while Redis is nearly full."""
        if self._full:
            raise Unavailable("the store is nearly full; no lead is taken until memory is freed")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the handlers need."""

    settings: Settings
    rules: Rules
    store: RedisStore
    intake: Intake
    flights: Flights
    meta: MetaLeads
    leads: LeadStore
    pools: PoolStore
    owners: Owners
    seen: SeenStore
    control: Control
    changes: Changes
    feed: Feed
    delivery: Delivery
    memory: MemoryGuard = field(default_factory=MemoryGuard)
