"""Whether a pool's recorded turns are the ones that the rules give.

Every turn is worked out again (``replay``) from what was recorded: the lists of people with their
weights, what else moved the pointer, and of every turn who got it, by what, who was passed over and
why. Proven is: no turn is missing, doubled or out of order; each went to whom the order, the turns
held, given back or taken ahead say; everybody passed over is told with a reason, and nobody else
was; every publication did to the pointer what a change of the people does; pointer, lines and
counters of now are what all that leads to. Taken as recorded are the reasons that depend on the
time (hours, absences, caps), whose lead a sticky owner's is, and what was asked for by hand.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from pointsman.pools.evidence import Proof, Row, State
from pointsman.pools.replay import Line, People, Standing, people_of
from pointsman.store.history import waiting_of

__all__ = ["Replay"]

LAST_TURN = 2**63 - 1
_NAMED = 10
_REMEMBERED = 1000
_HALF = 2**62


class Replay:
    """Goes through the rows, oldest first, and what moved the pointer between them."""

    def __init__(self, state: State) -> None:
        self.proof = Proof(dropped=max(0, state.stats.get("total", 0) - state.length))
        self._state = state
        self._moves = deque(state.moves)
        self._standing: Standing | None = None
        self._expected: int | None = None
        self._known = True
        self._members: Counter[str] = Counter()
        self._sources: Counter[str] = Counter()
        self._recent: deque[Row] = deque(maxlen=_REMEMBERED)

    def row(self, row: Row) -> People | None:
        """Work one row out again; return the people of then, if they are known."""
        turn = row["t"]
        self.proof.first = turn if self.proof.first is None else self.proof.first
        self.proof.last = turn
        self._members[row["m"]] += 1
        self._sources[row["s"]] += 1
        if self._expected is None:
            self._begin(turn)
        self._advance(turn)
        self._number(turn)
        if self._standing is None or not self._known:
            self.proof.unproven += 1
        else:
            self.proof.checked += 1
        if self._standing is not None:
            self._check(self._standing, row)
        self._recent.append(row)
        self._expected = _after(turn)
        return self._standing.people if self._standing else None

    def end(self) -> Proof:
        """Hold what there is now against what all that leads to."""
        state, proof = self._state, self.proof
        if self._expected is None and self._moves:
            self._begin(state.turn)
        self._advance(state.turn)
        if self._expected is not None and self._expected != state.turn:
            proof.find(
                state.turn,
                f"is next by the pointer, but the history ends with {proof.last}: rows are missing "
                "at its end",
            )
        elif self._standing is not None and self._known:
            self._compare_now(self._standing)
        self._count()
        return proof

    def _begin(self, turn: int) -> None:
        """Leave out what moved the pointer before turns that are not kept any more."""
        while self.proof.dropped and self._moves and _before(self._moves[0]["t"], turn):
            self._moves.popleft()
        if self._moves and not self.proof.dropped:
            self._expected = min(self._moves[0]["t"], turn)

    def _number(self, turn: int) -> None:
        """See that no turn is missing before this one, or is there twice."""
        expected = self._expected
        if expected is None or turn == expected:
            return
        self._known = False
        if _before(turn, expected):
            self.proof.find(turn, f"stands where {expected} must be: doubled or out of order")
        elif _after(expected) == turn:
            self.proof.find(expected, "is missing")
        else:
            self.proof.find(expected, f"and those up to {turn - 1} are missing")

    def _advance(self, turn: int) -> None:
        """Do what else moved the pointer before a turn."""
        while self._moves and not _before(turn, self._moves[0]["t"]):
            self._move(self._moves.popleft())

    def _move(self, move: Row) -> None:
        listed = self._state.people.get(move["c"])
        if listed is None:
            self._standing = None
            return
        people = people_of(tuple((i, m, w, s) for i, m, w, s in listed))
        if self._standing is None or not self._known or move["e"] == "import":
            if move.get("h") != 0:
                self._standing, self._known = _told(move, people), True
            return
        self._moved(self._standing, move, people)
        self._agree(self._standing, move)

    def _moved(self, standing: Standing, move: Row, people: People) -> None:
        """Move the pointer as the rules say."""
        what = move["e"]
        if what == "credit":
            standing.credit(move["m"])
        elif what == "first":
            standing.position, standing.held, standing.owed = 0, [], Counter()
        elif what == "point":
            standing.position, standing.held = standing.people.position(move["i"]) or 0, []
            del standing.owed[move["i"]]
        elif what != "mark":
            self._published(standing, move, people)

    def _published(self, standing: Standing, move: Row, people: People) -> None:
        there = not move.get("n")  # else the order was lost with a server, or had nobody
        changed = there and standing.people.order != people.order
        reset = bool(move.get("d")) or (changed and "r" in move["f"])
        if move["e"] in {"restored", "created"}:
            known = standing.people if there else people
            found = _remembered(self._recent, known)
            standing.restore(known, found)
        elif reset is not (move["e"] == "reset"):
            why = "was" if move["e"] == "reset" else "was not"
            self.proof.find(move["t"], f"the pointer {why} reset before it, against on_change")
        standing.publish(people, reset=move["e"] == "reset", flags=move["f"], there=there)
        if standing.unknown or move["e"] == "created":
            standing.position = 0 if move["e"] == "created" else move["p"]

    def _agree(self, standing: Standing, move: Row) -> None:
        """Go on with what was recorded, and tell if it is something else."""
        told = _told(move, standing.people)
        if standing.people.size and told.position != standing.position:
            wanted, found = standing.people.at(standing.position), told.people.at(told.position)
            self.proof.find(
                move["t"],
                f"before it ({move['e']}) the pointer went to {found.member}, by the rules it "
                f"goes to {wanted.member}",
            )
        elif move.get("h") != 0 and (told.held, told.owed) != (standing.held, +standing.owed):
            self.proof.find(move["t"], f"before it ({move['e']}) the turns held or owed are others")
        standing.position = told.position
        if move.get("h") != 0:
            standing.held, standing.owed = told.held, told.owed

    def _check(self, standing: Standing, row: Row) -> None:
        """Work one turn out again."""
        place = standing.people.members.get(row["m"])
        if place is None:
            self.proof.find(row["t"], f"went to {row['m']}, who was not in the pool")
            self._known = False
            return
        person = standing.people.listed[place]
        if row["o"] != place + 1:
            self.proof.find(row["t"], f"tells order {row['o']} of who has {place + 1}")
        if person.never and "g" not in row:
            self.proof.find(row["t"], f"went to {row['m']}, who is {person.never}")
        if "u" in row:
            return
        if "y" in row:
            standing.charge(person.participant)
        elif "h" in row:
            self._check_held(standing, row, person.participant)
        else:
            self._check_turn(standing, row, person.participant)

    def _check_held(self, standing: Standing, row: Row, participant: str) -> None:
        """Someone had a turn left: nobody before them in line was back."""
        if not self._known:
            return
        places = [n for n, line in enumerate(standing.held) if line.participant == participant]
        before = waiting_of(row.get("j", ""))
        found = next((n for n in places if n == len(before.people) + before.more), None)
        if found is None:
            self.proof.find(row["t"], f"is told to be one that {row['m']} had left, but is not")
            self._known = False
            return
        self._check_line(row, standing.held[:found])
        del standing.held[found]

    def _check_line(self, row: Row, line: Sequence[Line]) -> None:
        """See that all of a line, and nobody else, is told to be away."""
        told = waiting_of(row.get("j", ""))
        named = [order for order, _ in told.people]
        wanted = [each.order for each in line]
        if named != wanted[:_NAMED] or told.more != max(0, len(wanted) - _NAMED):
            self.proof.find(
                row["t"],
                f"orders {wanted} had a turn left, {named or 'none'} are told to have been away",
            )

    def _check_turn(self, standing: Standing, row: Row, participant: str) -> None:
        """The rotation's next turn: all between the pointer and it were passed over."""
        served = standing.people.position(participant, row.get("n", 1))
        if served == standing.position and self._known and standing.plain and "k" not in row:
            standing.position = (served + 1) % standing.people.size
            return
        if served is None or not self._known:
            standing.position = ((served or 0) + 1) % standing.people.size
            self._known = not (standing.holds or standing.ahead or standing.held)
            return
        self._check_line(row, standing.held)
        reasons: dict[str, str] = dict(row.get("k", ()))
        more: Counter[str] = Counter(row.get("r", {}))
        walk = standing.walk(reasons, served, more)
        passed = _once(standing.people, walk.passed)
        if walk.end != served:
            self._elsewhere(standing, row, walk.end)
        elif not _told_as(passed, reasons, more):
            self.proof.find(
                row["t"],
                f"passed over {_words(dict(passed)) or 'nobody'}, but the history tells of "
                f"{_words(reasons) or 'nobody'}",
            )
        standing.take(walk._replace(end=served))

    def _elsewhere(self, standing: Standing, row: Row, end: int | None) -> None:
        if end is None:
            told = "by the rules nobody could be served"
        else:
            wanted = standing.people.at(end)
            told = f"by the rules it was that of {wanted.member}"
            if wanted.member == row["m"]:
                told += f", their turn {standing.people.occurrences[end]} of the cycle"
        self.proof.find(row["t"], f"went to {row['m']}; {told}")

    def _compare_now(self, standing: Standing) -> None:
        state, people = self._state, standing.people
        cycle = [people.at(position).participant for position in range(people.size)]
        if list(state.cycle) != cycle:
            self.proof.find(None, "the order of turns in Redis is not the one of the people")
        elif state.position != standing.position and people.size:
            self.proof.find(
                state.turn,
                f"is {people.at(state.position).member}'s by the pointer, by the rules it is "
                f"{people.at(standing.position).member}'s",
            )
        held = [Line.told(line) for line in state.held]
        if held != standing.held or Counter(state.owed) != +standing.owed:
            self.proof.find(None, "the turns held or owed are not what the history leads to")

    def _count(self) -> None:
        """See that the counters are those of the rows."""
        stats = self._state.stats
        sources = {name: n for name, n in stats.items() if name.startswith("source:") and n}
        told = {f"source:{name}": n for name, n in self._sources.items()}
        if sources != told:
            self.proof.find(None, "the counters by source tell of other rows than the history has")
        for member, count in self._members.items():
            kept = stats.get(member, 0)
            if kept < count or (not self.proof.dropped and kept != count):
                self.proof.find(None, f"{member} has {count} rows, the counter tells of {kept}")


def _told(move: Row, people: People) -> Standing:
    """Return the state that was recorded beside a move."""
    held = [Line.told(line) for line in move.get("h") or ()]
    flags = move["f"]
    owed: Counter[str] = Counter(move.get("o", {}))
    return Standing(people, move["p"], held, owed, holds="h" in flags, ahead="a" in flags)


def _remembered(recent: Sequence[Row], people: People) -> int | None:
    """Return the position after the last turn of the rotation by someone who is still there."""
    for row in reversed(recent):
        place = people.members.get(row["m"])
        if place is not None and not {"h", "y", "u"} & row.keys():
            participant = people.listed[place].participant
            found = people.position(participant, row.get("n", 1))
            return None if found is None else (found + 1) % people.size
    return None


def _once(people: People, passed: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
    """Return those passed over, each once, with the first reason."""
    found: dict[str, str] = {}
    for position, why in passed:
        found.setdefault(people.at(position).participant, why)
    return list(found.items())


def _told_as(
    passed: Sequence[tuple[str, str]], reasons: Mapping[str, str], more: Counter[str]
) -> bool:
    """Tell whether a row tells of those passed over: ten by name, more by number."""
    if list(passed[:_NAMED]) != list(reasons.items()):
        return False
    unnamed = Counter(why for _, why in passed[_NAMED:])
    free = unnamed.pop("unnamed", 0)
    return unnamed <= more and (more - unnamed).total() == free


def _words(reasons: Mapping[str, str]) -> str:
    return ", ".join(f"{who} ({why})" for who, why in reasons.items())


def _after(turn: int) -> int:
    return 1 if turn >= LAST_TURN else turn + 1


def _before(turn: int, other: int) -> bool:
    """Tell whether a turn comes before another; after the last number they begin anew."""
    return 0 < (other - turn) % LAST_TURN < _HALF
