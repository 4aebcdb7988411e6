"""The end of a process that code of plugins would keep alive.

Everything of ours is closed by then. What can be left are tasks that go on though they were
cancelled, and threads (``asyncio.to_thread``); asyncio and Python wait for both without a limit.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from pointsman import observe

__all__ = ["Ending"]

PATIENCE = 3.0
"""Seconds that what is left has to end by itself."""


class Ending:
    """Goes round all that a process does: the process ends before long once ``inside`` is over.

    An error that comes out in time is for whoever catches it.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if error is not None and self._timer:
            self._timer.cancel()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Do what closes everything of ours at its end."""
        try:
            yield
        except BaseException as error:
            self._begin(error)
            raise
        self._begin(None)

    def _begin(self, error: BaseException | None) -> None:
        self._timer = threading.Timer(self._patience, _end, (error,))
        self._timer.daemon = True
        self._timer.start()


def _end(error: BaseException | None) -> None:
    observe.log().error(observe.DAEMON_CUT_OFF, why="code of plugins does not end", exc_info=error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if error is None else 1)
