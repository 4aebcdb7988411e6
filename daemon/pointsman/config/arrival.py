"""Waiting until what was published is live on every node: only then is it answered as done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from pointsman.store.generations import GenerationStore

__all__ = ["arrived"]

_LONGEST = 5.0
_TICK = 0.02


async def arrived(generations: GenerationStore, made: Mapping[str, int]) -> None:
    """Wait, within bounds, until every living node serves (or refused) what was published.

    ``made`` are generations by organization id.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST):
            for identifier, number in made.items():
                while await _behind(generations, identifier, number):  # noqa: ASYNC110 - others' keys
                    await asyncio.sleep(_TICK)


async def _behind(generations: GenerationStore, identifier: str, number: int) -> bool:
    nodes = await generations.nodes(identifier)
    return any(max(node.generation, node.refused) < number for node in nodes)
