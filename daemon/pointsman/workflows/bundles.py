"""Which jobs the queue is told of as one: what is due together.

A job of the queue costs more than the step it does, and many runs are due at the same time: those
of a batch of events, of an import, of everybody who waits for nine o'clock. What is due later is
gathered for a moment, because such runs begin to wait one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from pointsman.store.outbox import Posted

__all__ = ["GATHERED", "Gathering", "bundled"]

GATHERED = 0.25
"""Seconds that what is due later is gathered for, at most."""

SOON = 1_000
"""What is due within so many milliseconds is not held back."""

_SLOT = 100
"""Milliseconds that the first in a bundle is due before the last, at most: it waits for that."""

_MOST = 32
"""Jobs in a bundle. More would save little, and leave the other daemons less to do."""

_MANY = 2_000


def bundled(posted: Iterable[Posted], now: int) -> list[list[Posted]]:
    """Return the bundles that jobs are to be put in."""
    bundles: list[list[Posted]] = []
    for one in sorted(posted, key=lambda one: max(one.due, now)):
        last = bundles[-1] if bundles else []
        if last and len(last) < _MOST and one.due <= _until(last[0], now):
            last.append(one)
        else:
            bundles.append([one])
    return bundles


def _until(first: Posted, now: int) -> int:
    """Return until when a job may be due that is bundled with this one."""
    return first.due + _SLOT if first.due > now else now


class Gathering:
    """What is due later, of one organization, since the first of it came."""

    def __init__(self) -> None:
        self._posted: list[Posted] = []
        self._since = 0.0

    def sift(self, posted: Sequence[Posted], now: int) -> list[Posted]:
        """Keep what is due later, and return what is due at once or soon."""
        later = [one for one in posted if one.text and one.due > now + SOON]
        if later and not self._posted:
            self._since = time.monotonic()
        self._posted += later
        return [one for one in posted if not (one.text and one.due > now + SOON)]

    def ready(self) -> list[Posted]:
        """Return what was gathered for long enough, or is enough; it is not kept any more."""
        enough = len(self._posted) >= _MANY or time.monotonic() - self._since >= GATHERED
        if not enough:
            return []
        ready, self._posted = self._posted, []
        return ready

    def __bool__(self) -> bool:
        return bool(self._posted)
