"""Deployed flows in Redis: live texts of a generation, and the versions behind them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from pointsman.errors import Refused
from pointsman.settings import Settings
from pointsman.store.deployments import KEPT_VERSIONS, Deployed, DeploymentStore, pack, unpack
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

ORG = "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
FLOW = "5fd4371e940df5a34a3888b2"
ONE = {FLOW: Deployed("flows/solar.yaml", "name: Sölar\n".encode())}
TWO = {FLOW: Deployed("flows/solar.yaml", b"name: Two\n")}


def publication(parent: int, deployed: dict[str, Deployed] | None) -> Publication:
    return Publication(parent, "h", {}, (), "ada", deployed=deployed)


def test_live_texts_are_what_they_were_when_they_are_unpacked() -> None:
    """None at all, and no deploying at all, are two things."""
    for deployment in (ONE, {}, None):
        assert unpack(pack(deployment)) == deployment


async def test_a_version_is_counted_once_however_often_it_is_sent(store: RedisStore) -> None:
    """R19: also if the same text is published again, and not if the parent is another."""
    generations, deployments = GenerationStore(store, Settings()), DeploymentStore(store)
    first = publication(0, ONE)
    for _ in range(2):
        assert (await generations.publish(ORG, first)).number == 1
    await generations.publish(ORG, publication(1, ONE))
    with pytest.raises(Refused):
        await generations.publish(ORG, publication(1, TWO))
    await generations.publish(ORG, replace(publication(2, TWO), author="bob"))

    versions = await deployments.versions(ORG, FLOW)

    assert [(each.number, each.by) for each in versions] == [(2, "bob"), (1, "ada")]
    assert [each.deployed for each in versions] == [TWO[FLOW], ONE[FLOW]]
    assert (await deployments.live(ORG))[FLOW].version == 2
    assert [await generations.deployed(ORG, n) for n in (1, 2, 3)] == [ONE, ONE, TWO]


async def test_the_last_versions_are_kept(store: RedisStore) -> None:
    generations, deployments = GenerationStore(store, Settings()), DeploymentStore(store)
    newest = KEPT_VERSIONS + 2
    for number in range(newest):
        text = Deployed("flows/solar.yaml", f"name: S{number}\n".encode())
        await generations.publish(ORG, publication(number, {FLOW: text}))
    versions = await deployments.versions(ORG, FLOW)
    assert [each.number for each in versions] == list(range(newest, 2, -1))


async def test_what_is_not_live_any_more_keeps_its_versions_for_a_while(
    store: RedisStore, redis: Redis
) -> None:
    generations, deployments = GenerationStore(store, Settings()), DeploymentStore(store)
    await generations.publish(ORG, publication(0, ONE))
    await generations.publish(ORG, publication(1, None))
    assert await deployments.live(ORG) == {}
    assert await redis.ttl(Keys(ORG).deployed_versions(FLOW)) > 0
    await generations.publish(ORG, publication(2, ONE))
    assert (await deployments.live(ORG))[FLOW].version == 2
    assert await redis.ttl(Keys(ORG).deployed_versions(FLOW)) == -1
