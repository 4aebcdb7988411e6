"""Commands that need the daemon's Redis: they reach it as the daemon does, beside a running one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pointsman import observe
from pointsman.app.server import Server, opened
from pointsman.errors import PointsmanError
from pointsman.registry import nearest
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore

__all__ = ["connected", "known_id", "served"]

T = TypeVar("T")


def connected(settings: Settings, call: Callable[[GenerationStore], Awaitable[T]]) -> T:
    """Return what ``call`` makes of the published generations."""
    return served(settings, lambda server: call(GenerationStore(server.store, settings)))


def served(settings: Settings, call: Callable[[Server], Awaitable[T]]) -> T:
    """Return what ``call`` makes of the daemon's Redis."""
    observe.configure_logging(settings.model_copy(update={"log_level": "warning"}))

    async def connect() -> T:
        async with opened(settings) as server:
            return await call(server)

    return asyncio.run(connect())


async def known_id(generations: GenerationStore, handle: str) -> str:
    """Return the id of a published organization; raise what to do if there is none."""
    known = await generations.organizations()
    if handle in known:
        return known[handle]
    published = ", ".join(sorted(known)) or "none"
    near = nearest(handle, list(known))
    raise PointsmanError(f"no organization '{handle}' is published{near} (published: {published})")
