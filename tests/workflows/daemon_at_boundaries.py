"""Forks processes with an engine each, which kill themselves at a boundary between two steps.

Argument: the URL that the workflow's webhook posts to, or ``quick``. Lines on stdin: the server's
URL, then which call of which script (``settle_steps 2``) and ``before`` or ``after`` it; one on
stdout tells of each process that ended: the URL and its status. Imports are done once, so a process
costs little.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from boundaries import BOUNDARIES, deployed, impatient
from pointsman.plugin import load_plugins
from pointsman.store.outbox import Outbox
from pointsman.store.redis import RedisStore
from working import House, engine

load_plugins()
impatient()


class Mortal:
    """Counts calls, and ends the process at one of them."""

    def __init__(self, name: str, number: int, when: str) -> None:
        self._at = (name, number, when)
        self._seen: Counter[str] = Counter()

    def begins(self, name: str) -> None:
        """Note that a call is about to be made."""
        self._seen[name] += 1
        self._die_at(name, "before")

    def ends(self, name: str) -> None:
        """Note that a call was answered."""
        self._die_at(name, "after")

    def _die_at(self, name: str, when: str) -> None:
        if (name, self._seen[name], when) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, target: str, mortal: Mortal) -> None:
    """Run until killed."""
    call, remove = RedisStore.call, Outbox.remove

    async def called(self: RedisStore, name: str, *given: Any) -> Any:
        counts = name in BOUNDARIES
        if counts:
            mortal.begins(name)
        answer = await call(self, name, *given)
        if counts:
            mortal.ends(name)
        return answer

    async def removed(self: Outbox, organization: str, ids: Sequence[str]) -> None:
        mortal.begins("outbox")
        await remove(self, organization, ids)
        mortal.ends("outbox")

    RedisStore.call, Outbox.remove = called, removed  # type: ignore[method-assign,assignment]
    async with RedisStore.open(url) as store:
        house = House(store, deployed(target))
        async with engine(house, url):
            await asyncio.Future()


def serve(target: str) -> None:
    """Fork a process for every line, and tell of every one that ended."""
    children: dict[int, str] = {}

    def reap(*_: object) -> None:
        while children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            sys.stdout.write(f"{children.pop(pid)} {os.waitstatus_to_exitcode(status)}\n")
            sys.stdout.flush()

    signal.signal(signal.SIGCHLD, reap)
    for line in sys.stdin:
        url, name, number, when = line.split()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        if pid := os.fork():
            children[pid] = url
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            continue
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where it logs
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        asyncio.run(main(url, target, Mortal(name, int(number), when)))


if __name__ == "__main__":
    serve(sys.argv[1])
