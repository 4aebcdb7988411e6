"""What everybody of a pool got of its leads, beside what their weights promise them.

Expected is a share of the turns: of every turn that was taken, each who was in the pool then and
not inactive is owed their weight's part. Who is away or at a cap gets less than that, the others
more: the deviation, which the counts of those passed over explain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pointsman.calendar import Window, window
from pointsman.pools.replay import People

__all__ = ["Part", "Share", "Shares"]


@dataclass(slots=True)
class Share:
    """One person's part of a window: what came to them, and what became of it.

    ``assigned`` leads are theirs, ``unturned`` of these without a turn (by hand, or by a sticky
    owner); ``skipped`` tells how often they were passed over, by reason.
    """

    member: str
    assigned: int = 0
    unturned: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    expected: float = 0.0

    @property
    def offered(self) -> int:
        """How often it was them: what they got, and what they were passed over for."""
        return self.assigned + self.skipped.total()

    @property
    def deviation(self) -> float:
        """How many turns they had more than their weight promises."""
        return self.assigned - self.unturned - self.expected


@dataclass(slots=True)
class Part:
    """A window and everybody's share in it; ``start`` and ``end`` are ``None`` for all of time.

    ``turns`` were taken, of these ``unknown`` while nobody knows any more who was in the pool.
    ``more`` were passed over without being named, by reason.
    """

    start: int | None
    end: int | None
    shares: dict[str, Share] = field(default_factory=dict)
    leads: int = 0
    turns: int = 0
    unknown: int = 0
    more: Counter[str] = field(default_factory=Counter)
    _of: Counter[People] = field(default_factory=Counter)

    def share(self, member: str) -> Share:
        """Return a member's share."""
        if member not in self.shares:
            self.shares[member] = Share(member)
        return self.shares[member]

    def add(self, row: Mapping[str, Any], people: People | None) -> None:
        """Count an assignment."""
        self.leads += 1
        share = self.share(row["m"])
        share.assigned += 1
        if "u" in row:
            share.unturned += 1
            return
        self.turns += 1
        if people is None:
            self.unknown += 1
        else:
            self._of[people] += 1

    def settle(self) -> None:
        """Work out what everybody was owed."""
        for people, turns in self._of.items():
            there = [person for person in people.listed if person.never != "inactive"]
            total = sum(person.weight for person in there)
            for person in there:
                self.share(person.member).expected += turns * person.weight / total if total else 0
        self._of.clear()


class Shares:
    """Counts assignments, oldest first, in windows of a calendar (``per``; ``all`` is one)."""

    def __init__(
        self, per: str, time_zone: str, since: int | None = None, until: int | None = None
    ) -> None:
        self._per = per
        self._zone = time_zone
        self._since = since
        self._until = until
        self._parts: dict[int | None, Part] = {}
        self._now: Window | None = None

    def add(
        self, row: Mapping[str, Any], people: People | None, members: Mapping[str, str]
    ) -> None:
        """Count an assignment; ``members`` are who the participants are, by id."""
        at = row["a"]
        if (self._since and at < self._since) or (self._until and at >= self._until):
            return
        part = self._part(at)
        part.add(row, people)
        for participant, reason in row.get("k", ()):
            part.share(members.get(participant, participant)).skipped[reason] += 1
        part.more.update(row.get("r", {}))

    def parts(self) -> Iterator[Part]:
        """Yield the windows in which anything happened, oldest first."""
        for part in sorted(self._parts.values(), key=lambda one: one.start or 0):
            part.settle()
            yield part

    def _part(self, at: int) -> Part:
        if self._per == "all":
            return self._parts.setdefault(None, Part(self._since, self._until))
        if self._now is None or not self._now.start <= at < self._now.end:
            self._now = window(at, self._per, self._zone)
        now = self._now
        if now.start not in self._parts:
            self._parts[now.start] = Part(now.start, now.end)
        return self._parts[now.start]
