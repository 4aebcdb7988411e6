"""One pool, many processes: the pointer is in Redis, so there is one sequence of turns."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import orjson
from aiohttp import ClientSession, TCPConnector
from redis.asyncio import Redis

from daemons import Process
from pointsman.store.keys import Keys
from trees import write

PEOPLE = ("ada", "bruno", "chen", "dalia", "emil", "farah", "gil")
POOL = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"
ORGANIZATION = "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
LEADS = 500
FILES = {
    "organization.yaml": f"id: {ORGANIZATION}\nname: Acme\n"
    "integrations: {lead_webhook: {enabled: true}}\nmembers:\n"
    + "".join(f"  - {{handle: {name}, name: {name.title()}}}\n" for name in PEOPLE),
    "pools/inbound.yaml": f"id: {POOL}\nname: Inbound\nparticipants: [{', '.join(PEOPLE)}]\n"
    "connections: [{source: webhook}]\n",
}


async def post(url: str, number: int) -> int:
    """Post one lead on a connection of its own, and return who got it."""
    async with ClientSession(connector=TCPConnector(force_close=True)) as http:
        address = f"{url}/intake/acme/webhook"
        async with http.post(address, json={"email": f"{number}@example.com"}) as answer:
            assert answer.status == 201
            return int((await answer.json())["turnOrder"])


async def test_four_processes_deal_one_sequence_to_seven_people(
    tmp_path: Path, redis_url: str, redis: Redis
) -> None:
    """R1, R2: 500 leads at once over 4 processes; counts differ by one, the order is ideal."""
    config = write(tmp_path / "config", FILES)
    async with Process(config, tmp_path / "daemon", redis_url, workers=4) as daemon:
        served = await asyncio.gather(*(post(daemon.url, number) for number in range(LEADS)))

    counts = Counter(served)
    assert len(counts) == len(PEOPLE)
    assert max(counts.values()) - min(counts.values()) == 1
    history = await redis.lrange(Keys(ORGANIZATION).history(POOL), 0, -1)
    turns = [orjson.loads(entry)["o"] for entry in history]
    assert turns == [turn % len(PEOPLE) + 1 for turn in range(LEADS)]
