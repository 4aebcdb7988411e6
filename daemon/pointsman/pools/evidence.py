"""What a pool's turns are proven from, and what comes of it.

The history itself is not here: it is too long to be read at once, so a proof is fed with its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orjson import loads

from pointsman.store.whole_pools import Whole

__all__ = ["MOST", "Finding", "Proof", "Row", "State", "state_of"]

Row = Mapping[str, Any]

MOST = 20
"""Findings that are told in full; more are counted."""


class Finding(NamedTuple):
    """What is not as the rules say, at a turn (``None``: in what is kept beside the history)."""

    turn: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.turn is None else f"turn {self.turn}: {self.what}"


class State(NamedTuple):
    """What Redis has of a pool beside its history, all of one moment.

    ``turn`` is the number of the next one; ``cycle`` the participants by position; ``moves`` and
    ``people`` as ``moves.lua`` writes them, ``stats`` the counters.
    """

    turn: int
    position: int
    cycle: Sequence[str]
    held: Sequence[str]
    owed: Mapping[str, int]
    moves: Sequence[Row]
    people: Mapping[str, Sequence[Sequence[Any]]]
    stats: Mapping[str, int]
    length: int


def state_of(whole: Whole) -> State:
    """Return what the proof needs of a pool as it was read."""
    places = sorted((int(position), text) for position, text in whole.cycle.items())
    return State(
        turn=whole.turn,
        position=int(whole.pool.get("position", "0")),
        cycle=[text.split("|")[3] for _, text in places],
        held=whole.held,
        owed={who: int(number) for who, number in whole.owed.items()},
        moves=[loads(move) for move in whole.moves],
        people={digest: loads(listed) for digest, listed in whole.people.items()},
        stats={name: int(number) for name, number in whole.stats.items()},
        length=whole.length,
    )


@dataclass(slots=True)
class Proof:
    """What was found: ``checked`` turns follow from the rules but for the ``findings``.

    ``unproven`` are older than what is known of the people; ``dropped`` are not kept any more.
    """

    checked: int = 0
    unproven: int = 0
    dropped: int = 0
    first: int | None = None
    last: int | None = None
    wrong: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """``proven``; ``refuted`` with findings; ``partly``: proven as far as is known."""
        if self.wrong:
            return "refuted"
        return "partly" if self.unproven else "proven"

    def find(self, turn: int | None, what: str) -> None:
        """Note what is wrong."""
        self.wrong += 1
        if len(self.findings) < MOST:
            self.findings.append(Finding(turn, what))
