"""Measure the daemon against the bare handler, and against itself.

Every comparison runs interleaved, pair after pair, in turn beginning with one and the other: the
mood of a machine changes from minute to minute, a ratio taken within seconds does not. Only a full
run (7 pairs or more) judges the bars, with exit code 1 if one is missed, and writes README.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.deployments import many_flows, many_pools, two_participants
from benchmarks.processes import Run, System, load, process, redis_server
from benchmarks.report import Comparison, machine, rewrite

from benchmarks import turns

FULL = 7
WEBHOOK = "/intake/bench/webhook"
SUBMIT = "/flows/f*/sources/a/submit"
Opened = Callable[[], AbstractContextManager[System]]


@contextmanager
def daemon(
    name: str,
    deployment: Callable[[Path], None],
    *,
    campaigns: int = 1,
    flows: int = 0,
    uvloop: bool = False,
) -> Iterator[System]:
    """Run a daemon on a deployment, with a Redis of its own."""
    with tempfile.TemporaryDirectory(prefix="pmbench") as folder, redis_server() as redis:
        deployment(Path(folder) / "config")
        module = "benchmarks.on_uvloop" if uvloop else "pointsman"
        command = [sys.executable, "-m", module, "run", "config", "--port", "0"]
        command += ["--redis-url", redis.url, "--data-dir", "data"]
        with process(command, log=Path(folder) / "daemon.log") as (pid, port):
            path = SUBMIT if flows else WEBHOOK
            yield System(name, pid, port, redis, path, campaigns=campaigns, flows=flows)


@contextmanager
def bare(name: str = "bare handler", *, flows: int = 0, uvloop: bool = False) -> Iterator[System]:
    """Run the bare handler, with a Redis of its own."""
    with tempfile.TemporaryDirectory(prefix="pmbench") as folder, redis_server() as redis:
        command = [sys.executable, "-m", "benchmarks.bare", "--redis-url", redis.url]
        command += ["--uvloop"] if uvloop else []
        with process(command, log=Path(folder) / "bare.log") as (pid, port):
            path = SUBMIT if flows else WEBHOOK
            yield System(name, pid, port, redis, path, flows=flows)


def idle(folder: Path) -> None:
    """Two participants, and a workflow that reads every event and matches none."""
    two_participants(folder, tagged=False)


def tagged(folder: Path) -> None:
    """Two participants, and a workflow that tags every lead."""
    two_participants(folder, tagged=True)


def submitted(number: int) -> Callable[[Path], None]:
    """So many flows with everything that needs nobody else."""
    return lambda folder: many_flows(folder, number)


def comparisons(*, uvloop: bool) -> Iterator[tuple[Comparison, Opened, Opened]]:
    """Yield what is compared, the measured system first, the one it is measured by second."""
    yield (
        Comparison("The daemon and the bare handler", bar=1.2),
        lambda: daemon("daemon", idle),
        bare,
    )
    yield (
        Comparison("5,000 pools and 5", bar=1.1),
        lambda: daemon("5,000 pools", lambda folder: many_pools(folder, 5000), campaigns=5000),
        lambda: daemon("5 pools", lambda folder: many_pools(folder, 5), campaigns=5),
    )
    yield (
        Comparison("A submit to a flow and the bare handler", bar=2.0),
        lambda: daemon("submit", submitted(1), flows=1),
        lambda: bare(flows=1),
    )
    yield (
        Comparison("5,000 flows and 5", bar=1.1),
        lambda: daemon("5,000 flows", submitted(5000), flows=5000),
        lambda: daemon("5 flows", submitted(5), flows=5),
    )
    yield (
        Comparison("A workflow that tags every lead, and one that matches none"),
        lambda: daemon("add_tag on every lead", tagged),
        lambda: daemon("no match", idle),
    )
    if uvloop:
        yield (
            Comparison("The daemon on uvloop and on asyncio"),
            lambda: daemon("uvloop", idle, uvloop=True),
            lambda: daemon("asyncio", idle),
        )
        yield (
            Comparison("The bare handler on uvloop and on asyncio"),
            lambda: bare("bare, uvloop", uvloop=True),
            lambda: bare("bare, asyncio"),
        )


def measure(first: System, second: System, options: argparse.Namespace) -> list[tuple[Run, Run]]:
    """Warm both up, then run them in turn."""
    pairs = []
    for number in range(-1, options.pairs):
        seconds = options.seconds if number >= 0 else min(1.0, options.seconds)
        runs = {
            system.name: load(system, seconds=seconds, connections=options.connections)
            for system in ((first, second) if number % 2 else (second, first))
        }
        if number >= 0:
            pairs.append((runs[first.name], runs[second.name]))
            print(f"{first.name} | {second.name}: {number + 1}/{options.pairs}", file=sys.stderr)
    return pairs


def main() -> int:
    """Parse the command line, measure, print, and judge a full run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--pairs", type=int, default=FULL)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", default="", help="comparisons whose title contains this")
    options = parser.parse_args()
    tables, missed = [machine(options)], []
    print(tables[0])
    for comparison, open_first, open_second in comparisons(uvloop=bool(find_spec("uvloop"))):
        if options.only.lower() not in comparison.title.lower():
            continue
        with open_first() as first, open_second() as second:
            comparison.pairs = measure(first, second, options)
        tables.append(comparison.table(first.name, second.name))
        print(f"\n{tables[-1]}", flush=True)
        missed += [comparison.title] if comparison.missed() else []
    if options.only.lower() in turns.TITLE.lower():
        table, ratio = turns.compare(options.pairs)
        tables.append(table)
        print(f"\n{table}", flush=True)
        missed += [turns.TITLE] if ratio > turns.BAR else []
    if options.pairs < FULL or options.only:
        return 0
    rewrite(Path(__file__).with_name("README.md"), "\n\n".join(tables))
    for title in missed:
        print(f"bar missed: {title}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
