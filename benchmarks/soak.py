"""Leads for minutes on end, amid reloads and kills; then every one of them is accounted for.

Two daemons serve one Redis. One publishes the files, of which the pool is rewritten every other
second; now and then one of the two is killed with SIGKILL and started again. What gets no answer is
sent again with the same idempotency key, to either. In the end every acknowledged lead must have
exactly one turn, the turns must have no gap, and memory must not have grown without bound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from benchmarks.deployments import pool_of, soaked
from benchmarks.processes import ROOT, redis_server, resident
from redis.asyncio import Redis

from pointsman.ids import parse_lead_id

CONNECTIONS = 32
RELOAD_SECONDS = 2.0
KILL_SECONDS = 20.0
READY_SECONDS = 30.0


@dataclass(slots=True)
class Soak:
    """What is going on: where the daemons are, and which leads were acknowledged."""

    ends: float
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    retries: Counter[str] = field(default_factory=Counter)
    reloads: int = 0
    kills: int = 0

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.ends


async def start(soak: Soak, name: str, folder: Path, redis_url: str) -> None:
    """Start a daemon and wait until it serves."""
    port_file = folder / f"{name}.port"
    port_file.unlink(missing_ok=True)
    role = ["--config-role", "publisher" if name == "publisher" else "follower"]
    with (folder / f"{name}.log").open("ab") as log:
        soak.processes[name] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pointsman", "run", "config", *role, "--port", "0"),
            *("--redis-url", redis_url, "--data-dir", name, "--port-file", str(port_file)),
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    async with asyncio.timeout(READY_SECONDS):
        while not (port_file.exists() and port_file.read_text().strip()):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.05)
    soak.ports[name] = int(port_file.read_text())


async def post(soak: Soak, session: aiohttp.ClientSession, lane: int) -> None:
    """Post lead after lead, each until it is answered."""
    number = 0
    while not soak.over:
        number += 1
        body = {"first_name": f"Lane{lane}", "email": f"lead{lane}.{number}@example.com"}
        headers = {"Idempotency-Key": f"{lane}-{number}"}
        while not await attempt(soak, session, body, headers):
            if time.monotonic() > soak.ends + READY_SECONDS:
                raise TimeoutError(
                    f"a lead gets no answer; so far sent again: {dict(soak.retries)}"
                )
            await asyncio.sleep(0.05)


async def attempt(
    soak: Soak, session: aiohttp.ClientSession, body: dict[str, str], headers: dict[str, str]
) -> bool:
    """Post once, to whichever daemon is next; say whether the lead was taken."""
    ports = list(soak.ports.values())
    port = ports[(len(soak.taken) + sum(soak.retries.values())) % len(ports)]
    url = f"http://127.0.0.1:{port}/intake/bench/webhook"
    try:
        async with session.post(url, json=body, headers=headers) as answer:
            if answer.status in {201, 200}:
                soak.taken.append((await answer.json())["leadId"])
                return True
            soak.retries[str(answer.status)] += 1
    except (aiohttp.ClientError, TimeoutError) as error:
        soak.retries[type(error).__name__] += 1
    return False


async def reload(soak: Soak, folder: Path) -> None:
    """Rewrite the pool again and again: one of its people is away by turns."""
    while not soak.over:
        await asyncio.sleep(min(RELOAD_SECONDS, max(0.0, soak.ends - time.monotonic())))
        soak.reloads += 1
        text = pool_of([f"m{i}" for i in range(5)], away=f"m{soak.reloads % 5}")
        partial = folder / "config/bench/pools/.inbound.partial"
        partial.write_text(text)
        partial.rename(folder / "config/bench/pools/inbound.yaml")


async def kill(soak: Soak, folder: Path, redis_url: str) -> None:
    """Kill one of the daemons now and then, and start it again."""
    while soak.ends - time.monotonic() > KILL_SECONDS:
        await asyncio.sleep(KILL_SECONDS)
        name = ("publisher", "follower")[soak.kills % 2]
        soak.kills += 1
        soak.processes[name].send_signal(signal.SIGKILL)
        await soak.processes[name].wait()
        await start(soak, name, folder, redis_url)


@asynccontextmanager
async def daemons(soak: Soak, folder: Path, redis_url: str) -> AsyncIterator[None]:
    """Run both daemons; end them at the end."""
    try:
        for name in ("publisher", "follower"):
            await start(soak, name, folder, redis_url)
        yield
    finally:
        for process in soak.processes.values():
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def turns(redis_url: str) -> list[tuple[int, str]]:
    """Return every turn that was taken, with its lead."""
    async with Redis.from_url(redis_url) as redis:
        found = [key async for key in redis.scan_iter(match="pm:*:pool:*:history")]
        entries = [json.loads(e) for key in found for e in await redis.lrange(key, 0, -1)]
    return sorted((int(entry["t"]), entry["l"]) for entry in entries)


def account(soak: Soak, served: list[tuple[int, str]]) -> list[str]:
    """Return what does not add up."""
    acknowledged = Counter(parse_lead_id(lead) or lead for lead in soak.taken)
    served_leads = Counter(lead for _, lead in served)
    wrong = []
    if lost := acknowledged - served_leads:
        wrong.append(f"{lost.total()} acknowledged leads have no turn, e.g. {min(lost)}")
    if doubled := [lead for lead, times in served_leads.items() if times > 1]:
        wrong.append(f"{len(doubled)} leads took two turns, e.g. {doubled[0]}")
    if unknown := served_leads - acknowledged:
        wrong.append(f"{unknown.total()} turns went to leads that nobody posted")
    if [turn for turn, _ in served] != list(range(1, len(served) + 1)):
        wrong.append("the turns have a gap")
    return wrong


async def run(seconds: float, folder: Path, redis_url: str) -> list[str]:
    """Run it all and return what does not add up."""
    soak = Soak(ends=float("inf"))
    async with daemons(soak, folder, redis_url):
        memory = {name: resident(process.pid) for name, process in soak.processes.items()}
        soak.ends = time.monotonic() + seconds
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=READY_SECONDS)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            asyncio.TaskGroup() as tasks,
        ):
            for lane in range(CONNECTIONS):
                tasks.create_task(post(soak, session, lane))
            tasks.create_task(reload(soak, folder))
            tasks.create_task(kill(soak, folder, redis_url))
        after = {name: resident(process.pid) for name, process in soak.processes.items()}
    print(
        f"{len(soak.taken)} leads in {seconds:g} s, {soak.reloads} reloads, {soak.kills} kills, "
        f"sent again: {dict(soak.retries)}; memory in MiB: "
        + ", ".join(f"{name} {memory[name]:.0f} to {after[name]:.0f}" for name in memory)
    )
    return account(soak, await turns(redis_url))


def main() -> int:
    """Parse the command line, run, and judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pmsoak") as name, redis_server() as redis:
        folder = Path(name)
        soaked(folder / "config")
        wrong = asyncio.run(run(options.seconds, folder, redis.url))
    for finding in wrong:
        print(f"soak: {finding}", file=sys.stderr)
    print("soak: failed" if wrong else "soak: every lead is accounted for")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
