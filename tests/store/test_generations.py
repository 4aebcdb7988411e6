from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from pointsman.errors import PointsmanError, Refused
from pointsman.ids import milliseconds
from pointsman.settings import Settings
from pointsman.store.generations import CHANNEL, KEPT, GenerationStore, Node, Publication
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

ORG = "5a6f1c1e-0b0e-5d43-9f6e-000000000001"
KEYS = Keys(ORG)
FILES = {"organization.yaml": "name: Äcme\n".encode(), "pools/a.yaml": b"name: A\n"}


def pool(identifier: str, revision: str, *members: str) -> dict[str, object]:
    cycle = [f"{n}|1|{member}|{identifier}-{member}" for n, member in enumerate(members, 1)]
    return {"id": identifier, "revision": revision, "on_change": "keep", "cycle": cycle}


def publication(parent: int = 0, *pools: dict[str, object], **other: object) -> Publication:
    values = {"hash": f"h{parent + 1}", "files": FILES, "author": "ada", "pools": pools}
    return Publication(parent, **(values | other))  # type: ignore[arg-type]


@pytest.fixture
def generations(store: RedisStore) -> GenerationStore:
    return GenerationStore(store, Settings())


async def test_nothing_is_published_at_first(generations: GenerationStore) -> None:
    assert await generations.current(ORG) is None
    assert await generations.list(ORG) == []
    assert await generations.organizations() == {}


async def test_a_published_generation_is_read_back(generations: GenerationStore) -> None:
    before = milliseconds()
    made = await generations.publish(ORG, publication(pool_ids={"pools/a.yaml": "p"}))
    assert (made.number, made.parent, made.hash, made.author) == (1, 0, "h1", "ada")
    assert made.at >= before
    assert await generations.current(ORG) == made
    assert await generations.files(ORG, 1) == FILES
    assert await generations.list(ORG) == [made]


async def test_an_organization_has_one_secret_for_good_and_every_reader_gets_it(
    generations: GenerationStore,
) -> None:
    first = await generations.publish(ORG, publication())
    second = await generations.publish(ORG, publication(parent=1))
    current = await generations.current(ORG)
    assert current is not None
    assert len(first.secret) == 32
    assert first.secret == second.secret == current.secret
    assert first.secret.hex() not in repr(current)


async def test_of_two_publishers_that_saw_the_same_the_second_is_refused(
    generations: GenerationStore,
) -> None:
    answers = await asyncio.gather(
        generations.publish(ORG, publication(0, author="ada")),
        generations.publish(ORG, publication(0, author="grace")),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 1
    assert refused[0].code == "CONFLICT"
    assert "generation 1 was published meanwhile" in str(refused[0])
    current = await generations.current(ORG)
    assert current is not None
    assert current.number == 1


async def test_an_operation_sent_twice_publishes_once(generations: GenerationStore) -> None:
    made = publication(operation="one")
    first, again = await generations.publish(ORG, made), await generations.publish(ORG, made)
    assert first.number == again.number == 1
    assert len(await generations.list(ORG)) == 1


async def test_keeps_the_last_twenty(generations: GenerationStore) -> None:
    for parent in range(KEPT + 5):
        await generations.publish(ORG, publication(parent))
    assert [each.number for each in await generations.list(ORG)] == list(range(25, 5, -1))
    assert await generations.files(ORG, 5) is None
    assert await generations.files(ORG, 6) == FILES


async def test_pointers_move_in_the_same_script(generations: GenerationStore, redis: Redis) -> None:
    await generations.publish(ORG, publication(0, pool("p", "r1", "ann", "bob", "cat")))
    assert await redis.hget(KEYS.pools, "p") == b"r1"
    await redis.hset(KEYS.pool("p"), mapping={"position": 1, "participant": "p-bob"})
    await generations.publish(ORG, publication(1, pool("p", "r2", "cat", "bob", "ann", "dan")))
    assert await redis.hmget(KEYS.pool("p"), "participant", "position") == [b"p-bob", b"1"]
    await generations.publish(ORG, publication(2, pool("p", "r3", "ann", "dan")))
    assert await redis.hget(KEYS.pool("p"), "participant") == b"p-ann", "the removed one's next"


async def test_a_vanished_pool_stops_and_comes_back_with_its_state(
    generations: GenerationStore, redis: Redis
) -> None:
    await generations.publish(ORG, publication(0, pool("p", "r1", "ann", "bob")))
    await redis.hset(KEYS.pool("p"), mapping={"position": 1, "participant": "p-bob"})
    await generations.publish(ORG, publication(1))
    assert await redis.hget(KEYS.pools, "p") is None
    days = await redis.ttl(KEYS.pool("p")) / 86_400
    assert 29.9 < days <= 30
    await generations.publish(ORG, publication(2, pool("p", "r1", "ann", "bob")))
    assert await redis.ttl(KEYS.pool("p")) == -1
    assert await redis.hget(KEYS.pool("p"), "participant") == b"p-bob"


async def test_data_of_a_newer_format_is_refused(
    generations: GenerationStore, redis: Redis
) -> None:
    await generations.publish(ORG, publication())
    await redis.set(KEYS.format, 3)
    for attempt in (generations.current(ORG), generations.publish(ORG, publication(1))):
        with pytest.raises(PointsmanError, match=r"has format 3.*run a newer version"):
            await attempt
    assert await redis.hget(KEYS.generation, "number") == b"1"


async def test_tells_the_other_nodes(generations: GenerationStore, redis: Redis) -> None:
    async with redis.pubsub() as listener:
        await listener.subscribe(CHANNEL)
        await listener.get_message(timeout=5)
        await generations.publish(ORG, publication())
        told = await listener.get_message(timeout=5)
    assert told is not None
    assert told["data"] == f"{ORG} 1".encode()


async def test_nodes_tell_what_they_serve_and_learn_what_is_current(
    generations: GenerationStore,
) -> None:
    await generations.publish(ORG, publication())
    now = milliseconds()
    assert await generations.beat(ORG, Node("a", now, 0, 0)) == 1
    assert await generations.beat(ORG, Node("b", now - 7_000, 1, 0)) == 1
    assert await generations.nodes(ORG) == [Node("a", now, 0, 0)], "b was not heard of lately"
    await generations.leave(ORG, "a")
    assert await generations.nodes(ORG) == []


async def test_a_node_silent_for_long_is_forgotten(
    generations: GenerationStore, redis: Redis
) -> None:
    now = milliseconds()
    await generations.beat(ORG, Node("dead", now - 31_000, 1, 0))
    await generations.beat(ORG, Node("a", now, 1, 0))
    assert await redis.hkeys(KEYS.nodes) == [b"a"]
