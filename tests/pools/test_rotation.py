"""The laws of the rotation, against the real scripts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pointsman.pools.compile import published
from pointsman.pools.cycle import turns
from pooling import ORGANIZATION, make_pool
from rotating import HANDLE_OF, HANDLES, KEYS, Deployment, published_pool, run
from support import THOROUGH

Turn = tuple[str, int]


class Held(NamedTuple):
    """A turn that someone has left; ``credit`` if it was given back."""

    who: str
    credit: bool = False


class Taken(NamedTuple):
    """An assignment: whether it took a turn, and counted for a cap."""

    who: str
    day: date
    took: bool
    counted: bool
    credited: bool = False


MARKS = [f"email={'d' * 32}", f"email={'e' * 32}"]


def test_after_any_number_of_leads_counts_differ_by_one_at_most(deployment: Deployment) -> None:
    """R18: also the first leads follow the order of the file."""

    @settings(max_examples=25, deadline=None)
    @given(size=st.integers(1, 8), number=st.integers(1, 40))
    def law(size: int, number: int) -> None:
        deployment.store.client.flushall()
        deployment._number = 0
        pool = published_pool(deployment, HANDLES[:size])

        served = deployment.serve(pool, number)

        assert served == [HANDLES[n % size] for n in range(number)]
        counts = Counter(served)
        assert max(counts.values()) - min(counts[handle] for handle in HANDLES[:size]) <= 1

    law()


@pytest.mark.parametrize("served", range(5))
def test_adding_someone_leaves_the_next_person_next(deployment: Deployment, served: int) -> None:
    """R9, R11: nobody's turn is jumped, the others keep their order."""
    deployment.serve(published_pool(deployment, HANDLES[:4]), served)

    grown = published_pool(deployment, ["m7", *HANDLES[:2], "m6", *HANDLES[2:4]])

    others = [h for h in deployment.serve(grown, 6) if h in HANDLES[:4]]
    assert others == [HANDLES[(served + n) % 4] for n in range(4)]
    assert deployment.serve(grown, 1) == [HANDLES[served % 4]]


@pytest.mark.parametrize("served", range(4))
def test_removing_the_next_person_makes_the_successor_next(
    deployment: Deployment, served: int
) -> None:
    """R9, R10: the first is not favoured."""
    deployment.serve(published_pool(deployment, HANDLES[:4]), served)

    left = [handle for handle in HANDLES[:4] if handle != HANDLES[served]]
    shrunk = published_pool(deployment, left)

    assert deployment.serve(shrunk, 1) == [HANDLES[(served + 1) % 4]]


def test_removing_the_last_served_again_and_again_favours_nobody(deployment: Deployment) -> None:
    """R10: the turn goes on from where it was, down to one person."""
    left = HANDLES[:6]
    served = []
    while left:
        pool = published_pool(deployment, left)
        served += deployment.serve(pool, 1)
        left = [handle for handle in left if handle != served[-1]]

    assert served == HANDLES[:6]


def test_reordering_keeps_the_next_person(deployment: Deployment) -> None:
    deployment.serve(published_pool(deployment, HANDLES[:4]), 2)

    turned = published_pool(deployment, ["m3", "m2", "m1", "m0"])

    assert deployment.serve(turned, 4) == ["m2", "m1", "m0", "m3"]


def test_reset_begins_anew_only_when_people_or_their_order_change(deployment: Deployment) -> None:
    deployment.serve(published_pool(deployment, HANDLES[:3], on_change="reset"), 1)

    off = published_pool(
        deployment, ["m0", "m1", {"member": "m2", "is_active": False}], on_change="reset"
    )
    assert deployment.serve(off, 1) == ["m1"]
    deployment.serve(off, 2)

    grown = published_pool(deployment, HANDLES[:4], on_change="reset")
    assert deployment.serve(grown, 2) == ["m0", "m1"]


def test_publishing_again_changes_nothing(deployment: Deployment) -> None:
    """The effect of a change happens once, not once per daemon or reload."""
    people = {"on_change": "reset"}
    pool = published_pool(deployment, HANDLES[:3], **people)
    deployment.serve(pool, 1)

    deployment.publish(pool)
    deployment.publish(pool)

    assert deployment.serve(pool, 1) == ["m1"]


def test_a_demanded_reset_makes_the_first_next_though_nothing_changed(
    deployment: Deployment,
) -> None:
    pool = published_pool(deployment, HANDLES[:3])
    deployment.serve(pool, 2)

    assert deployment.publish_reset(pool) == "reset"

    assert deployment.serve(pool, 1) == ["m0"]


def test_a_lost_cycle_is_no_change_of_people(deployment: Deployment) -> None:
    """R8: a pool that resets on change does not take it for one."""
    pool = published_pool(deployment, HANDLES[:3], on_change="reset")
    deployment.serve(pool, 1)
    deployment.store.client.delete(KEYS.cycle(pool.id))

    assert run(deployment.pools.restore(ORGANIZATION, published(pool))) == "kept"

    assert deployment.serve(pool, 1) == ["m1"]


def test_someone_inactive_is_passed_over_and_loses_the_turn(deployment: Deployment) -> None:
    """R17: deactivated while the pool runs."""
    deployment.serve(published_pool(deployment, HANDLES[:3]), 1)

    off = published_pool(deployment, ["m0", {"member": "m1", "is_active": False}, "m2"])
    assert deployment.serve(off, 3) == ["m2", "m0", "m2"]

    again = published_pool(deployment, HANDLES[:3])
    assert deployment.serve(again, 3) == ["m0", "m1", "m2"]


@pytest.mark.parametrize(
    "people", [[], [{"member": "m0", "is_active": False}, {"member": "m1", "is_active": False}]]
)
def test_nobody_to_serve_is_an_answer_and_takes_no_turn(
    deployment: Deployment, people: list[Any]
) -> None:
    pool = published_pool(deployment, people)

    assert deployment.serve(pool, 2) == ["-", "-"]
    assert run(deployment.pools.state(ORGANIZATION, pool)).turn == 1


def test_who_returns_to_an_emptied_pool_is_served(deployment: Deployment) -> None:
    deployment.serve(published_pool(deployment, HANDLES[:2]), 1)
    published_pool(deployment, [])

    assert deployment.serve(published_pool(deployment, HANDLES[:2]), 2) == ["m1", "m0"]


@pytest.mark.parametrize("turn", [10**15 - 2, 2**53 - 2, 2**63 - 3])
def test_the_turn_counter_survives_large_numbers(deployment: Deployment, turn: int) -> None:
    """R23: exact beyond 2^53, and it begins anew after 2^63 - 1 instead of turning negative."""
    pool = published_pool(deployment, HANDLES[:3])
    deployment.store.client.hset(KEYS.pool(pool.id), "turn", turn)

    assert deployment.serve(pool, 5) == ["m0", "m1", "m2", "m0", "m1"]

    last = 2**63 - 1
    numbers = [turn + n if turn + n <= last else turn + n - last for n in range(6)]
    rows = deployment.store.client.lrange(KEYS.history(pool.id), 0, -1)
    assert [row.split(b",")[0] for row in rows] == [b'{"t":%d' % n for n in numbers[:5]]
    assert run(deployment.pools.state(ORGANIZATION, pool)).turn == numbers[5]


def test_everyone_gets_exactly_their_weight(deployment: Deployment) -> None:
    """Without bursts, and again in the next cycle."""
    pool = published_pool(
        deployment,
        [{"member": "m0", "weight": 5}, "m1", {"member": "m2", "weight": 0}, "m3"],
    )

    assert deployment.serve(pool, 7) == ["m0", "m0", "m1", "m0", "m3", "m0", "m0"]
    assert Counter(deployment.serve(pool, 70)) == {"m0": 50, "m1": 10, "m3": 10}
    state = run(deployment.pools.state(ORGANIZATION, pool))
    assert state.next == pool.participants[0]


def test_weights_of_zero_alone_are_an_answer(deployment: Deployment) -> None:
    """R15: no exception, no turn; the reason is told of everyone."""
    people = [{"member": handle, "weight": 0} for handle in HANDLES[:3]]
    pool = published_pool(deployment, people)

    assert deployment.serve(pool, 2) == ["-", "-"]

    state = run(deployment.pools.state(ORGANIZATION, pool))
    assert state.turn == 1
    assert [reason for _, reason in state.passed_over] == ["weight_zero"] * 3


def test_changed_weights_leave_the_next_person_next(deployment: Deployment) -> None:
    """Also where any change of the people resets, and where the next one's weight becomes 0."""
    deployment.serve(published_pool(deployment, HANDLES[:4], on_change="reset"), 2)

    heavier = [{"member": handle, "weight": 3 + n} for n, handle in enumerate(HANDLES[:4])]
    assert deployment.serve(published_pool(deployment, heavier, on_change="reset"), 1) == ["m2"]

    deployment.serve(published_pool(deployment, HANDLES[:4], on_change="reset"), 0)
    state = run(deployment.pools.state(ORGANIZATION, published_pool(deployment, HANDLES[:4])))
    assert state.next
    following = int(state.next.member.handle[1])
    without = [{"member": h, "weight": int(h != f"m{following}")} for h in HANDLES[:4]]
    pool = published_pool(deployment, without)
    assert deployment.serve(pool, 1) == [f"m{(following + 1) % 4}"]
    (row,) = deployment.store.client.lrange(KEYS.history(pool.id), -1, -1)
    assert row.endswith(b'"k":[["%s","weight_zero"]]}' % pool.participants[following].id.encode())


def test_a_lost_pointer_is_found_again_within_someones_many_turns(deployment: Deployment) -> None:
    """R8: the history says which of the person's turns it was."""
    pool = published_pool(deployment, [{"member": "m0", "weight": 3}, "m1"])
    assert deployment.serve(pool, 2) == ["m0", "m0"]
    deployment.store.client.delete(KEYS.pool(pool.id))

    assert run(deployment.pools.restore(ORGANIZATION, published(pool))) == "restored"

    assert deployment.serve(pool, 2) == ["m1", "m0"]


def test_a_large_pool_is_served_as_fast_and_tells_whom_it_passed_over(
    deployment: Deployment,
) -> None:
    """Ten of those passed over are named, the others counted."""
    off = [{"member": f"off{n}", "is_active": False} for n in range(200)]
    pool = published_pool(deployment, [*off, "m0"])

    assert deployment.serve(pool, 1) == ["m0"]

    (row,) = deployment.store.client.lrange(KEYS.history(pool.id), 0, -1)
    assert row.count(b'"inactive"]') == 10
    assert row.endswith(b',"r":{"inactive":190}}')


POLICIES = st.fixed_dictionaries(
    {
        "holds": st.booleans(),
        "parks": st.sampled_from([True, True, False]),
        "sticky": st.sampled_from([None, {"takes_turn": False}, {"takes_turn": True}]),
        "on_change": st.sampled_from(["keep", "reset"]),
    }
)


class Rotation(RuleBasedStateMachine):
    """A pool that is served, edited, lost and brought back, beside a model of it."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.deployment = Deployment(self.url)
        self.people = HANDLES[:3]
        self.inactive: set[str] = set()
        self.weights = dict.fromkeys(HANDLES, 1)
        self.caps: dict[str, int] = {}
        self.away: dict[str, tuple[date, date]] = {}
        self.on_change = "keep"
        self.holds = False
        self.parks = False
        self.sticky: dict[str, Any] | None = None
        self.now = datetime(2026, 1, 5, tzinfo=UTC)
        self.cycle: list[Turn] = []
        self.at = 0
        self.held: list[Held] = []
        self.owed: Counter[str] = Counter()
        self.owners: dict[str, str] = {}
        self.line: list[tuple[str, str]] = []
        self.used: Counter[tuple[str, date]] = Counter()
        self.history: list[Turn] = []
        self.served: list[str] = []
        self.turns: list[Taken] = []
        self.there = True
        self._publish()

    def teardown(self) -> None:
        self.deployment.close()

    @property
    def clock(self) -> int:
        return int(self.now.timestamp() * 1000)

    def _person(self, handle: str) -> dict[str, Any]:
        person: dict[str, Any] = {"member": handle, "weight": self.weights[handle]}
        person["is_active"] = handle not in self.inactive
        if handle in self.caps:
            person["caps"] = [{"limit": self.caps[handle], "per": "day"}]
        if handle in self.away:
            first, last = (day.isoformat() for day in self.away[handle])
            person["availability"] = {"out_of_office": [{"from": first, "to": last}]}
        return person

    def _publish(self, *, changed: bool = False) -> None:
        sticky: dict[str, Any] = {"sticky": self.sticky} if self.sticky else {}
        self.pool = make_pool(
            [self._person(handle) for handle in self.people],
            on_change=self.on_change,
            skip_policy="hold_turn" if self.holds else "lose_turn",
            when_nobody="park" if self.parks else "unassigned",
            **sticky,
        )
        self.deployment.publish(self.pool)
        self.there = True
        old, self.cycle = self.cycle, cycle_of(self.people, self.weights)
        self._follow(old, self.at)
        there = {h for h in self.people if self._never(h) != "weight_zero"}
        self.held = [h for h in self.held if (self.holds or h.credit) and h.who in there]
        ahead = self.sticky is not None and self.sticky["takes_turn"]
        self.owed = Counter({h: n for h, n in self.owed.items() if ahead and h in there})
        if changed and self.on_change == "reset":
            self.at, self.held, self.owed = 0, [], Counter()

    def _follow(self, old: list[Turn], at: int) -> None:
        """Make next who was next in another cycle, or the first after who is still here."""
        turned = old[at:] + old[:at]
        places = (place_of(turn, self.cycle) for turn in turned)
        self.at = next((place for place in places if place is not None), 0)

    def _never(self, handle: str) -> str | None:
        if handle in self.inactive:
            return "inactive"
        return None if self.weights[handle] else "weight_zero"

    def _reason(self, handle: str) -> str | None:
        today = self.now.date()
        first, last = self.away.get(handle, (date.max, date.min))
        if never := self._never(handle):
            return never
        if first <= today <= last:
            return "out_of_office"
        full = handle in self.caps and self.used[handle, today] >= self.caps[handle]
        return "at_cap" if full else None

    def _expected(self, mark: str = "-") -> tuple[str | None, int | None, list[str]]:
        """Return who is next, where in the cycle unless it is out of turn, and whom they pass."""
        owner = self.owners.get(mark) if self.sticky else None
        if owner in self.people and self._reason(owner) is None:
            return owner, None, []
        waiting = next((h.who for h in self.held if self._reason(h.who) is None), None)
        if waiting:
            return waiting, None, []
        passed: list[str] = []
        owed, step, most = self.owed.copy(), 0, len(self.cycle)
        while step < most:
            place = (self.at + step) % len(self.cycle)
            handle = self.cycle[place][0]
            if self._reason(handle) is None and not owed[handle]:
                return handle, place, passed
            if self._reason(handle) is None:
                owed[handle] -= 1
                most = len(self.cycle) * (step // len(self.cycle) + 2)
            passed.append(handle)
            step += 1
        return None, None, passed

    def _served(self, handle: str, mark: str) -> None:
        """Let the model serve whom the pool has served."""
        expected, place, passed = self._expected(mark)
        assert handle == expected
        own = self.sticky is not None and handle == self.owners.get(mark)
        self.served.append(handle)
        if place is not None:
            self.history.append(self.cycle[place])
            self.at = (place + 1) % len(self.cycle)
            self._pass_over(passed)
        elif not own or (self.sticky and self.sticky["takes_turn"]):
            line = next((n for n, held in enumerate(self.held) if held.who == handle), None)
            if line is not None:
                del self.held[line]
            else:
                self.owed[handle] = min(10, self.owed[handle] + 1)
        took = place is not None or not own or bool(self.sticky and self.sticky["takes_turn"])
        self.turns.append(Taken(handle, self.now.date(), took=took, counted=handle in self.caps))
        if handle in self.caps:
            self.used[handle, self.now.date()] += 1
        if self.sticky and mark != "-":
            self.owners[mark] = handle

    def _pass_over(self, passed: list[str]) -> None:
        for handle in passed:
            if self._reason(handle) is None:
                self.owed[handle] -= 1
        self.owed = +self.owed
        if self.holds:
            waits = {held.who for held in self.held if not held.credit}
            away = [
                h for h in dict.fromkeys(passed) if self._reason(h) not in (None, "weight_zero")
            ]
            self.held += [Held(h) for h in away if h not in waits]

    @precondition(lambda self: self.there)
    @rule(
        marks=st.lists(st.sampled_from(["-", "-", *MARKS]), min_size=1, max_size=12),
        later=st.integers(0, 40),
        most=st.integers(1, 20),
    )
    def serve(self, marks: list[str], later: int, most: int) -> None:
        """Post leads, and look at the line then or later."""
        for mark in marks:
            waits = self.parks and (self.line or self._expected(mark)[0] is None)
            taken = self.deployment.post(self.pool, self.clock, mark)
            if waits:
                assert taken.reason == "parked"
                self.line.append((taken.lead_id, mark))
            elif taken.assignment is None:
                assert self._expected(mark)[0] is None
            else:
                self._served(HANDLE_OF[taken.assignment.member_id], mark)
        self.now += timedelta(hours=later)
        self._drain(most)

    @rule(hours=st.integers(1, 40), most=st.integers(1, 20))
    def wait(self, hours: int, most: int) -> None:
        """Let time pass, and look at the line, as timers do."""
        self.now += timedelta(hours=hours)
        if self.there:
            self._drain(most)

    def _drain(self, most: int) -> None:
        """Serve the line: the oldest first, an ordinary turn each, until nobody is left."""
        drained = self.deployment.drain(self.pool, self.clock, most=most)
        rows = self.deployment.rows(self.pool)
        for lead, _ in drained.served:
            waited, mark = self.line.pop(0)
            assert lead == waited
            (member,) = (row["m"] for row in rows if row["l"] == lead)
            self._served(HANDLE_OF[member], mark)
        assert drained.left == len(self.line)
        if len(drained.served) < most and self.line:
            assert self._expected(self.line[0][1])[0] is None

    @precondition(lambda self: self.there and self.turns)
    @rule(back=st.integers(0, 20))
    def credit(self, back: int) -> None:
        """Give a turn back, of this year's or of the last one's people; once, whoever asks."""
        place = max(0, len(self.turns) - 1 - back)
        handle, day, took, counted, credited = turn = self.turns[place]
        never = self._never(handle) if handle in self.people else "gone"
        outside = took and not credited and never in ("gone", "weight_zero")

        outcome = self.deployment.credit(self.pool, place)

        assert outcome.status == ("outside" if outside else "done")
        if outside or credited:
            return
        self.turns[place] = turn._replace(credited=True)
        if took:
            self.held.append(Held(handle, credit=True))
        if counted and never != "gone" and self.used[handle, day]:
            self.used[handle, day] -= 1

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def set_next(self, data: st.DataObject) -> None:
        """Say who is next, which ends the turns that others have left."""
        handle = data.draw(st.sampled_from(self.people))
        person = next(p for p in self.pool.participants if p.member.handle == handle)
        assert run(self.deployment.pools.point(ORGANIZATION, self.pool.id, person.id))
        self.at = place_of((handle, 1), self.cycle) or 0
        self.held = []
        del self.owed[handle]

    @precondition(lambda self: self.there)
    @rule()
    def begin_anew(self) -> None:
        """Have the first be next, and nobody owe or have a turn."""
        assert run(self.deployment.pools.point_to_first(ORGANIZATION, self.pool.id))
        self.at, self.held, self.owed = 0, [], Counter()

    @precondition(lambda self: self.there and self.line)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        """Erase one of those who wait."""
        waits = data.draw(st.sampled_from(self.line))
        run(self.deployment.leads.records.erase(ORGANIZATION, "leads", waits[0]))
        self.line.remove(waits)

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        people = data.draw(st.lists(st.sampled_from(HANDLES), min_size=1, max_size=8, unique=True))
        changed, self.people = people != self.people, people
        self._publish(changed=changed)

    @rule(handle=st.sampled_from(HANDLES))
    def toggle(self, handle: str) -> None:
        self.inactive ^= {handle}
        self._publish()

    @rule(handle=st.sampled_from(HANDLES), weight=st.integers(0, 5))
    def weigh(self, handle: str, weight: int) -> None:
        """Change a weight, which never resets the pointer."""
        self.weights[handle] = weight
        self._publish()

    @rule(handle=st.sampled_from(HANDLES), limit=st.none() | st.integers(1, 4))
    def cap(self, handle: str, limit: int | None) -> None:
        """Change a cap, which never resets the pointer; what is used of it stays used."""
        self.caps.pop(handle, None)
        if limit:
            self.caps[handle] = limit
        self._publish()

    @rule(handle=st.sampled_from(HANDLES), days=st.none() | st.integers(0, 3))
    def leave(self, handle: str, days: int | None) -> None:
        self.away.pop(handle, None)
        if days is not None:
            today = self.now.date()
            self.away[handle] = (today, today + timedelta(days))
        self._publish()

    @initialize(
        caps=st.dictionaries(st.sampled_from(HANDLES), st.integers(1, 4), min_size=3),
        policy=POLICIES,
    )
    def begin(self, caps: dict[str, int], policy: dict[str, Any]) -> None:
        self.caps = caps
        self.choose(policy)

    @rule(policy=POLICIES)
    def choose(self, policy: dict[str, Any]) -> None:
        """Change how the pool goes on, and none of its people."""
        self.holds, self.parks = policy["holds"], policy["parks"]
        self.sticky, self.on_change = policy["sticky"], policy["on_change"]
        self._publish()

    @rule()
    def publish_again(self) -> None:
        self._publish()

    @precondition(lambda self: self.there)
    @rule()
    def vanish(self) -> None:
        """Stop the pool; its state stays for its time and comes back with the id."""
        self.deployment.publish()
        self.there = False
        assert self.deployment.store.client.ttl(KEYS.pool(self.pool.id)) > 0

    @precondition(lambda self: self.there)
    @rule(cycle_too=st.booleans())
    def lose_the_pointer(self, cycle_too: bool) -> None:
        """R8: what is left is the history."""
        client = self.deployment.store.client
        client.delete(KEYS.pool(self.pool.id), *([KEYS.cycle(self.pool.id)] if cycle_too else []))
        run(self.deployment.pools.restore(ORGANIZATION, published(self.pool)))
        places = (place_of(turn, self.cycle) for turn in reversed(self.history))
        last = next((place for place in places if place is not None), -1)
        self.at = (last + 1) % len(self.cycle)

    @precondition(lambda self: self.there)
    @rule()
    def lose_the_cycle(self) -> None:
        """R8: the pointer knows who is next by id."""
        self.deployment.store.client.delete(KEYS.cycle(self.pool.id))
        run(self.deployment.pools.restore(ORGANIZATION, published(self.pool)))

    @precondition(lambda self: self.there)
    @rule()
    def look(self) -> None:
        """Look, which takes no turn, and be told what serving will do."""
        state = run(self.deployment.pools.state(ORGANIZATION, self.pool, self.clock))
        handle, _, passed = self._expected()
        assert (state.next and state.next.member.handle) == handle
        assert [(person.member.handle, reason) for person, reason in state.passed_over] == [
            (person, self._reason(person) or "turn_taken") for person in dict.fromkeys(passed)
        ]
        assert state.parked == len(self.line)
        assert state.turn == len(self.served) + 1
        assert state.total == len(self.served)
        counts = {HANDLE_OF[m]: count for m, (count, _) in state.members.items()}
        assert counts == Counter(self.served)
        proof = self.deployment.proof(self.pool)
        assert (proof.verdict, proof.findings) == ("proven", [])
        assert proof.checked == len(self.served)


def cycle_of(people: list[str], weights: dict[str, int]) -> list[Turn]:
    """Return the turns of a cycle: who, and which of their turns that is."""
    had: Counter[str] = Counter()
    cycle = []
    for place in turns(tuple(weights[handle] for handle in people)):
        had[people[place]] += 1
        cycle.append((people[place], had[people[place]]))
    return cycle


def place_of(turn: Turn, cycle: list[Turn]) -> int | None:
    """Return where that turn is, or the person's last before it, or their only ones after it."""
    handle, number = turn
    places = [(n, place) for place, (h, n) in enumerate(cycle) if h == handle]
    return max((found for found in places if found[0] <= number), default=(0, None))[1]


def test_a_pool_behaves_as_its_model(redis_url: str) -> None:
    """R8 to R15, R17 to R19 in any order: caps, absences, turns held, ahead or given back, lines.

    The history of each is proven as well, by ``pools.proof``, which knows nothing of this model.
    """
    Rotation.url = redis_url
    examples = 25_000 if THOROUGH else 200
    run_state_machine_as_test(
        Rotation, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None)
    )
