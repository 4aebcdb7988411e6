"""Makes one change again and again and is killed at another line of it each time.

Arguments: the server's URL, a folder, the change as JSON: ``[kind, content]``, and how many lines
on the next death is. At each of these lines of the modules below a child process dies
(``kill -9``), and another one starts on what is left. Prints one JSON object for each: what tree,
generation and pointer say. The last one is of a child that lived.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from redis import Redis as BlockingRedis

from machines import Machine
from pointsman.config import changes, disk, memory
from pointsman.config.changes import Write
from pointsman.config.load import files_hash, load
from pointsman.config.tree import read_tree
from pointsman.plugin import load_plugins
from pointsman.pools.compile import published
from pointsman.store import generations
from pointsman.store.keys import Keys
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from trees import MINIMAL, write

POOL = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"
WARM = """\
name: Warm
trigger_module: leads
trigger_type: lead_created
actions: [{action_type: add_tag, config: {tag: warm}}]
"""
WATCHED = {str(module.__file__) for module in (changes, disk, memory, generations)}


class Killer:
    """Counts lines that it sees for the first time once it is armed; kills at one of them."""

    def __init__(self, at: int) -> None:
        self.armed = False
        self._at = at
        self._seen: set[tuple[str, int]] = set()

    def arm(self) -> None:
        """Begin to count, in this thread and in those that were started under this trace."""
        self.armed = True
        sys.settrace(self.call)

    def call(self, frame: FrameType, *_: Any) -> Any:
        """Trace what is called if it is watched."""
        return self._line if frame.f_code.co_filename in WATCHED else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        place = (frame.f_code.co_filename, frame.f_lineno)
        if self.armed and event == "line" and place not in self._seen:
            self._seen.add(place)
            if len(self._seen) >= self._at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line


class House(Machine):
    """A publisher on its tree, as a daemon has it."""

    def __init__(self, root: Path, store: RedisStore) -> None:
        super().__init__(root, store)
        self.pools = PoolStore(store)


async def changed(root: Path, kind: str, content: Any, killer: Killer, store: RedisStore) -> None:
    """Publish the tree, let the second of the pool be next, and make the change."""
    threading.settrace(killer.call)
    house = House(root, store)
    await house.publisher.load()
    pool = house.served.pools[POOL]
    await house.pools.point(house.served.id, POOL, pool.participants[1].id)
    killer.arm()
    await house.changes.write(Write("acme", kind, content, "test"))
    sys.settrace(None)


async def looked(root: Path, store: RedisStore) -> dict[str, Any]:
    """Start on what is left, twice, and return what there is."""
    house = House(root, store)
    await house.publisher.load()
    tree = read_tree(root)
    files = tree.organizations["acme"]
    current = await house.generations.current(house.served.id)
    assert current
    orders = [await next_order(house)]
    if POOL in house.served.pools:
        pool = house.served.pools[POOL]
        await house.pools.point(house.served.id, POOL, pool.participants[1].id)
        assert await house.pools.restore(house.served.id, published(pool)) == "unchanged"
    again = House(root, store)
    await again.publisher.load()
    return {
        "files": {name: raw.decode() for name, raw in files.items()},
        "problems": [str(problem) for problem in tree.problems],
        "agree": files_hash(files) == current.hash == house.served.hash,
        "drift": {**house.publisher.drift, **again.publisher.drift},
        "orders": [*orders, await next_order(again)],
        "moves": await moves(house, store),
        "generation": current.number,
    }


async def moves(house: House, store: RedisStore) -> list[str]:
    """Return what has moved the pool's pointer so far."""
    told: list[Any] = await store.redis.lrange(Keys(house.served.id).moves(POOL), 0, -1)
    return [json.loads(move)["e"] for move in told]


async def next_order(house: House) -> int | None:
    """Return who is next in the pool."""
    pool = house.served.pools.get(POOL)
    if pool is None:
        return None
    state = await house.pools.state(house.served.id, pool)
    return state.next.order if state.next else None


def child(url: str, work: Callable[[RedisStore], Coroutine[Any, Any, Any]]) -> tuple[bool, Any]:
    """Do ``work`` in a process of its own; return whether it lived, and what it returned."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:

        async def run() -> None:
            async with RedisStore.open(url) as store:
                told = await work(store)
            os.write(writing, json.dumps(told).encode())

        status = 1
        try:
            asyncio.run(run())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    died = os.WIFSIGNALED(status)
    if not died and os.WEXITSTATUS(status):
        sys.exit(1)
    return not died, json.loads(told) if told else None


def main(url: str, folder: str, change: str, stride: str) -> None:
    """Kill at the first line, at that ``stride`` lines on, and so on, until a child lives."""
    load_plugins()
    # Compiled schemas are what children share.
    load(write(Path(folder) / "warm", {**MINIMAL, "workflows/warm.yaml": WARM}))
    kind, content = json.loads(change)
    step, lived = 1 - int(stride), False
    while not lived:
        step += int(stride)
        BlockingRedis.from_url(url).flushall()
        root = write(Path(folder) / str(step) / "config", MINIMAL)
        lived, _ = child(url, partial(changed, root, kind, content, Killer(step)))
        _, found = child(url, partial(looked, root))
        sys.stdout.write(json.dumps({"step": step, "lived": lived, **found}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
