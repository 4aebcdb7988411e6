"""Thousands of leads over two daemons, one of which dies: nothing lost or twice, no turn wrong.

The leads are the real ones where they lie beside the project, else made up in their likeness.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from redis.asyncio import Redis

from daemons import Process
from pointsman.ids import parse_lead_id
from pointsman.store.keys import Keys

EXAMPLE = Path(__file__).parents[2] / "config"
REAL = Path(__file__).parents[3] / "shared" / "data" / "leads.jsonl"
COUNT = 9_240
CONNECTIONS = 32
ORGANIZATION = "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
POOL = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"
PEOPLE = 4


def leads() -> list[bytes]:
    """The real leads, one JSON object each."""
    if REAL.exists():
        return REAL.read_bytes().splitlines()
    likeness = {"lead_origin": "API", "lead_source": "Organic Search", "country": "India"}
    return [orjson.dumps({"prospect_id": str(i), **likeness}) for i in range(COUNT)]


class Sender:
    """A vendor that posts each lead until it is answered, to whichever daemon answers."""

    def __init__(self, http: ClientSession, urls: Sequence[str]) -> None:
        self.answers: dict[int, dict[str, Any]] = {}
        self.repeated = 0
        self._http = http
        self._urls = urls

    async def post(self, number: int, lead: bytes) -> None:
        for attempt in range(100):
            url = self._urls[(number + attempt) % len(self._urls)]
            try:
                self.answers[number] = await self._try(url, number, lead)
            except (ClientError, TimeoutError):
                self.repeated += 1
            else:
                return
        raise AssertionError(f"lead {number} was never answered")

    async def _try(self, url: str, number: int, lead: bytes) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"lead-{number}"}
        address = f"{url}/intake/acme/webhook"
        async with self._http.post(address, data=lead, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            told: dict[str, Any] = await answer.json()
            return told


async def post_all(sender: Sender, bodies: Sequence[bytes], victim: Process) -> None:
    """Post everything over the connections; kill the victim when a third is answered."""
    numbers = iter(range(len(bodies)))
    killed = asyncio.Event()

    async def connection() -> None:
        for number in numbers:
            await sender.post(number, bodies[number])
            if len(sender.answers) >= len(bodies) // 3 and not killed.is_set():
                killed.set()
                await victim.kill()

    async with asyncio.TaskGroup() as connections:
        for _ in range(CONNECTIONS):
            connections.create_task(connection())


@pytest.mark.timeout(170)
async def test_every_lead_is_there_exactly_once_and_turns_are_ideal_though_a_daemon_dies(
    tmp_path: Path, redis_url: str, redis: Redis
) -> None:
    """R1, R5, D4: 9,240 leads, 32 connections, two daemons, one killed in the middle."""
    shutil.copytree(EXAMPLE, tmp_path / "config")
    bodies = leads()
    first = Process(tmp_path / "config", tmp_path / "first", redis_url)
    second = Process(tmp_path / "config", tmp_path / "second", redis_url, config_role="follower")
    async with first, second:
        connector = TCPConnector(limit=CONNECTIONS)
        async with ClientSession(connector=connector, timeout=ClientTimeout(total=10)) as http:
            sender = Sender(http, [first.url, second.url])
            await post_all(sender, bodies, first)

    assert len(sender.answers) == len(bodies) == COUNT
    assert sender.repeated > 0
    acknowledged = [parse_lead_id(answer["leadId"]) for answer in sender.answers.values()]
    assert all(answer["assigned"] for answer in sender.answers.values())

    keys = Keys(ORGANIZATION)
    history = [orjson.loads(entry) for entry in await redis.lrange(keys.history(POOL), 0, -1)]
    turns = [entry["o"] for entry in history]
    assert turns == [place % PEOPLE + 1 for place in range(COUNT)]
    assert max(Counter(turns).values()) - min(Counter(turns).values()) <= 1
    assert Counter(entry["l"] for entry in history) == Counter(acknowledged)
    stored = [key async for key in redis.scan_iter(keys.lead("[0-9a-f]*"), count=5000)]
    assert len([key for key in stored if key.count(b":") == 3]) == COUNT
