"""Leads of Meta that were given up, seen and read again from the command line."""

from __future__ import annotations

import asyncio
import json

import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner, Result

from pointsman.cli import main
from pointsman.model import Origin
from pointsman.settings import Settings
from pointsman.store.keys import ORGANIZATIONS, Keys
from pointsman.store.leadgens import Leadgen, LeadgenStore
from pointsman.store.redis import RedisStore

ACME = "8a2f5a0e-92ac-5d0b-9d1e-0d7b3a3f6c11"


async def given_up(url: str, *ids: str) -> None:
    """Have leads told of and given up."""
    async with RedisStore.open(url) as store:
        await store.redis.hset(ORGANIZATIONS, "acme", ACME)
        leadgens = LeadgenStore(store, Settings())
        await leadgens.accept(ACME, [Leadgen(one, Origin("meta"), reads=True) for one in ids])
        for one in ids:
            assert await leadgens.settle(ACME, one, 1, "failed", f"no {one}")


async def state(url: str, identifier: str) -> tuple[bytes | str | None, int]:
    """Return a lead's state, and how many jobs are on their way."""
    async with Redis.from_url(url) as redis:
        keys = Keys(ACME)
        return await redis.hget(keys.leadgen(identifier), "state"), await redis.xlen(keys.outbox)


@pytest.fixture
def url(redis_url: str) -> str:
    asyncio.run(given_up(redis_url, "1", "2", "3"))
    return redis_url


def meta(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["meta", *arguments, "--redis-url", url])


def test_what_was_given_up_is_listed_with_the_reason(url: str) -> None:
    told = json.loads(meta(url, "failed", "acme", "--format", "json").stdout)

    assert {(row["leadgen_id"], row["error"]) for row in told} == {(i, f"no {i}") for i in "123"}
    assert "no 2" in meta(url, "failed", "acme").stdout


def test_what_is_to_be_read_again_waits_and_is_listed_no_more(url: str) -> None:
    _, before = asyncio.run(state(url, "2"))

    assert meta(url, "retry", "acme", "2").stdout == "acme: 1 to be read again\n"
    assert asyncio.run(state(url, "2")) == (b"waiting", before + 1)
    assert meta(url, "retry", "acme").stdout == "acme: 2 to be read again\n"
    assert meta(url, "failed", "acme").stdout == ""


def test_what_was_not_given_up_is_not_read_again(url: str) -> None:
    answer = meta(url, "retry", "acme", "2", "4", "5")

    assert answer.exit_code == 1
    assert "not among those given up: 4, 5" in answer.stderr
    assert asyncio.run(state(url, "2"))[0] == b"failed"
