"""The tree made the published generation: draft all, then publish one by one.

Everything that can fail happens before anything is published: a tree with one error in one file
publishes nothing. A crash between two organizations is made good by the next load, since what was
published is then the same and what was not is still a child.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path

from pointsman import observe
from pointsman.config.arrival import arrived
from pointsman.config.drafts import Draft, Drafts
from pointsman.config.dropins import DropIns
from pointsman.config.forward import Forward
from pointsman.config.memory import Memory
from pointsman.config.publication import publication
from pointsman.config.serving import Served, Serving
from pointsman.config.standing import NOTHING, Standing, explain, standing
from pointsman.errors import ConfigError, Problem, Refused
from pointsman.store.generations import Generation, GenerationStore, Publication

__all__ = ["Publisher"]

_MAY_PUBLISH = (Standing.NEW, Standing.SAME, Standing.CHILD)


class _Overtaken(Exception):
    """Flows were deployed since the tree was compiled; what is live belongs to what is compiled."""


class Publisher:
    """Publishes the tree at ``root`` and serves it here.

    ``problems`` are the findings of the tree that was loaded last. ``drift`` tells, by handle, what
    of the tree is not published and why.
    """

    def __init__(
        self,
        root: Path,
        generations: GenerationStore,
        serving: Serving,
        memory: Memory,
        *,
        author: str,
        plugins: DropIns | None = None,
    ) -> None:
        self.problems: tuple[Problem, ...] = ()
        self.drift: dict[str, str] = {}
        self._loaded = ""
        self._served: Mapping[str, int] = {}
        self._changed: set[str] = set()
        self.author = author
        self._drafts = Drafts(root, generations)
        self._forward = Forward(root, generations)
        self.generations = generations
        self.serving = serving
        self.memory = memory
        self.plugins = plugins or DropIns(None)
        self.lock = asyncio.Lock()
        self._log = observe.log()

    @property
    def loaded(self) -> str:
        """Digest of the tree that was loaded last.

        Nothing if it was refused and something else is served since, such as flows that were
        deployed: that may have been what it lacked.
        """
        outdated = self.problems and self._served != self._reached()
        return "" if outdated else self._loaded

    async def load(self, *, force: bool = False) -> Mapping[str, int]:
        """Publish the tree and return every organization's generation, live on every node.

        Raises ``ConfigError`` with every finding and publishes nothing, or ``Refused`` (409) if
        what changed is drift; ``force`` publishes that too.
        """
        made: dict[str, int] = {}
        async with self.lock:
            while not await self._load(made, force=force):
                pass
            self._succeeded()
        if self._changed:
            told = "; ".join(self.drift[handle] for handle in sorted(self._changed))
            raise Refused(told, status=HTTPStatus.CONFLICT, code="CONFLICT")
        return {
            handle: organization.generation
            for handle, organization in self.serving.current.organizations.items()
        }

    async def _load(self, made: dict[str, int], *, force: bool) -> bool:
        """Load once, noting in ``made`` what is published; say no if it is to be done anew."""
        known = await self.serving.rename()
        remembered = await self._forwarded(known)
        candidate = await self.plugins.look()
        try:
            with candidate.stage.shown():
                drafts = await self._drafts.draft(known, [*remembered], candidate.problems)
        except ConfigError as error:
            self._failed(error)
            raise
        await self.plugins.take(candidate)
        try:
            await self._publish_all(drafts, remembered, made, force=force)
        except _Overtaken:
            return False
        return True

    async def align(self, handle: str) -> Generation | None:
        """Finish what a crash cut off, serve what is published of an organization, and return it.

        To be called with the ``lock`` held.
        """
        identifier = self.serving.ids.get(handle)
        current = await self.generations.current(identifier) if identifier else None
        if identifier and current:
            await self._forwarded({handle: identifier})
            await self.serving.catch_up(handle, current.number)
        return current

    def remember(self, handle: str, digest: str) -> None:
        """Remember that the tree has what is published of an organization."""
        self.memory.keep({**self.memory.recall(), handle: digest})

    async def _forwarded(self, known: Mapping[str, str]) -> dict[str, str]:
        """Carry over to the tree what was published and not written; return what it now is."""
        remembered = self.memory.recall()
        for handle, identifier in known.items():
            before = remembered.get(handle)
            digest = await self._forward.roll(handle, identifier, before)
            if digest and digest != before:
                remembered[handle] = digest
                self.memory.keep(remembered)
        return remembered

    async def _publish_all(
        self,
        drafts: list[Draft],
        remembered: dict[str, str],
        made: dict[str, int],
        *,
        force: bool,
    ) -> None:
        self.drift, self._changed = {}, set()
        for draft in drafts:
            current = draft.current.hash if draft.current else None
            stands = standing(draft.hash, remembered.get(draft.handle), current)
            if stands is Standing.SAME and await self._agrees(draft):
                await self._serve(draft)
            elif stands in _MAY_PUBLISH or force:
                if not await self._publish(draft, made):
                    continue
            else:
                await self._follow(draft, stands)
                continue
            remembered[draft.handle] = draft.hash
            self.memory.keep(remembered)
        gone = remembered.keys() - {draft.handle for draft in drafts}
        present = {draft.organization.id for draft in drafts}
        withdrawn = [handle for handle in gone if await self._withdraw(handle, present, made)]
        await arrived(self.generations, made)
        await self._forget(withdrawn, remembered)

    async def _publish(self, draft: Draft, made: dict[str, int]) -> bool:
        """Publish and serve a draft; if somebody else was faster, follow and say no.

        Raises ``_Overtaken`` if all that they did was to deploy: the tree still follows on that.
        """
        handle, identifier = draft.handle, draft.organization.id
        told = publication(
            draft.organization,
            draft.files,
            draft.current,
            self.author,
            pool_ids=draft.pool_ids,
            deployed=draft.deployed,
        )
        try:
            async with self.serving.lock(handle):
                await self.generations.name(handle, identifier)
                generation = await self.generations.publish(identifier, told)
                self.serving.install(
                    draft.organization, Served(generation, draft.files, draft.deployed)
                )
        except Refused:
            current = await self.generations.current(identifier)
            if current and draft.current and current.hash == draft.current.hash:
                raise _Overtaken from None
            await self._follow(draft, Standing.DRIFT)
            return False
        made[identifier] = generation.number
        observe.CONFIG_RELOADS.labels("published").inc()
        self._log.info(observe.CONFIG_PUBLISHED, organization=handle, generation=generation.number)
        return True

    async def _agrees(self, draft: Draft) -> bool:
        """Whether what is published was compiled as here; another version may have done it."""
        pools = draft.organization.pools.values()
        revisions = {pool.id: pool.revision for pool in pools}
        return await self.generations.revisions(draft.organization.id) == revisions

    async def _serve(self, draft: Draft) -> None:
        """Serve what is published from the tree: the same files, their secrets read anew."""
        if draft.current:
            async with self.serving.lock(draft.handle):
                if self.serving.ids.get(draft.handle) != draft.organization.id:
                    await self.generations.name(draft.handle, draft.organization.id)
                self.serving.install(
                    draft.organization, Served(draft.current, draft.files, draft.deployed)
                )
            observe.CONFIG_RELOADS.labels("unchanged").inc()

    async def _follow(self, draft: Draft, stands: Standing) -> None:
        """Leave the tree as it is, serve what somebody else published, and tell."""
        handle = draft.handle
        current = await self.generations.current(draft.organization.id)
        if current is None:
            return
        await self.serving.catch_up(handle, current.number)
        self.drift[handle] = explain(stands, handle, current)
        if stands is Standing.DRIFT:
            self._changed.add(handle)
        self._log.warning(observe.CONFIG_DRIFTED, organization=handle, why=self.drift[handle])

    async def _withdraw(self, handle: str, present: set[str], made: dict[str, int]) -> bool:
        """Publish that an organization without a directory is no more; say whether it is so."""
        identifier = self.serving.ids.get(handle)
        current = await self.generations.current(identifier) if identifier else None
        if identifier is None or current is None or identifier in present:
            return True
        if current.hash == self.memory.recall().get(handle):
            nothing = Publication(current.number, NOTHING, {}, (), self.author)
            number = (await self.generations.publish(identifier, nothing)).number
            await self.serving.catch_up(handle, number)
            made[identifier] = number
            self._log.info(observe.CONFIG_PUBLISHED, organization=handle, generation=number)
        elif current.hash != NOTHING:
            self.drift[handle] = explain(Standing.DRIFT, handle, current)
            return False
        return True

    async def _forget(self, handles: Iterable[str], remembered: dict[str, str]) -> None:
        """Let the names of withdrawn organizations stand for nothing."""
        for handle in handles:
            await self.generations.unname(handle)
            del remembered[handle]
            self.memory.keep(remembered)
        await self.serving.rename()

    def _reached(self) -> Mapping[str, int]:
        return {handle: self.serving.reached(handle) for handle in self.serving.ids}

    def _failed(self, error: ConfigError) -> None:
        self._loaded, self._served = self._drafts.digest, self._reached()
        self.problems = error.problems
        observe.CONFIG_RELOADS.labels("refused").inc()
        observe.CONFIG_LAST_RELOAD_SUCCESSFUL.set(0)
        observe.CONFIG_PROBLEMS.set(len(error.problems))
        self._log.error(observe.CONFIG_REFUSED, problems=[str(each) for each in error.problems])

    def _succeeded(self) -> None:
        self._loaded = self._drafts.digest
        self.problems = ()
        observe.CONFIG_LAST_RELOAD_SUCCESSFUL.set(1)
        observe.CONFIG_LAST_RELOAD_TIME.set(time.time())
        observe.CONFIG_PROBLEMS.set(0)
