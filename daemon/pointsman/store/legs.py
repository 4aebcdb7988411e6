"""The leg of a run: steps that one claim does in a row and that are stored by one script.

Until then nothing that they did can be seen by anybody, so if a record turns out to be another than
they were made from, or a daemon dies, they are done again as if they never were. What must be seen
at once (a turn in a pool, a notification, a request to somebody) is a leg of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from pointsman.errors import Unavailable
from pointsman.store.pending import Copies, Pending
from pointsman.store.records import RecordStore
from pointsman.store.run_state import Next, Run, StepRecord

__all__ = ["Leg", "Unready"]

_MOST_STEPS = 32
_MOST_BYTES = 64 * 1024
_LONGEST = 0.1
"""Seconds after which what was done is stored, lest it be done again."""

_TRIES = 3
"""How often steps are done again because of others before each is done, and seen, on its own."""

Done = tuple[StepRecord, Next]
"""A step that was done, and what followed it."""


class Unready(Unavailable):
    """The step can only be done once the steps before it are stored."""

    def __init__(self) -> None:
        super().__init__("the steps before this one are to be stored first")


class Leg:
    """Steps of ``run`` since it was stored last; the run has moved on with each of them.

    ``done`` are those steps, ``pending`` what they write, ``first`` how many of the writes are the
    first one's; ``step`` and ``attempt`` are where the run stands in Redis. ``ahead`` is one that
    is done before the run is stored.
    """

    __slots__ = (
        "_alone",
        "_cautious",
        "_most",
        "_outdated",
        "_records",
        "_since",
        "_stood",
        "ahead",
        "done",
        "first",
        "pending",
        "run",
        "unready",
    )

    def __init__(
        self,
        run: Run,
        records: RecordStore,
        copies: Copies | None = None,
        *,
        ahead: bool = False,
    ) -> None:
        self.run = run
        self.ahead = ahead
        self.pending = Pending(records, {} if copies is None else copies)
        self._records = records
        # A run that interrupted its daemon goes on step by step, so that the one that did is known.
        self._most = 1 if run.interrupted else _MOST_STEPS
        self._cautious = False
        self._outdated = 0
        self._begin()

    def _begin(self) -> None:
        self.done: list[Done] = []
        self.first = 0
        self.unready = False
        self._alone = False
        self._stood = self.run.standing()
        self._since = time.monotonic()

    @property
    def step(self) -> int:
        """The first step."""
        return self._stood.step

    @property
    def attempt(self) -> int:
        """Which attempt at the first step it was."""
        return self._stood.attempt

    @property
    def is_over(self) -> bool:
        """Whether the run ends with it."""
        return bool(self.done) and self.following.kind == "end"

    @property
    def following(self) -> Next:
        """What follows the last step."""
        return self.done[-1][1]

    def rows(self) -> list[StepRecord]:
        """Return the records of all steps in a row, with those of steps that were skipped."""
        return [each for one, following in self.done for each in (one, *following.skipped)]

    @property
    def failed(self) -> Sequence[int]:
        """The steps that failed for good, from 1."""
        places, place = [], self._stood.step
        for _, following in self.done:
            place += 1
            if following.dead:
                places.append(place)
            place += len(following.skipped)
        return places

    @property
    def records(self) -> RecordStore | Pending:
        """Where the current step finds and changes records."""
        return self._records if self._alone else self.pending

    def enter(self, *, quick: bool) -> None:
        """Begin a step; what a ``quick`` one does to records can wait to be seen."""
        self.unready = False
        self._alone = self._cautious or not quick
        self.pending.mark()

    def clear(self) -> None:
        """Let what the current step does be seen at once.

        Raises ``Unready`` if there is something else to be stored first.
        """
        if self._alone:
            return
        if self.ahead or self.done or self.pending.names:
            self.unready = True
            raise Unready
        self._alone = True

    @property
    def is_torn(self) -> bool:
        """Whether the current step changed records before it said that it cannot wait."""
        return self.unready and self.pending.grew

    def add(self, record: StepRecord, following: Next) -> None:
        """Take the current step for done; an attempt that went wrong leaves nothing behind."""
        if record.error is not None:
            self.pending.drop()
        self.done.append((record, following))
        if len(self.done) == 1:
            self.first = self.pending.count
        self.run.move(record, following, record.finished)

    @property
    def is_full(self) -> bool:
        """Whether it is time to store what was done, whatever follows."""
        return (
            self._alone
            or len(self.done) >= self._most
            or self.pending.size >= _MOST_BYTES
            or time.monotonic() - self._since >= _LONGEST
        )

    def stored(self) -> None:
        """Begin anew from where the run is now."""
        self.pending.clear()
        if self._alone:
            self.pending.forget()
        self._begin()

    def undo(self) -> None:
        """Go back to where the run stood: what was done came to nothing."""
        self._outdated += 1
        self._cautious = self._cautious or self.is_torn or self._outdated >= _TRIES
        self.run.go_back(self._stood)
        self.pending.forget()
        self._begin()
