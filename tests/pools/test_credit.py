"""Turns given back, under any order of leads and credits."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.model import Pool
from pointsman.settings import Settings
from pointsman.store.history import assignment_of
from pointsman.store.owners import Asked, OwnerStore
from pooling import ORGANIZATION
from rotating import HANDLES, KEYS, Deployment, published_pool, run

SERVE = st.tuples(st.just("serve"), st.integers(1, 5))
CREDIT = st.tuples(st.just("credit"), st.integers(0, 30))
PUBLISH = st.tuples(st.just("publish"), st.booleans())


def credited(deployment: Deployment, pool: Pool, turn: int) -> str:
    """Give the turn of this number back; return what the store says."""
    owners = OwnerStore(deployment.store, Settings())
    rows = deployment.store.client.lrange(KEYS.history(pool.id), turn - 1, turn - 1)
    assignment = assignment_of(pool.id, rows[0])
    assert assignment.turn == turn
    asked = Asked("test", f"credit:{turn}")
    return run(owners.credit(ORGANIZATION, pool.id, assignment, asked, at=assignment.at)).status


@settings(max_examples=60)
@given(people=st.integers(1, 4), steps=st.lists(SERVE | CREDIT | PUBLISH, max_size=20))
def test_every_credit_is_one_turn_more_and_no_other_turn_is_lost(
    redis_url: str, people: int, steps: list[tuple[str, int]]
) -> None:
    """Credits are served first, in their order; between them the rotation goes on as ever."""
    deployment = Deployment(redis_url)
    try:
        handles = HANDLES[:people]
        pool = published_pool(deployment, handles)
        history: list[str] = []
        waiting: list[str] = []
        given_back: set[int] = set()
        at = 0
        for what, number in steps:
            if what == "serve":
                expected = waiting[:number]
                del waiting[:number]
                more = number - len(expected)
                expected += [handles[(at + n) % people] for n in range(more)]
                at += more
                assert deployment.serve(pool, number) == expected
                history += expected
            elif what == "publish":
                priority = len(history) * 2 + number
                pool = published_pool(deployment, handles, priority=priority)
            elif number < len(history):
                assert credited(deployment, pool, number + 1) == "done"
                if number not in given_back:
                    waiting.append(history[number])
                given_back.add(number)
        held = deployment.store.client.lrange(KEYS.held(pool.id), 0, -1)
        assert len(held) == len(waiting)
    finally:
        deployment.close()
