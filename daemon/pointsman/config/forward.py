"""Published writes put into the tree: what a crash cut off between publishing and the file.

Only generations that the API wrote are carried over, one after the other, and only over files that
are as the generation before has them: whatever else stands in the tree is somebody's work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from pointsman import observe
from pointsman.config.disk import content, stage
from pointsman.config.load import files_hash, read_tree
from pointsman.errors import PointsmanError
from pointsman.store.generations import Generation, GenerationStore

__all__ = ["Forward"]

Files = Mapping[str, bytes]


class Forward:
    """Rolls the tree at ``root`` forward to what is published."""

    def __init__(self, root: Path, generations: GenerationStore) -> None:
        self._root = root
        self._generations = generations
        self._log = observe.log()

    async def roll(self, handle: str, identifier: str, remembered: str | None) -> str | None:
        """Write what the API published since the tree was ``remembered``.

        Returns the hash of the last generation that the tree has now.
        """
        current = await self._generations.current(identifier)
        if current is None or not current.written or current.hash == remembered:
            return remembered
        began = remembered or await asyncio.to_thread(self._hash, handle)
        known = {each.number: each for each in await self._generations.list(identifier)}
        for step in _steps(known, current, began):
            if not await self._step(handle, identifier, step):
                break
            remembered = step.hash
        return remembered

    async def _step(self, handle: str, identifier: str, step: Generation) -> bool:
        """Write one generation; say whether the tree has all of it."""
        old = await self._generations.files(identifier, step.parent)
        new = await self._generations.files(identifier, step.number)
        if old is None or new is None:
            return False
        try:
            for path in sorted(old.keys() | new.keys()):
                self._carry(self._root / handle / path, old.get(path), new.get(path))
        except PointsmanError as error:
            self._log.warning(observe.CONFIG_DRIFTED, organization=handle, why=str(error))
            return False
        self._log.info(observe.CONFIG_WRITTEN, organization=handle, generation=step.number)
        return True

    @staticmethod
    def _carry(path: Path, old: bytes | None, new: bytes | None) -> None:
        if old != new and content(path) != new:
            stage(path, old, new).place()

    def _hash(self, handle: str) -> str | None:
        files = read_tree(self._root).organizations.get(handle)
        return files_hash(files) if files is not None else None


def _steps(
    known: Mapping[int, Generation], current: Generation, began: str | None
) -> list[Generation]:
    """Return what the API wrote after the generation with hash ``began``, oldest first."""
    steps: list[Generation] = []
    step: Generation | None = current
    while step and step.written and step.hash != began:
        steps.append(step)
        step = known.get(step.parent)
    return steps[::-1] if step and step.hash == began else []
