"""One pool, many processes: the pointer is in Redis, so there is one sequence of turns.

First the list stays as it is; then it is edited again and again, and one of the processes killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector
from orjson import loads
from redis.asyncio import Redis

from daemons import Process
from pointsman.ids import parse_lead_id
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from proving import proven
from support import THOROUGH
from trees import write

PEOPLE = ["ada", "bruno", "chen", "dalia", "emil", "farah", "gil"]
POOL = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"
ORGANIZATION = "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
KEYS = Keys(ORGANIZATION)
AT_ONCE = 500
ROUNDS = 20 if THOROUGH else 1
WORKERS = 4
MEMBERS = "".join(f"  - {{handle: {name}, name: {name.title()}}}\n" for name in [*PEOPLE, "hana"])
HEAD = f"""\
id: {ORGANIZATION}
name: Acme
integrations: {{lead_webhook: {{enabled: true}}}}
members:
{MEMBERS}"""


def pool(people: list[str], paused: str = "") -> str:
    """Return a pool whose pointer goes back to the first with every change of the people."""
    listed = (f"{{member: {one}, is_active: {str(one != paused).lower()}}}" for one in people)
    return (
        f"id: {POOL}\nname: Inbound\non_change: reset\nparticipants: [{', '.join(listed)}]\n"
        "connections: [{source: webhook}]\n"
    )


EDITS = [
    pool([*PEOPLE, "hana"]),  # one more
    pool([*PEOPLE, "hana"], paused="chen"),
    pool(["hana", *PEOPLE[::-1]], paused="chen"),  # another order
    pool(["hana", *PEOPLE[::-1]]),
    pool(PEOPLE),  # one fewer, and the order of old
]
"""Changes of the file: three change the people, two only pause somebody."""


class Site:
    """A daemon on a tree, and whoever posts to it."""

    def __init__(self, root: Path, daemon: Process) -> None:
        self.taken: list[str] = []
        self.posted = 0
        self.edited = 0
        self.settled = False
        self._root = root
        self._daemon = daemon
        self._edits = cycle(EDITS)

    async def post(self, number: int) -> None:
        """Post a lead until it is answered, each time on a connection of its own."""
        for _ in range(200):
            try:
                async with ClientSession(connector=TCPConnector(force_close=True)) as http:
                    return await self._try(http, number)
            except (ClientError, TimeoutError):
                await asyncio.sleep(0.05)
        raise AssertionError(f"lead {number} was never answered")

    async def _try(self, http: ClientSession, number: int) -> None:
        headers = {"Idempotency-Key": f"lead-{number}"}
        body = {"email": f"{number}@example.com"}
        url = f"{self._daemon.url}/intake/acme/webhook"
        async with http.post(url, json=body, headers=headers) as answer:
            told = await answer.json()
            assert answer.status in {200, 201}, told
            assert told["assigned"], told
            self.taken.append(told["leadId"])

    async def post_many(self) -> None:
        """Post many at once."""
        first, self.posted = self.posted, self.posted + AT_ONCE
        await asyncio.gather(*(self.post(first + n) for n in range(AT_ONCE)))

    async def post_on(self, victim: int) -> None:
        """Post as long as the file changes; kill a process amid the first of them."""
        posting = asyncio.ensure_future(self.post_many())
        await asyncio.sleep(0.2)
        os.kill(victim, signal.SIGKILL)
        await posting
        while not self.settled:
            await self.post_many()

    async def edit(self, redis: Redis) -> None:
        """Change the file, and wait until that is published."""
        before = await redis.hget(KEYS.generation, "number")
        path = self._root / "acme/pools/inbound.yaml"
        path.with_name(".partial").write_text(next(self._edits))
        path.with_name(".partial").rename(path)
        self.edited += 1
        async with asyncio.timeout(20):
            while await redis.hget(KEYS.generation, "number") == before:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def edit_on(self, redis: Redis) -> None:
        """Change the file again and again, each change equally often."""
        for _ in range(ROUNDS * len(EDITS)):
            await self.edit(redis)
        self.settled = True


def workers(daemon: Process) -> list[int]:
    """Return the processes that serve."""
    told = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text(encoding="ascii")
    return [int(pid) for pid in told.split()]


@pytest.mark.timeout(1800 if THOROUGH else 170)
async def test_four_processes_deal_one_sequence_to_seven_people(
    tmp_path: Path, store: RedisStore, redis_url: str, redis: Redis
) -> None:
    """R1, R2, R9: 500 at once: counts differ by one, the order is ideal.

    Then amid edits and a kill: no turn is lost or doubled, and each change of the people resets
    the pointer once.
    """
    files = {"organization.yaml": HEAD, "pools/inbound.yaml": pool(PEOPLE)}
    root = write(tmp_path / "config", files)
    async with Process(root, tmp_path / "daemon", redis_url, workers=WORKERS) as daemon:
        site = Site(root, daemon)
        await site.post_many()
        calm = [loads(row) for row in await redis.lrange(KEYS.history(POOL), 0, -1)]
        assert len(workers(daemon)) == WORKERS
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(site.edit_on(redis))
            victim = workers(daemon)[-1]
            tasks.create_task(site.post_on(victim))
        assert victim not in workers(daemon)

    assert [row["o"] for row in calm] == [turn % len(PEOPLE) + 1 for turn in range(AT_ONCE)]
    proof = await proven(store, ORGANIZATION, POOL)
    assert (proof.verdict, proof.findings) == ("proven", [])
    history = [loads(row) for row in await redis.lrange(KEYS.history(POOL), 0, -1)]
    posted = Counter(parse_lead_id(lead) for lead in site.taken)
    assert Counter(row["l"] for row in history) == posted
    assert len(posted) == proof.checked == site.posted
    moves = Counter(loads(move)["e"] for move in await redis.lrange(KEYS.moves(POOL), 0, -1))
    del moves["mark"]  # of every 10,000th turn
    assert moves == {
        "created": 1,
        "reset": site.edited * 3 // 5,
        "kept": site.edited * 2 // 5,
    }
