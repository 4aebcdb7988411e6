"""When to look at the files again: the tree, or ``plugins_dir``.

Events of the file system are a hint, not the truth: links may point elsewhere, the root may be
swapped, a network mount has no events. So the tree is also read every second (less often if that
takes long), and a load starts only if what was read differs from what was last tried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

from pointsman import observe
from pointsman.config.tree import read_tree

__all__ = ["Watch"]

_QUIET = 100
_LONGEST = 1000
_LOOK = 1000
_SHARE = 200
_POLL = 300
_PAUSE = 1.0


class Watch:
    """Calls ``changed`` whenever what is at ``root`` is not what was ``loaded`` last.

    ``loaded`` returns the digest of that, whoever loaded it and whatever came of it; ``digest``
    reads it anew. ``poll`` looks at the files again and again instead of waiting for events.
    """

    def __init__(
        self,
        root: Path,
        loaded: Callable[[], str],
        changed: Callable[[], Awaitable[None]],
        *,
        poll: bool,
        digest: Callable[[Path], str] = lambda root: read_tree(root).digest(),
    ) -> None:
        self._root = root
        self._digest = digest
        self._loaded = loaded
        self._changed = changed
        self._poll = poll
        self._failing = False
        self._looked = self._cost = 0.0
        self._log = observe.log()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                async with aclosing(self._hints()) as hints:
                    async for event in hints:
                        _end_if_cancelled()
                        self._failing = False
                        if event or self._rested():
                            await self._look()
            except (OSError, RuntimeError) as error:  # no such directory, or no events to be had
                if not self._failing:
                    self._log.warning(observe.WATCH_FAILED, root=str(self._root), why=str(error))
                self._failing = True
                self._poll = self._poll or self._root.is_dir()
            await asyncio.sleep(_PAUSE)
            await self._look()

    async def _hints(self) -> AsyncGenerator[bool, None]:
        """Yield true after 100 ms of quiet or 1 s after the first event, and false every second.

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
            async for changes in events:
                yield bool(changes)
                if self._root.resolve() != watched:
                    return

    def _rested(self) -> bool:
        """Whether looking without being told to still costs next to nothing."""
        return time.monotonic() - self._looked > _SHARE * self._cost

    async def _look(self) -> None:
        began = time.monotonic()
        digest = await asyncio.to_thread(self._digest, self._root)
        self._looked = time.monotonic()
        self._cost = self._looked - began
        if digest != self._loaded():
            await self._changed()


def _end_if_cancelled() -> None:
    """Raise the cancellation that ``awatch`` swallows if it comes while a wait of its own ends."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
