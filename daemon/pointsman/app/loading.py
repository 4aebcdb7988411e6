"""How this node comes by its rules: it publishes its tree, or it follows what is published."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from pointsman import observe
from pointsman.app.health import Report
from pointsman.app.link import Parent
from pointsman.config.changes import Changes, NoChanges, TreeChanges
from pointsman.config.disk import clear
from pointsman.config.dropins import DropIns, read_dropins
from pointsman.config.memory import Memory
from pointsman.config.publish import Publisher
from pointsman.config.renewal import Renewal
from pointsman.config.serving import Serving
from pointsman.config.watch import Watch
from pointsman.errors import ConfigError, PointsmanError, Refused
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore

__all__ = ["Following", "Publishing", "attempt", "author", "publisher", "serving", "sourced"]

Load = Callable[[], Awaitable[Mapping[str, int]]]
"""Loads what there is to load, and returns every organization's generation."""


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
    plugins = DropIns(settings.plugins_dir)
    return Publisher(
        settings.config_dir, generations, rules, memory, author=author(), plugins=plugins
    )


def sourced(
    settings: Settings,
    generations: GenerationStore,
    rules: Serving,
    report: Report,
    parent: Parent | None = None,
) -> Publishing | Following:
    """Return where this node's rules and plugins come from."""
    if settings.config_role == "publisher":
        made = publisher(settings, generations, rules)
        return Publishing(settings.config_dir, made, rules, report)
    return Following(rules, report, DropIns(settings.plugins_dir), parent)


async def attempt(load: Load) -> None:
    """Load because a file changed or a signal came: what is wrong is told, not raised."""
    try:
        await load()
    except PointsmanError as error:
        observe.log().debug("tree_not_published", why=str(error))


class Publishing:
    """The tree of this node is the source; ``changes`` are written to it."""

    def __init__(self, root: Path, source: Publisher, rules: Serving, report: Report) -> None:
        self.changes: Changes = TreeChanges(root, source)
        self.plugins = source.plugins
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
        await self.plugins.start()
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

    def watches(self, load: Load, *, poll: bool) -> Iterator[Watch]:
        """Return what calls ``load`` when the tree or the plugins change."""
        changed = partial(attempt, load)
        yield Watch(self._root, lambda: self._publisher.loaded, changed, poll=poll)
        if self.plugins.folder:
            yield watch_plugins(self.plugins.folder, lambda: self.plugins.tried, changed, poll=poll)


class Following:
    """What others publish is the source; ``changes`` are refused.

    ``plugins`` are those of this node; a worker has its parent's.
    """

    def __init__(
        self,
        rules: Serving,
        report: Report | None = None,
        plugins: DropIns | None = None,
        parent: Parent | None = None,
    ) -> None:
        self.changes: Changes = NoChanges(rules)
        self.plugins = plugins or DropIns(None)
        self._report = report or Report()
        self._serving = rules
        self._parent = parent
        self._renewal = Renewal(self.plugins, rules)

    async def start(self) -> None:
        """Serve what is published; raise why, if none of it can be served."""
        if self._parent:
            await self._parent.supply(self._renewal.follow)
        else:
            await self._renewal.start()
            self._report.problems = self._renewal.problems
        await self._serving.follow()
        if self._serving.refused and not self._serving.current.organizations:
            raise PointsmanError("; ".join(map(str, self._serving.refused.values())))

    async def load(self) -> Mapping[str, int]:
        """Compile what is published anew; return every organization's generation."""
        if self._parent is None:
            await self._renew()
            if self._renewal.problems:
                raise ConfigError(self._renewal.problems)
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

    def watches(self, load: Load, *, poll: bool) -> Iterator[Watch]:  # noqa: ARG002 - as above
        """Return what looks at the plugins when they change."""
        if self.plugins.folder:
            yield watch_plugins(
                self.plugins.folder, lambda: self._renewal.looked_at, self._renew, poll=poll
            )

    async def _renew(self) -> None:
        await self._renewal.renew()
        self._report.problems = self._renewal.problems


def watch_plugins(
    folder: Path, loaded: Callable[[], str], changed: Callable[[], Awaitable[None]], *, poll: bool
) -> Watch:
    """Return what calls ``changed`` when ``plugins_dir`` is not what was ``loaded`` last."""
    return Watch(folder, loaded, changed, poll=poll, digest=lambda root: read_dropins(root).digest)
