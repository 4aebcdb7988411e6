"""What this process serves now, and how it catches up with what was published.

The ruleset is swapped by one assignment, so a request sees all of an organization's generation or
none. What cannot be compiled here (a missing variable or plugin) leaves the old generation serving
and is remembered in ``refused``: it is not tried again for every request, only when asked to.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from pointsman import observe
from pointsman.config.documents import checked
from pointsman.config.load import compile_organization
from pointsman.config.secrets import secret_files
from pointsman.config.tree import root_file
from pointsman.errors import PointsmanError, Problem, Unavailable
from pointsman.model import Organization, Ruleset
from pointsman.registry import Stage
from pointsman.store.deployments import Deployment
from pointsman.store.generations import Generation, GenerationStore

__all__ = ["Refusal", "Served", "Serving"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A published generation that this node cannot serve, and why."""

    number: int
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))


@dataclass(frozen=True, slots=True)
class Served:
    """A generation as it came to this node, with what it was compiled from.

    ``deployed`` is what of the flows is live, ``None`` if it is what ``files`` say.
    """

    generation: Generation
    files: Mapping[str, bytes]
    deployed: Deployment | None = None


class Serving:
    """The rules in use; implements ``model.Rules``.

    ``served`` tells generation and files by handle, also of organizations that were removed (these
    have no files); ``ids`` the organizations' ids by handle.
    """

    def __init__(self, generations: GenerationStore, root: Path | None = None) -> None:
        self.current = Ruleset()
        self.served: dict[str, Served] = {}
        self.refused: dict[str, Refusal] = {}
        self.ids: dict[str, str] = {}
        self._generations = generations
        self._root = root
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._secrets: dict[str, str] = {}
        self._plugins: dict[str, str] = {}
        self._installed = 0
        self._log = observe.log()

    async def catch_up(self, handle: str, generation: int) -> Organization | None:
        """Serve at least ``generation`` of an organization and return it; ``None`` if it is gone.

        Returns the older one in use if the newer cannot be compiled here.
        """
        if not self._reached(handle, generation):
            async with self._locks[handle]:
                if not self._reached(handle, generation):
                    await self._follow(handle, generation)
        return self.current.organizations.get(handle)

    async def follow(self) -> None:
        """Compile the current generation of every organization anew and serve it."""
        for handle in await self.rename():
            async with self._locks[handle]:
                await self._follow(handle, 1, again=True)

    async def rename(self) -> Mapping[str, str]:
        """Learn which organizations there are; stop serving handles that stand for none."""
        before = -1
        while before != self._installed:  # else one that was published meanwhile would be dropped
            before = self._installed
            ids = await self._generations.organizations()
        self.ids = ids
        gone = [handle for handle in self.current.organizations if handle not in ids]
        if gone:
            self._swap((), gone)
        for handle in gone:
            self.served.pop(handle, None)
        return ids

    async def refresh(self) -> None:
        """Compile anew what takes secrets from files, or plugins, that have changed since."""
        plugins = Stage.current().digest
        for handle, served in list(self.served.items()):
            changed = self._plugins.get(handle, plugins) != plugins
            if changed or self._secrets.get(handle) != self._read_secrets(handle, served.files):
                async with self._locks[handle]:
                    await self._take(handle, self.served.get(handle, served))

    async def retry(self) -> None:
        """Try again what could not be compiled here."""
        for handle in list(self.refused):
            async with self._locks[handle]:
                await self._follow(handle, 1, again=True)

    async def problems(self) -> list[Problem]:
        """Return why what is served would not compile now."""
        found: list[Problem] = []
        for handle, served in list(self.served.items()):
            if served.files:
                organization, problems = await self._compiled(handle, served)
                found += problems if organization is None else ()
        return found

    def lock(self, handle: str) -> asyncio.Lock:
        """Return the lock under which an organization is swapped."""
        return self._locks[handle]

    def install(self, organization: Organization, served: Served) -> None:
        """Serve ``organization``, compiled from ``served``, from the next request on."""
        handle = organization.handle
        self._secrets[handle] = self._read_secrets(handle, served.files)
        self._plugins[handle] = Stage.current().digest
        self._installed += 1
        self.ids[handle] = organization.id
        self.served[handle] = served
        self.refused.pop(handle, None)
        published = served.generation
        served_now = replace(organization, generation=published.number, secret=published.secret)
        self._swap((served_now,), ())

    def reached(self, handle: str) -> int:
        """Return the generation of an organization that this node serves, 0 for none."""
        served = self.served.get(handle)
        return served.generation.number if served else 0

    def _reached(self, handle: str, generation: int) -> bool:
        refusal = self.refused.get(handle)
        return max(self.reached(handle), refusal.number if refusal else 0) >= generation > 0

    async def _follow(self, handle: str, wanted: int, *, again: bool = False) -> None:
        if handle not in self.ids:
            await self.rename()
        identifier = self.ids.get(handle)
        try:
            generation = await self._generations.current(identifier) if identifier else None
        except Unavailable:
            raise
        except PointsmanError as error:
            self._refuse(handle, wanted, [Problem(handle, 1, 1, "", str(error))])
            return
        if identifier is None or generation is None:
            return
        if generation.number == self.reached(handle) and not again:
            return
        content = await self._generations.content(identifier, generation.number)
        if content is None:
            raise Unavailable(f"generation {generation.number} of '{handle}' was just replaced")
        await self._take(handle, Served(generation, *content))

    def _refuse(self, handle: str, number: int, problems: Iterable[Problem]) -> None:
        self.refused[handle] = refusal = Refusal(number, tuple(problems))
        observe.CONFIG_RELOADS.labels("refused").inc()
        self._log.error(
            observe.CONFIG_REFUSED, organization=handle, generation=number, why=str(refusal)
        )

    async def _take(self, handle: str, served: Served) -> None:
        """Compile what was published elsewhere and serve it, or note why it cannot be."""
        number = served.generation.number
        self._secrets[handle] = self._read_secrets(handle, served.files)
        if not served.files:
            self.served[handle] = served
            self._swap((), (handle,))
            return
        plugins, again = Stage.current().digest, True
        while again:  # what plugins add may change meanwhile
            organization, problems = await self._compiled(handle, served)
            plugins, before = Stage.current().digest, plugins
            again = plugins != before
        self._plugins[handle] = plugins
        if organization is None:
            self._refuse(handle, number, problems)
            return
        self.install(organization, served)
        observe.CONFIG_RELOADS.labels("followed").inc()
        self._log.info(observe.CONFIG_FOLLOWED, organization=handle, generation=number)

    async def _compiled(
        self, handle: str, served: Served
    ) -> tuple[Organization | None, list[Problem]]:
        return await asyncio.to_thread(
            compile_organization,
            handle,
            served.files,
            root=self._root,
            pool_ids=served.generation.pool_ids,
            deployed=served.deployed,
        )

    def _swap(self, new: Iterable[Organization], gone: Iterable[str]) -> None:
        organizations = dict(self.current.organizations)
        for handle in gone:
            organizations.pop(handle, None)
        for organization in new:
            organizations[organization.handle] = organization
            self._measure(organization)
        keys = {
            key.sha256: (organization, key)
            for organization in organizations.values()
            for key in organization.keys
        }
        self.current = Ruleset(organizations, keys)

    def _read_secrets(self, handle: str, files: Mapping[str, bytes]) -> str:
        """Return a hash of the secret files' contents."""
        raw = files.get(root_file(files))
        document = checked("organization", raw).data if raw else None
        folder = self._root / handle if self._root else Path("/")
        paths = secret_files(folder, document) if document else ()
        return sha256(b"".join(map(_content, paths))).hexdigest()

    def _measure(self, organization: Organization) -> None:
        observe.CONFIG_GENERATION.labels(organization.handle).set(organization.generation)
        observe.CONFIG_HASH.labels(organization.handle).set(int(organization.hash[:12], 16))


def _content(path: Path) -> bytes:
    try:
        return sha256(path.read_bytes()).digest()
    except OSError:
        return b"-"
