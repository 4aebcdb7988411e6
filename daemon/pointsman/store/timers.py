"""Timers: something to look at again at some time, whichever daemon is there then.

A script sets one beside the change that calls for it (``lib/timers.lua``), the relay hands it to
the job queue, and the app names who gets it, by purpose. A timer proves nothing: it may come late,
twice, or when all is long settled, so its handler decides in a script by the state of then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

from pointsman.model import Organization

__all__ = ["RING", "Handler", "Timer"]

RING = "ring"
"""The task of timers."""


class Timer(NamedTuple):
    """A timer that was set; its text is all that the job queue is told.

    ``id`` is what it is about, ``due`` when it was to come (milliseconds). ``failures`` counts the
    times that its handler has raised.
    """

    organization_id: str
    purpose: str
    id: str
    due: int
    failures: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the timer of a text."""
        organization_id, purpose, due, failures, identifier = text.split("/", 4)
        return cls(organization_id, purpose, identifier, int(due), int(failures))

    def __str__(self) -> str:
        return f"{self.organization_id}/{self.purpose}/{self.due}/{self.failures}/{self.id}"

    @property
    def task(self) -> str:
        """Who does it."""
        return RING

    @property
    def key(self) -> str:
        """What tells this timer from any other: whose, purpose, id and time."""
        return f"{self.organization_id}:{self.purpose}:{self.id}:{self.due}"


Handler = Callable[[Organization, Timer], Awaitable[None]]
"""Does what a timer of its purpose is for, by the organization's rules of now.

While Redis is away it may raise ``Unavailable`` and is called again. It must not take a clock that
is behind for proof that a timer came early: ``max(now, timer.due)`` is the time.
"""
