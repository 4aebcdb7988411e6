"""The rules of the rotation once more, to hold a pool's recorded past against them.

Written apart from the scripts (turn.lua, rotation.lua), which it checks: given who could not be
served, it says whose turn it was. It believes what was recorded of hours, absences, caps and
owners; everything else follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pointsman.pools.cycle import turns

__all__ = ["Line", "Listed", "People", "Standing", "Walk", "people_of"]

AHEAD = 10
"""Turns that are remembered of those that someone took ahead."""

_NEVER = {"0": "inactive", "2": "weight_zero"}


class Listed(NamedTuple):
    """Someone as a list of people has them; ``never`` is why they are not served at all."""

    participant: str
    member: str
    weight: int
    never: str | None

    @classmethod
    def told(cls, participant: str, member: str, weight: int, state: int) -> Listed:
        """Return who a stored list tells of."""
        return cls(participant, member, weight, _NEVER.get(str(state)))


class Line(NamedTuple):
    """A turn that someone has left; ``credit`` if it was given back."""

    participant: str
    order: int
    credit: bool = False

    @classmethod
    def told(cls, text: str) -> Line:
        """Return what a line of ``held`` tells."""
        _, order, *credit, participant = text.split(" ")
        return cls(participant, int(order), bool(credit))


class People:
    """A list of people, and the order of turns that their weights make.

    ``cycle`` has places in the list, ``occurrences`` which of their turns each of them is.
    """

    def __init__(self, listed: Sequence[Listed]) -> None:
        self.listed = tuple(listed)
        self.places = {person.participant: n for n, person in enumerate(self.listed)}
        self.members = {person.member: n for n, person in enumerate(self.listed)}
        self.cycle = turns(tuple(person.weight for person in self.listed))
        had: Counter[int] = Counter()
        self.occurrences: list[int] = []
        self._turns: dict[int, list[int]] = {}
        for position, place in enumerate(self.cycle):
            had[place] += 1
            self.occurrences.append(had[place])
            self._turns.setdefault(place, []).append(position)

    @property
    def size(self) -> int:
        """How many turns the order has."""
        return len(self.cycle)

    @property
    def order(self) -> tuple[str, ...]:
        """The people in their order: what must change for a change of the people."""
        return tuple(person.participant for person in self.listed)

    def at(self, position: int) -> Listed:
        """Return whose turn a position is."""
        return self.listed[self.cycle[position]]

    def position(self, participant: str, occurrence: int = 1) -> int | None:
        """Return where that turn is, or the person's last before it; ``None`` without them."""
        place = self.places.get(participant)
        if place is None:
            return None
        own = self._turns[place]
        return own[min(occurrence, len(own)) - 1]


@lru_cache(maxsize=64)
def people_of(listed: tuple[tuple[str, str, int, int], ...]) -> People:
    """Return a stored list of people."""
    return People([Listed.told(*told) for told in listed])


class Walk(NamedTuple):
    """Who was passed on the way to a turn, in order, with why; ``end`` is where it stops.

    ``end`` is ``None`` if the way leads to nobody.
    """

    passed: Sequence[tuple[int, str]]
    end: int | None


@dataclass(slots=True)
class Standing:
    """Where a pool stands: what decides, with who can be served, whose turn it is.

    ``pointed`` is whose turn was next when there were people last.
    """

    people: People
    position: int = 0
    held: list[Line] = field(default_factory=list)
    owed: Counter[str] = field(default_factory=Counter)
    holds: bool = False
    ahead: bool = False
    pointed: tuple[str, int] | None = None

    @property
    def plain(self) -> bool:
        """Whether nobody has a turn left or owes one."""
        return not (self.held or self.owed)

    @property
    def unknown(self) -> bool:
        """Whether nothing tells who was next when the pool was emptied."""
        return self.people.size > 0 and self.pointed is None

    def walk(self, reasons: Mapping[str, str], served: int, unnamed: Counter[str]) -> Walk:
        """Return the way from the pointer to whoever could be served.

        ``reasons`` are those recorded by participant. Of more people than have names there
        (``unnamed``, by reason) anybody but who was ``served`` (a position) may be one.
        """
        owed, left = self.owed.copy(), unnamed.total()
        passed: list[tuple[int, str]] = []
        seen: dict[str, str] = {}
        counted: set[str] = set()
        most, step = self.people.size, 0
        while step < most:
            position = (self.position + step) % self.people.size
            person = self.people.at(position)
            why = person.never or seen.get(person.participant) or reasons.get(person.participant)
            if why in (None, "turn_taken"):
                why = None
                if self.ahead and owed[person.participant] > 0:
                    owed[person.participant] -= 1
                    most = self.people.size * (step // self.people.size + 2)
                    why = "turn_taken"
                elif left > 0 and person.participant != self.people.at(served).participant:
                    why = "unnamed"
            if why is None:
                return Walk(passed, position)
            if person.participant not in counted and person.participant not in reasons:
                counted.add(person.participant)
                left -= 1
            if why != "turn_taken":
                seen[person.participant] = why
            passed.append((position, why))
            step += 1
        return Walk(passed, None)

    def take(self, walk: Walk) -> None:
        """Move the pointer behind the end of a way, and keep the turns of who was passed."""
        waits = {line.participant for line in self.held if not line.credit}
        for position, why in walk.passed:
            person = self.people.at(position)
            if why == "turn_taken":
                self.owed[person.participant] -= 1
            elif self.holds and why != "weight_zero" and person.participant not in waits:
                waits.add(person.participant)
                order = self.people.cycle[position] + 1
                self.held.append(Line(person.participant, order))
        self.owed = +self.owed
        if walk.end is not None:
            self.position = (walk.end + 1) % self.people.size

    def charge(self, participant: str) -> None:
        """Let someone take a turn ahead: one that they have left, else one of those to come."""
        own = next((line for line in self.held if line.participant == participant), None)
        if own is not None:
            self.held.remove(own)
        else:
            self.owed[participant] = min(AHEAD, self.owed[participant] + 1)

    def credit(self, member: str) -> None:
        """Give someone a turn back."""
        place = self.people.members[member]
        self.held.append(Line(self.people.listed[place].participant, place + 1, credit=True))

    def restore(self, people: People, position: int | None) -> None:
        """Have a pointer that was lost where the history leads to; ``None``: at the first."""
        self.people, self.position = people, position or 0
        if position is None:
            self.pointed = (people.at(0).participant, 1) if people.size else None

    def publish(self, people: People, *, reset: bool, flags: str, there: bool = True) -> None:
        """Have other people: next is who was next, or the first after who stays.

        Unless the order before is ``there``, only ids tell who was next.
        """
        self.holds, self.ahead = "h" in flags, "a" in flags
        if self.people.size:
            turn = self.people.occurrences[self.position]
            self.pointed = (self.people.at(self.position).participant, turn)
        if reset:
            self.position, self.held, self.owed = 0, [], Counter()
        else:
            self.position = self._followed(people, there=there)
        self.held = [
            line._replace(order=people.places[line.participant] + 1)
            for line in self.held
            if (self.holds or line.credit) and _has_turns(people, line.participant)
        ]
        owed = {who: n for who, n in self.owed.items() if self.ahead and _has_turns(people, who)}
        self.owed = Counter(owed)
        self.people = people

    def _followed(self, people: People, *, there: bool) -> int:
        place = people.position(*self.pointed) if self.pointed else None
        if place is not None:
            return place
        for position in self._from(self.position) if there else ():
            who = self.people.at(position).participant
            found = people.position(who, self.people.occurrences[position])
            if found is not None:
                return found
        return 0

    def _from(self, position: int) -> Iterator[int]:
        return ((position + step) % self.people.size for step in range(self.people.size))


def _has_turns(people: People, participant: str) -> bool:
    place = people.places.get(participant)
    return place is not None and people.listed[place].never != "weight_zero"
