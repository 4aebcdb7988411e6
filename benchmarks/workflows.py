"""What workflows cost: steps, jobs, waits, matching. ``make bench-workflows``; writes WORKFLOWS.md.

Every engine is a process of its own, as shipped, with a Redis of its own. What is judged by a ratio
is measured beside what it is compared with, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.engines import KEYS, ORGANIZATION, engine, leads, workflow
from benchmarks.idle_jobs import drained
from benchmarks.people import person
from benchmarks.processes import Server, cpu_seconds, redis_server
from benchmarks.report import machine_line, rewrite
from orjson import dumps

from benchmarks import judging
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Run
from pointsman.store.runs import RunStore

_QUICK = {"actions": [{"action_type": "add_tag", "config": {"tags": [f"t{n}"]}} for n in range(5)]}
_IDLE = {"actions": [{"action_type": "idle", "key": f"i{n}"} for n in range(5)]}
_JOB = {"actions": [{"action_type": "idle_job"}]}
_WAIT = {
    "actions": [
        {"action_type": "wait", "config": {"until": "{{trigger.custom_fields.due}}"}},
        {"action_type": "idle"},
    ]
}
_SNAPSHOT = 600
_ADDED = 181
"""Bytes of a snapshot that are not the lead's own fields: ids, times, where it is from."""

_GRACE = 300.0
_WARM = 50

Row = tuple[str, str, str, bool | None]
"""What was measured, what came out, the bar, and whether it was met."""


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Server, RedisStore]]:
    """Open a Redis of its own in which the organization is published."""
    with redis_server() as server:
        async with RedisStore.open(server.url) as store:
            publication = Publication(0, "", {}, [], "bench")
            await GenerationStore(store, Settings()).publish(ORGANIZATION, publication)
            yield server, store


async def finished(store: RedisStore, number: int) -> float:
    """Wait until so many runs succeeded; return when that was."""
    end = time.monotonic() + _GRACE
    done = 0
    while done < number:
        if time.monotonic() > end:
            raise SystemExit(f"only {done} of {number} runs succeeded in {_GRACE:g} s")
        done = await store.redis.zcard(KEYS.runs("succeeded"))
        await asyncio.sleep(0.02)
    return time.monotonic()


async def runs_of(store: RedisStore, document: Mapping[str, Any]) -> Sequence[Run]:
    """Return the runs of a workflow that are listed."""
    listed, _ = await RunStore(store, Settings()).runs(
        ORGANIZATION, workflow(document).id, 20_000, 0
    )
    return listed


async def throughput(document: Mapping[str, Any], number: int) -> tuple[float, float]:
    """Return how many runs a second an engine does of leads that are there already.

    The second is its CPU time a run, in seconds: that does not depend on how busy the machine is.
    """
    async with opened() as (server, store):
        with engine(server.url, document) as pid:
            await leads(store, [{"first_name": "warm"}] * _WARM)
            await finished(store, _WARM)
            os.kill(pid, signal.SIGSTOP)
            await leads(store, [{"first_name": "Ada"}] * number)
            os.kill(pid, signal.SIGCONT)
            begin, used = time.monotonic(), cpu_seconds(pid)
            taken = await finished(store, _WARM + number) - begin
            return number / taken, (cpu_seconds(pid) - used) / number


async def quick(options: argparse.Namespace) -> list[Row]:
    """Measure runs of quick steps."""
    rows: list[Row] = []
    for name, document in (("do nothing", _IDLE), ("each change the record (`add_tag`)", _QUICK)):
        rate, cpu = await throughput(document, options.runs)
        told = f"{rate * 5:,.0f} steps/s, {cpu * 2e5:,.0f} µs of the engine's CPU each"
        title = f"quick steps that {name}, of runs with five"
        rows.append((title, told, "at least 3,000 steps/s", rate * 5 >= 3_000))
    return rows


async def jobs(options: argparse.Namespace) -> list[Row]:
    """Measure runs of one job beside docket's own jobs that do nothing."""
    ours, _ = await throughput(_JOB, options.runs)
    with redis_server() as server:
        bare = await drained(server.url, options.runs)
    ratio = bare / ours
    told = f"{ours:,.0f} runs/s; docket alone {bare:,.0f} jobs/s: **{ratio:.2f}**"
    return [("runs of one step through docket", told, "within 2 times", ratio <= 2)]


async def reaction(options: argparse.Namespace) -> list[Row]:
    """Measure from an event to its run's first step, at 200 events a second."""
    async with opened() as (server, store):
        with engine(server.url, _IDLE):
            await leads(store, [{"first_name": "warm"}] * 50)
            await finished(store, 50)
            begin = asyncio.get_running_loop().time()
            for number in range(options.seconds * 200):
                await asyncio.sleep(
                    max(0.0, begin + number / 200 - asyncio.get_running_loop().time())
                )
                await leads(store, [{"first_name": "Ada"}])
            await finished(store, 50 + options.seconds * 200)
            runs = (await runs_of(store, _IDLE))[: options.seconds * 200]
    waited = sorted(run.steps[0].started - _entered(run) for run in runs)
    told = f"p50 {waited[len(waited) // 2]} ms, p99 {_p99(waited)} ms"
    title = "from event to first step, 200 events/s"
    return [(title, told, "p99 under 100 ms", _p99(waited) < 100)]


async def due(options: argparse.Namespace) -> list[Row]:
    """Measure how late runs go on that wait, with two engines: evenly over 10 s, and at once."""
    rows: list[Row] = []
    for title, spread in (("evenly over 10 s", 10.0), ("all at one instant", 0.0)):
        late, cpu = await _lateness(options.due, spread)
        told = f"p50 {late[len(late) // 2]} ms, p99 {_p99(late)} ms, last {late[-1]} ms"
        told += f"; {cpu * 1e3:.2f} ms of CPU each, Redis' too"
        bar = "p99 under 1 s" if spread else ""
        name = f"{options.due:,} runs due {title}, two workers"
        rows.append((name, told, bar, _p99(late) < 1_000 if spread else None))
    return rows


async def _lateness(number: int, spread: float) -> tuple[list[int], float]:
    """Return how late every run went on, in order, and the CPU seconds of everybody for each."""
    async with opened() as (server, store):
        with engine(server.url, _WAIT) as one, engine(server.url, _WAIT) as other:
            pids = (one, other, server.pid)
            begin = datetime.now(UTC) + timedelta(seconds=20 + number / 100)
            moments = [begin + timedelta(seconds=spread * n / number) for n in range(number)]
            told = [one.isoformat(timespec="milliseconds") for one in moments]
            await leads(store, [{"custom_fields": {"due": one}} for one in told])
            await _waiting(store, number)
            if (left := (begin - datetime.now(UTC)).total_seconds()) < 0:
                raise SystemExit("the runs were not all waiting when the first was due")
            await asyncio.sleep(left)
            used = sum(map(cpu_seconds, pids))
            await finished(store, number)
            used = sum(map(cpu_seconds, pids)) - used
            runs = await runs_of(store, _WAIT)
    late = [run.steps[1].started - _moment(run.trigger["custom_fields"]["due"]) for run in runs]
    return sorted(late), used / number


async def waiting(options: argparse.Namespace) -> list[Row]:
    """Measure what runs that wait a week cost, in memory and in CPU while nothing is due."""
    number = options.waiting
    each, size, idle = await _weeks(number, timedelta(days=1), options.seconds)
    together, *_ = await _weeks(number // 5, timedelta(0), 0)
    runs = f"({size} bytes of snapshot, {number:,} runs)"
    return [
        (
            f"memory of a run that waits a week, each due at a time of its own {runs}",
            f"{each:,.0f} bytes",
            "at most 2,048",
            each <= 2_048,
        ),
        (f"the same of {number // 5:,} runs due together", f"{together:,.0f} bytes", "", None),
        (
            f"CPU of an idle engine with {number:,} runs waiting, and with none",
            " and ".join(f"{share * 100:.2f} %" for share in reversed(idle)),
            "within 0.5 %",
            abs(idle[1] - idle[0]) * 100 <= 0.5,
        ),
    ]


async def _weeks(
    number: int, spread: timedelta, seconds: int
) -> tuple[float, int, tuple[float, float]]:
    """Return bytes of a run that waits a week, of its snapshot, and shares of a core without, with.

    The runs are due in any order, over so long a time.
    """
    random = Random(number)
    week = datetime.now(UTC) + timedelta(days=7)
    dues = ((week + spread * random.random()).isoformat("T", "seconds") for _ in range(number))
    people = [person(random, _SNAPSHOT - _ADDED, due=due) for due in dues]
    async with opened() as (server, store):
        before = 0.0
        with engine(server.url, _WAIT) as pid:
            await leads(store, [{"first_name": "warm", "custom_fields": {"due": "2026-01-01"}}])
            await finished(store, 1)
            if seconds:
                before = await _idle(pid, seconds)
        await leads(store, people)
        bare = await _memory(store)
        with engine(server.url, _WAIT) as pid:
            await _waiting(store, number)
            grown = (await _memory(store) - bare) / number
            size = len(dumps((await runs_of(store, _WAIT))[0].trigger))
            after = await _idle(pid, seconds) if seconds else 0.0
    return grown, size, (before, after)


async def _waiting(store: RedisStore, number: int) -> None:
    """Wait until so many runs wait and their jobs are with docket."""
    end = time.monotonic() + _GRACE + number / 50
    while time.monotonic() < end:
        there = await store.redis.zcard(KEYS.runs("waiting"))
        if there >= number and not await store.redis.xlen(KEYS.outbox):
            return
        await asyncio.sleep(0.1)
    raise SystemExit(f"only {there} of {number} runs wait")


async def _memory(store: RedisStore) -> int:
    """Return what Redis uses, without what its clients do."""
    told = await store.redis.info("memory")
    return int(told["used_memory_dataset"])


async def _idle(pid: int, seconds: int) -> float:
    """Return the share of a core that an engine takes while nothing happens."""
    await asyncio.sleep(3)
    first, begin = cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(2 * seconds)
    return (cpu_seconds(pid) - first) / (time.monotonic() - begin)


def _entered(run: Run) -> int:
    """Return when the event of a run was written, by Redis' clock."""
    return int(run.event.partition("-")[0])


def _moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _p99(ordered: Sequence[int]) -> int:
    return ordered[len(ordered) * 99 // 100]


async def rules(_: argparse.Namespace) -> list[Row]:
    """Measure matching, and conditions beside zen-engine's."""
    return [*judging.matching_rows(), *judging.conditions()]


PARTS: Sequence[Callable[[argparse.Namespace], Coroutine[Any, Any, list[Row]]]] = (
    quick,
    jobs,
    reaction,
    due,
    waiting,
    rules,
)


def main() -> int:
    """Measure, print, and write the page if everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workflows", description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", default="", help=", ".join(part.__name__ for part in PARTS))
    options = parser.parse_args()
    lines = ["| | measured | bar | |", "|---|---|---|---|"]
    missed = []
    for part in PARTS:
        if options.only and part.__name__ not in options.only.split(","):
            continue
        for title, told, bar, met in asyncio.run(part(options)):
            verdict = "" if met is None else "met" if met else "**missed**"
            lines.append(f"| {title} | {told} | {bar} | {verdict} |")
            print(lines[-1], flush=True)
            missed += [title] if met is False else []
    if not options.only:
        table = "\n".join(lines)
        rewrite(Path(__file__).with_name("WORKFLOWS.md"), f"{machine_line()}\n\n{table}")
    for title in missed:
        print(f"bar missed: {title}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
