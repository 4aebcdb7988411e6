"""When to look at the tree again.

Events of the file system are a hint, not the truth: links may point elsewhere, the root may be
swapped, a network mount has no events. So the tree is also read every few seconds, and a load
starts only if what was read differs from what was last tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from hashlib import sha256
from pathlib import Path

from watchfiles import awatch

from pointsman import observe
from pointsman.config.load import files_hash
from pointsman.config.tree import read_tree

__all__ = ["Watch", "digest"]

_QUIET = 100
_LONGEST = 1000
_LOOK = 5000
_POLL = 300
_PAUSE = 1.0


class Watch:
    """Calls ``changed`` once for every change of the tree at ``root``.

    ``poll`` looks at the files again and again instead of waiting for events.
    """

    def __init__(self, root: Path, changed: Callable[[], Awaitable[None]], *, poll: bool) -> None:
        self._root = root
        self._changed = changed
        self._poll = poll
        self._tried = ""
        self._failing = False
        self._log = observe.log()

    async def start(self) -> None:
        """Note the tree as it is: it was loaded just now."""
        self._tried = await asyncio.to_thread(digest, self._root)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                async with aclosing(self._hints()) as hints:
                    async for _ in hints:
                        self._failing = False
                        await self._look()
            except (OSError, RuntimeError) as error:  # no such directory, or no events to be had
                if not self._failing:
                    self._log.warning(observe.WATCH_FAILED, root=str(self._root), why=str(error))
                self._failing = True
                self._poll = self._poll or self._root.is_dir()
            await asyncio.sleep(_PAUSE)
            await self._look()

    async def _hints(self) -> AsyncGenerator[None, None]:
        """Yield after 100 ms of quiet, 1 s after the first event, and every few seconds.

        Ends when the root is no longer the directory that is watched.
        """
        watched = self._root.resolve()
        events = awatch(
            watched,
            watch_filter=None,
            debounce=_LONGEST,
            step=_QUIET,
            rust_timeout=_LOOK,
            yield_on_timeout=True,
            force_polling=self._poll,
            poll_delay_ms=_POLL,
        )
        async with aclosing(events):
            async for _ in events:
                yield
                if self._root.resolve() != watched:
                    return

    async def _look(self) -> None:
        found = await asyncio.to_thread(digest, self._root)
        if found != self._tried:
            self._tried = found
            await self._changed()


def digest(root: Path) -> str:
    """Return a hash of everything that was read under ``root``."""
    tree = read_tree(root)
    hashed = sha256(repr(tree.problems).encode())
    for handle, files in tree.organizations.items():
        hashed.update(f"{handle} {files_hash(files)}\n".encode())
    return hashed.hexdigest()
