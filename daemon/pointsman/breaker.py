"""Which hosts are worth calling now: a circuit breaker and a limit for each.

A host that failed some times in a row is left alone for a while, then tried with one request. What
was not sent costs nobody anything: the action is tried again later. Hosts are kept apart by
organization, so that nobody's mistakes close a host to others; what is known of a host that works
is forgotten as soon as nothing is under way to it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from pointsman import observe
from pointsman.errors import TransientError

__all__ = ["Hosts", "Turn"]

FAILURES = 8
"""Failures in a row after which a host is left alone."""

FIRST_PAUSE = 10.0
LONGEST_PAUSE = 300.0
"""Seconds that it is left alone for: doubled each time that it fails again, up to this."""

AT_ONCE = 20
"""Requests that may be under way to a host."""

MOST_HOSTS = 4096
"""Hosts that are remembered for having failed."""

_PROBED = 2.0
_BUSY = 1.0

Key = tuple[str, str]
"""Organization and host."""


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    users: int = 0
    failures: int = 0
    pause: float = 0.0
    until: float = 0.0
    probe: Turn | None = None

    @property
    def is_open(self) -> bool:
        return self.pause > 0


@dataclass(slots=True, eq=False)
class Turn:
    """One request; ``failed`` is what came of it, as far as the host is concerned."""

    failed: bool | None = None


class Hosts:
    """The hosts that one process calls; ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._hosts: OrderedDict[Key, _Host] = OrderedDict()

    def __len__(self) -> int:
        """Return how many hosts there is something to remember of."""
        return len(self._hosts)

    @asynccontextmanager
    async def turn(self, organization: str, host: str, patience: float) -> AsyncIterator[Turn]:
        """Give one request its turn; raise ``TransientError`` if the host is left alone or busy.

        The block notes in the turn what came of it; one that was cut short says nothing.
        """
        key = (organization, host)
        known = self._hosts.setdefault(key, _Host())
        turn = Turn()
        self._admit(known, host, turn)
        known.users += 1
        try:
            await _wait(known.slots, host, patience)
            try:
                yield turn
            finally:
                known.slots.release()
        finally:
            known.users -= 1
            self._note(known, host, turn)
            self._remember(key, known)

    def _admit(self, known: _Host, host: str, turn: Turn) -> None:
        if not known.is_open:
            return
        left = known.until - self._clock()
        if left <= 0 and known.probe is None:
            known.probe = turn
            return
        observe.child(observe.OUTGOING_REFUSED, "circuit_open").inc()
        raise TransientError(
            f"{host} failed {known.failures} times in a row and is left alone for a while",
            retry_after=timedelta(seconds=max(left, _PROBED)),
            sent=False,
        )

    def _note(self, known: _Host, host: str, turn: Turn) -> None:
        is_probe = known.probe is turn
        if is_probe:
            known.probe = None
        if turn.failed is None:
            return
        if not turn.failed:
            self._close(known, host)
            return
        known.failures += 1
        if is_probe or (known.failures >= FAILURES and not known.is_open):
            self._open(known, host)

    def _open(self, known: _Host, host: str) -> None:
        if not known.is_open:
            observe.CIRCUITS_OPEN.inc()
        known.pause = min(max(known.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        known.until = self._clock() + known.pause
        observe.log().warning(
            observe.CIRCUIT_OPENED, host=host, failures=known.failures, seconds=known.pause
        )

    def _close(self, known: _Host, host: str) -> None:
        if known.is_open:
            observe.CIRCUITS_OPEN.dec()
            observe.log().info(observe.CIRCUIT_CLOSED, host=host)
        known.failures, known.pause, known.until = 0, 0.0, 0.0

    def _remember(self, key: Key, known: _Host) -> None:
        """Keep hosts that failed, those that failed last for longest, and those in use."""
        if known.users or self._hosts.get(key) is not known:
            return
        if not known.failures:
            del self._hosts[key]
            return
        self._hosts.move_to_end(key)
        while len(self._hosts) > MOST_HOSTS:
            idle = next((old for old, one in self._hosts.items() if not one.users), key)
            if self._hosts.pop(idle).is_open:
                observe.CIRCUITS_OPEN.dec()


async def _wait(slots: asyncio.Semaphore, host: str, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            await slots.acquire()
    except TimeoutError:
        observe.child(observe.OUTGOING_REFUSED, "busy").inc()
        raise TransientError(
            f"{host} has {AT_ONCE} requests under way already and answers none of them",
            retry_after=timedelta(seconds=_BUSY),
            sent=False,
        ) from None
