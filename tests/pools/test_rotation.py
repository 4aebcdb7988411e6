"""The laws of the rotation, against the real scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from orjson import dumps
from redis import Redis

from pointsman.model import Pool
from pointsman.pools.compile import published
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.pools import PoolStore
from pointsman.store.scripts import _text, script
from pooling import ORGANIZATION, leads_of, make_pool, member

HANDLES = [f"m{n}" for n in range(8)]
HANDLE_OF = {member(handle).id: handle for handle in HANDLES}
KEYS = Keys(ORGANIZATION)
T = TypeVar("T")


class BlockingStore:
    """The store's scripts on a blocking client: Hypothesis drives no event loop."""

    def __init__(self, url: str) -> None:
        self.client = Redis.from_url(url)

    async def call(self, name: str, keys: list[str] = (), args: list[Any] = ()) -> Any:  # type: ignore[assignment]
        return self.client.eval(script(name).source, len(keys), *keys, *args)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("the coroutine waits for something")


class Deployment:
    """One pool in Redis, published again and again, and served."""

    def __init__(self, url: str) -> None:
        self.store = cast("Any", BlockingStore(url))
        self.store.client.flushall()
        self.leads = LeadStore(self.store, Settings())
        self.pools = PoolStore(self.store)
        self._generations = GenerationStore(self.store, Settings())
        self._number = 0

    def publish(self, *pools: Pool) -> None:
        publication = Publication(self._number, "", {}, [published(p) for p in pools], "test")
        self._number = run(self._generations.publish(ORGANIZATION, publication)).number

    def publish_reset(self, pool: Pool) -> str:
        """Publish with the reset that a change of the people through the API demands."""
        source = _text("lib/rotation.lua") + (
            "local keys = rotation_keys(ARGV[1], ARGV[2])\n"
            "return rotation_publish(keys, cjson.decode(ARGV[3]), true)"
        )
        args = [KEYS.prefix, pool.id, dumps(published(pool))]
        effect: bytes = self.store.client.eval(source, 0, *args)
        return effect.decode()

    def serve(self, pool: Pool, number: int) -> list[str]:
        return run(leads_of(self.leads, pool, number))

    def close(self) -> None:
        self.store.client.close()


@pytest.fixture(name="deployment")
def _deployment(redis_url: str) -> Any:
    deployment = Deployment(redis_url)
    yield deployment
    deployment.close()


def published_pool(deployment: Deployment, people: list[Any], **document: Any) -> Pool:
    pool = make_pool(people, **document)
    deployment.publish(pool)
    return pool


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


@pytest.mark.parametrize("turn", [2**53 - 2, 2**63 - 3])
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


class Rotation(RuleBasedStateMachine):
    """A pool that is served, edited, lost and brought back, beside a model of it."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.deployment = Deployment(self.url)
        self.people = HANDLES[:3]
        self.inactive: set[str] = set()
        self.on_change = "keep"
        self.next = HANDLES[0]
        self.history: list[str] = []
        self.there = True
        self._publish()

    def teardown(self) -> None:
        self.deployment.close()

    def _publish(self) -> None:
        people = [{"member": h, "is_active": h not in self.inactive} for h in self.people]
        self.pool = make_pool(people, on_change=self.on_change)
        self.deployment.publish(self.pool)
        self.there = True

    def _change(self, people: list[str]) -> None:
        """Edit who is in the pool, and move the model's pointer by the rules."""
        if people != self.people and self.on_change == "reset":
            self.next = people[0]
        elif self.next not in people:
            start = self.people.index(self.next)
            turned = self.people[start:] + self.people[:start]
            self.next = next((handle for handle in turned if handle in people), people[0])
        self.people = people
        self._publish()

    @precondition(lambda self: self.there)
    @rule(number=st.integers(1, 5))
    def serve(self, number: int) -> None:
        for served in self.deployment.serve(self.pool, number):
            start = self.people.index(self.next)
            turned = self.people[start:] + self.people[:start]
            expected = next((h for h in turned if h not in self.inactive), "-")
            assert served == expected
            if served != "-":
                self.history.append(served)
                self.next = self.people[(self.people.index(served) + 1) % len(self.people)]

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        self._change(
            data.draw(st.lists(st.sampled_from(HANDLES), min_size=1, max_size=8, unique=True))
        )

    @rule(handle=st.sampled_from(HANDLES))
    def toggle(self, handle: str) -> None:
        self.inactive ^= {handle}
        self._publish()

    @rule(on_change=st.sampled_from(["keep", "reset"]))
    def choose_on_change(self, on_change: str) -> None:
        self.on_change = on_change
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
        last = next((h for h in reversed(self.history) if h in self.people), None)
        after = 0 if last is None else self.people.index(last) + 1
        self.next = self.people[after % len(self.people)]

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
        state = run(self.deployment.pools.state(ORGANIZATION, self.pool))
        start = self.people.index(self.next)
        turned = self.people[start:] + self.people[:start]
        expected = next((h for h in turned if h not in self.inactive), None)
        assert (state.next and state.next.member.handle) == expected
        assert state.turn == len(self.history) + 1
        assert state.total == len(self.history)
        counts = {HANDLE_OF[m]: count for m, (count, _) in state.members.items()}
        assert counts == Counter(self.history)


def test_a_pool_behaves_as_its_model(redis_url: str) -> None:
    """R8 to R11, R17, R18 in any order."""
    Rotation.url = redis_url
    run_state_machine_as_test(
        Rotation, settings=settings(max_examples=30, stateful_step_count=25, deadline=None)
    )
