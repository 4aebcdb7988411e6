"""What tests share that is no fixture."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

__all__ = ["THOROUGH", "wait_until"]

THOROUGH = bool(os.environ.get("POINTSMAN_THOROUGH"))
"""Whether there is time for everything: ``make soak``."""

T = TypeVar("T")


@overload
async def wait_until(probe: Callable[[], Awaitable[T]], what: str, *, seconds: float = 10) -> T: ...


@overload
async def wait_until(probe: Callable[[], T], what: str, *, seconds: float = 10) -> T: ...


async def wait_until(probe: Callable[[], Any], what: str, *, seconds: float = 10) -> Any:
    """Return the first truthy answer of ``probe``; fail with ``what`` if none comes in time."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        result = await answer if inspect.isawaitable(answer) else answer
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        await asyncio.sleep(0.01)
