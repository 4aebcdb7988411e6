"""What a suppression list of millions costs: memory an item, and how long a check takes.

The list is filled as the API fills it, on a Redis of its own. A check's time is Redis' own of the
script, and that of the whole call with nothing else under way. With fewer items than five million
only so many of the list's parts are used that each holds as many as it would then.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time

from benchmarks.processes import redis_server
from redis.asyncio import Redis

from pointsman.clause import SuppressionList
from pointsman.ids import derived, milliseconds
from pointsman.store.lists import ListStore
from pointsman.store.redis import RedisStore

FULL = 5_000_000
PARTS = 65_536
BATCH = 2_000
CHECKS = 2_000
MOST_BYTES, MOST_MS = 100.0, 1.0
ORGANIZATION = derived("benchmarks", "lists")
LISTED = SuppressionList(
    id="0" * 24, name="Seen", file="lists/seen.yaml", kind="duplicate", type="email"
)


def some(chance: random.Random, parts: int) -> str:
    """Return what stands for a value."""
    return f"{chance.randrange(parts):04x}{chance.getrandbits(64):016x}"


async def measure(url: str, items: int) -> tuple[float, float, float]:
    """Return bytes an item, the script's ms a check, and the 99th percentile of calls in ms."""
    chance, parts = random.Random(5), max(1, PARTS * items // FULL)
    async with RedisStore.open(url) as store, Redis.from_url(url) as client:
        lists = ListStore(store)
        before = (await client.info("memory"))["used_memory"]
        known = []
        for _ in range(items // BATCH):
            batch = [some(chance, parts) for _ in range(BATCH)]
            await lists.add(ORGANIZATION, LISTED, batch, milliseconds())
            known.append(batch[0])
        after = (await client.info("memory"))["used_memory"]
        await client.config_resetstat()
        took = [
            await check(lists, chance.choice(known) if n % 2 else some(chance, parts), bool(n % 2))
            for n in range(CHECKS)
        ]
        script = (await client.info("commandstats"))["cmdstat_evalsha"]["usec_per_call"]
    return (after - before) / items, script / 1000, sorted(took)[CHECKS * 99 // 100] * 1000


async def check(lists: ListStore, item: str, there: bool) -> float:
    """Look for an item; return how long that took in seconds."""
    began = time.perf_counter()
    found = await lists.find(ORGANIZATION, [(LISTED, item, 0)], milliseconds())
    took = time.perf_counter() - began
    if found != [there]:
        raise SystemExit(f"{item}: found is {found}")
    return took


def main() -> int:
    """Parse the command line, measure, print, and judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--items", type=int, default=FULL)
    options = parser.parse_args()
    began = time.monotonic()
    with redis_server() as server:
        memory, script, call = asyncio.run(measure(server.url, options.items))
    print(
        f"{options.items:,} items: {memory:.1f} bytes an item (bar: {MOST_BYTES:g}); a check "
        f"{script:.4f} ms of Redis (bar: {MOST_MS:g}), {call:.2f} ms at the 99th percentile of "
        f"calls; {time.monotonic() - began:.0f} s"
    )
    return 0 if memory <= MOST_BYTES and script < MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
