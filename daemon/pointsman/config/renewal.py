"""Plugins of a node that publishes no tree: taken up when all that it serves still compiles.

A publisher takes its plugins up together with its tree; a follower has only the plugins to look
after, and a worker gets them from its parent, which has judged them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pointsman import observe
from pointsman.config.dropins import Candidate, DropIns, Found
from pointsman.config.serving import Serving
from pointsman.errors import Problem

__all__ = ["Renewal"]


class Renewal:
    """Keeps ``plugins`` up with their directory; ``problems`` are the findings of the last look."""

    def __init__(self, plugins: DropIns, serving: Serving) -> None:
        self.problems: Sequence[Problem] = ()
        self._plugins = plugins
        self._serving = serving
        self._reached: Mapping[str, int] = {}

    @property
    def looked_at(self) -> str:
        """Digest of the directory as it was tried with what is served now."""
        done = self._plugins.adopted.digest == self._plugins.tried
        return self._plugins.tried if done or self._reached == self._now() else ""

    async def start(self) -> None:
        """Take up what is right in the directory, before anything is served."""
        await self._plugins.start()
        self.problems = self._plugins.problems

    async def renew(self) -> None:
        """Take up the directory as it is now, or tell why not."""
        self._reached = self._now()
        candidate = await self._plugins.look()
        problems: Sequence[Problem] = candidate.problems
        if not problems:
            with candidate.stage.shown():
                problems = await self._serving.problems()
        self.problems = problems
        if not problems:
            await self._take(candidate)
            return
        observe.log().error(observe.PLUGINS_REFUSED, problems=[str(each) for each in problems])

    async def follow(self, files: Mapping[str, bytes]) -> None:
        """Take up what the parent has."""
        await self._plugins.start(Found(files))
        await self._caught_up()

    async def _take(self, candidate: Candidate) -> None:
        await self._plugins.take(candidate)
        await self._caught_up()

    async def _caught_up(self) -> None:
        await self._serving.refresh()
        await self._serving.retry()

    def _now(self) -> Mapping[str, int]:
        return {handle: self._serving.reached(handle) for handle in self._serving.served}
