"""Commands that need the daemon's Redis: they reach it as the daemon does, beside a running one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pointsman import observe
from pointsman.app.server import opened
from pointsman.errors import PointsmanError
from pointsman.registry import nearest
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore

__all__ = ["connected", "known_id"]

T = TypeVar("T")


def connected(settings: Settings, call: Callable[[GenerationStore], Awaitable[T]]) -> T:
    """Return what ``call`` makes of the published generations."""
    observe.configure_logging(settings.model_copy(update={"log_level": "warning"}))

    async def connect() -> T:
        async with opened(settings) as server:
            return await call(GenerationStore(server.store, settings))

    return asyncio.run(connect())


async def known_id(generations: GenerationStore, handle: str) -> str:
    """Return the id of a published organization; raise what to do if there is none."""
    known = await generations.organizations()
    if handle in known:
        return known[handle]
    published = ", ".join(sorted(known)) or "none"
    near = nearest(handle, list(known))
    raise PointsmanError(f"no organization '{handle}' is published{near} (published: {published})")
