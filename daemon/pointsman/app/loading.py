"""How this node comes by its rules: it publishes its tree, or it follows what is published."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from pointsman import observe
from pointsman.app.health import Report
from pointsman.config.changes import Changes, NoChanges, TreeChanges
from pointsman.config.disk import clear
from pointsman.config.memory import Memory
from pointsman.config.publish import Publisher
from pointsman.config.serving import Serving
from pointsman.errors import ConfigError, PointsmanError, Refused
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore

__all__ = ["Following", "Publishing", "attempt", "author", "publisher", "serving"]


def author() -> str:
    """Return who publishes from here, as ``user@host``."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def serving(settings: Settings, generations: GenerationStore) -> Serving:
    """Return what serves; secrets in files are found beside the tree, where there is one."""
    root = settings.config_dir if settings.config_dir.is_dir() else None
    return Serving(generations, root)


def publisher(settings: Settings, generations: GenerationStore, rules: Serving) -> Publisher:
    """Return what publishes the tree of ``settings``; there must be one."""
    if not settings.config_dir.is_dir():
        raise PointsmanError(
            f"there is no configuration directory {settings.config_dir}; give its path, or "
            "--config-role follower to serve what another node publishes"
        )
    memory = Memory(settings.data_dir)
    return Publisher(settings.config_dir, generations, rules, memory, author=author())


async def attempt(load: Callable[[], Awaitable[Mapping[str, int]]]) -> None:
    """Load because a file changed or a signal came: what is wrong is told, not raised."""
    try:
        await load()
    except PointsmanError as error:
        observe.log().debug("tree_not_published", why=str(error))


class Publishing:
    """The tree of this node is the source; ``changes`` are written to it."""

    def __init__(self, root: Path, source: Publisher, rules: Serving, report: Report) -> None:
        self.changes: Changes = TreeChanges(root, source)
        self._root = root
        self._publisher = source
        self._serving = rules
        self._report = report
        self._log = observe.log()

    async def start(self) -> None:
        """Publish the tree; a broken one is told, and what was published before is served.

        Raises ``ConfigError`` if it is broken and nothing was published before.
        """
        await asyncio.to_thread(clear, self._root)
        try:
            await self.load()
        except ConfigError:
            await self._serving.follow()
            if not self._serving.current.organizations:
                raise
        except Refused as drift:
            self._log.debug("tree_not_published", why=str(drift))

    async def load(self) -> Mapping[str, int]:
        """Publish the tree and return every organization's generation."""
        try:
            return await self._publisher.load()
        finally:
            self._report.problems = self._publisher.problems
            self._report.drift = self._publisher.drift


class Following:
    """What others publish is the source; ``changes`` are refused."""

    def __init__(self, rules: Serving) -> None:
        self.changes: Changes = NoChanges(rules)
        self._serving = rules

    async def start(self) -> None:
        """Serve what is published; raise why, if none of it can be served."""
        await self._serving.follow()
        if self._serving.refused and not self._serving.current.organizations:
            raise PointsmanError("; ".join(map(str, self._serving.refused.values())))

    async def load(self) -> Mapping[str, int]:
        """Compile what is published anew; return every organization's generation."""
        await self._serving.follow()
        if self._serving.refused:
            raise ConfigError(
                problem
                for refusal in self._serving.refused.values()
                for problem in refusal.problems
            )
        return {
            handle: organization.generation
            for handle, organization in self._serving.current.organizations.items()
        }
