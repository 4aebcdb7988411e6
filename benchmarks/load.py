"""The load generator: leads over keep-alive connections, each with a body of its own.

It runs in a process of its own and speaks HTTP/1.1 by hand on raw sockets, so that on two cores it
leaves as much as it can to what is measured. Every connection has one request in flight and sends
the next when the answer is in: the rate is what the server makes of it. One line of JSON tells the
result: seconds, answers by status, and latencies.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator

CONNECTIONS = 32
BODIES = 4096
CITIES = ("Aachen", "Bremen", "Cottbus", "Dresden", "Erfurt", "Fulda", "Gera", "Hamm")
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gil", "Hana", "Ivo", "June")


def requests(port: int, path: str, campaigns: int) -> list[bytes]:
    """Return requests with distinct bodies of about 250 bytes, going round the campaigns.

    Pools are told apart by campaign and not by path, because aiohttp parses a path that it saw
    lately for less: that would count as the cost of many pools.
    """
    chance = random.Random(20)
    made = []
    for number in range(max(BODIES, campaigns)):
        body = json.dumps(
            {
                "first_name": chance.choice(NAMES),
                "last_name": f"Lead{number}",
                "email": f"lead{number}@example.com",
                "phone": f"+49301{chance.randrange(10**6):06}",
                "city": chance.choice(CITIES),
                "utm_source": "newsletter",
                "utm_campaign": f"c{number % campaigns}",
                "budget": chance.randrange(100_000),
                "message": f"Please call me back about offer {chance.randrange(10**9)}.",
            }
        )
        made.append(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
    return made


def submissions(port: int, path: str, flows: int) -> Iterator[bytes]:
    """Yield submissions to the flows in turn, without end: no two with the same person or path.

    A path that aiohttp saw lately costs it less, so none is the same, of how many flows ever.
    """
    chance, run = random.Random(20), time.time_ns()
    for number in itertools.count():
        body = json.dumps(
            {
                "first_name": chance.choice(NAMES),
                "last_name": f"Lead{number}",
                "email": f"lead{number}.{run:x}@example.com",
                "phone_1": f"(512) 55{chance.randrange(6, 10)}-{chance.randrange(10**4):04}",
                "state": chance.choice(("TX", "CA", "NY", "Ohio")),
                "postal_code": f"787{chance.randrange(10, 60)}",
                "dob": f"{chance.randrange(1, 13):02}/15/19{chance.randrange(50, 99)}",
                "ip_address": f"203.0.113.{chance.randrange(1, 255)}",
            }
        )
        place = path.replace("*", str(number % flows)) + f"?click={number}"
        yield (
            f"POST {place} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


class Sender(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again until the time is up."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""
        self.sent_at = 0.0
        self.done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the next request, or close."""
        self.sent_at = time.perf_counter()
        if self.sent_at >= self.run.ends or (request := next(self.run.requests, None)) is None:
            self.done = True
            self.transport.close()
            return
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Go on once the answer is whole."""
        self.received = received = self.received + data if self.received else data
        head = received.find(b"\r\n\r\n")
        if head < 0:
            return
        start = received.index(b"Content-Length: ") + 16
        if len(received) < head + 4 + int(received[start : received.index(b"\r", start)]):
            return
        self.received = b""
        self.run.latencies.append(time.perf_counter() - self.sent_at)
        self.run.statuses[received[9:12]] += 1
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that broke; the other side may not close it early either."""
        self.run.lost += exc is not None or not self.done
        if not self.finished.done():
            self.finished.set_result(None)


class Run:
    """What all connections of one run share."""

    def __init__(self, requests: Iterator[bytes], seconds: float) -> None:
        self.requests = requests
        self.latencies: list[float] = []
        self.statuses: Counter[bytes] = Counter()
        self.lost = 0
        self.begins = time.perf_counter()
        self.ends = self.begins + seconds

    def result(self) -> dict[str, object]:
        """Return what is reported."""
        seconds = time.perf_counter() - self.begins
        ordered = sorted(self.latencies) or [0.0]
        return {
            "seconds": seconds,
            "answers": len(self.latencies),
            "statuses": {status.decode(): count for status, count in self.statuses.items()},
            "lost": self.lost,
            "p50": ordered[len(ordered) // 2] * 1000,
            "p99": ordered[len(ordered) * 99 // 100] * 1000,
        }


async def drive(port: int, sending: Iterator[bytes], seconds: float, connections: int) -> Run:
    """Send over all connections until the time is up or the requests are used up."""
    loop = asyncio.get_running_loop()
    run = Run(sending, seconds)
    made = [
        await loop.create_connection(lambda: Sender(run), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(sender.finished for _, sender in made))
    return run


def main() -> None:
    """Parse the command line, drive, print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--count", type=int, default=None, help="at most so many leads")
    parser.add_argument("--campaigns", type=int, default=1)
    parser.add_argument("--flows", type=int, default=0, help="of which '*' in the path is one")
    parser.add_argument("path")
    arguments = parser.parse_args()
    if arguments.flows:
        sending = submissions(arguments.port, arguments.path, arguments.flows)
    else:
        made = requests(arguments.port, arguments.path, arguments.campaigns)
        sending = itertools.cycle(made)
    if arguments.count is not None:
        sending = itertools.islice(sending, arguments.count)
    run = asyncio.run(drive(arguments.port, sending, arguments.seconds, arguments.connections))
    print(json.dumps(run.result()))


if __name__ == "__main__":
    main()
