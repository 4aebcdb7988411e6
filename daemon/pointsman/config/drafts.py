"""The whole tree read and compiled, ready to be published, or every finding in it.

Nothing is changed here. What is published is looked at only to know which pools were renamed and
whether most of an organization would vanish at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pointsman.config.deployment import handed_on
from pointsman.config.load import claimed_twice, compile_organization
from pointsman.config.renames import kept_ids, renamed_ids
from pointsman.config.tree import Tree, read_tree, root_file
from pointsman.config.vanishing import mass_deletion
from pointsman.errors import ConfigError, Problem
from pointsman.model import Organization
from pointsman.store.deployments import Deployment
from pointsman.store.generations import Generation, GenerationStore

__all__ = ["Draft", "Drafts"]

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Draft:
    """One organization of the tree; ``current`` is what is published of it now.

    ``deployed`` is what of the flows stays live, ``None`` if it is what ``files`` say.
    """

    organization: Organization
    files: Files
    current: Generation | None
    pool_ids: Mapping[str, str]
    deployed: Deployment | None = None

    @property
    def handle(self) -> str:
        """Name of the organization's directory."""
        return self.organization.handle

    @property
    def hash(self) -> str:
        """Hash of the organization's files."""
        return self.organization.hash


class _Carried(NamedTuple):
    """What is published, the ids of renamed pools, and the live flows that stay with new files."""

    current: Generation | None
    pool_ids: Mapping[str, str]
    deployed: Deployment | None


class Drafts:
    """Drafts what the tree at ``root`` says; ``digest`` is of the tree as it was read last."""

    def __init__(self, root: Path, generations: GenerationStore) -> None:
        self.digest = ""
        self._root = root
        self._generations = generations

    async def draft(
        self,
        known: Mapping[str, str],
        remembered: Sequence[str],
        plugins: Sequence[Problem] = (),
    ) -> list[Draft]:
        """Read and compile everything; raise ``ConfigError`` with all findings of all files.

        ``known`` are the published organizations' ids by handle, ``remembered`` the handles that
        the tree had before, ``plugins`` the findings about those that are loaded with the tree.
        """
        tree = await asyncio.to_thread(read_tree, self._root)
        self.digest = tree.digest()
        problems = [*plugins, *tree.problems]
        drafts = []
        for handle, files in tree.organizations.items():
            draft, found = await self._organization(handle, files, known.get(handle))
            problems += found
            if draft:
                drafts.append(draft)
        problems += claimed_twice({each.handle: each.organization for each in drafts}, self._root)
        present = {draft.organization.id for draft in drafts}
        gone = {each: known[each] for each in remembered if known.get(each) not in {None, *present}}
        problems += await self._vanished(tree, gone)
        if errors := [problem for problem in problems if problem.severity == "error"]:
            raise ConfigError(errors)
        return drafts

    async def _organization(
        self, handle: str, files: Files, identifier: str | None
    ) -> tuple[Draft | None, list[Problem]]:
        """Compile one organization; pools whose file was renamed keep their ids."""
        carried = await self._carried(identifier, files)
        organization, problems = await self._compile(handle, files, carried)
        if organization and organization.id != identifier:
            carried = await self._carried(organization.id, files)
            organization, problems = await self._compile(handle, files, carried)
        current = carried.current
        if organization and current and organization.hash != current.hash:
            old = await self._files(organization.id, current)
            if new_ids := await self._renamed(organization, files, current, old):
                pool_ids = {**carried.pool_ids, **new_ids}
                carried = carried._replace(pool_ids=pool_ids)
                organization, problems = await self._compile(handle, files, carried)
            problems = [*problems, *mass_deletion(handle, old, files, root=self._root)]
        if organization is None:
            return None, problems
        return Draft(organization, files, *carried), problems

    async def _carried(self, identifier: str | None, files: Files) -> _Carried:
        """Return what is published, and what of it stays."""
        current = await self._generations.current(identifier) if identifier else None
        deployed = await handed_on(self._generations, identifier or "", current, files)
        if identifier is None or current is None:
            return _Carried(None, {}, deployed)
        return _Carried(current, kept_ids(identifier, current, files), deployed)

    async def _compile(
        self, handle: str, files: Files, carried: _Carried
    ) -> tuple[Organization | None, list[Problem]]:
        return await asyncio.to_thread(
            compile_organization,
            handle,
            files,
            root=self._root,
            pool_ids=carried.pool_ids,
            deployed=carried.deployed,
        )

    async def _files(self, identifier: str, generation: Generation) -> Files:
        return await self._generations.files(identifier, generation.number) or {}

    async def _renamed(
        self, organization: Organization, files: Files, current: Generation, old_files: Files
    ) -> Mapping[str, str]:
        """Return the ids of renamed pools; what is published is compiled only if one may be."""
        vanished = any(path.startswith("pools/") for path in old_files.keys() - files.keys())
        appeared = any(path.startswith("pools/") for path in files.keys() - old_files.keys())
        if not (vanished and appeared):
            return {}
        before = _Carried(current, current.pool_ids, None)
        old, _ = await self._compile(organization.handle, old_files, before)
        return renamed_ids(old, old_files, organization, files) if old else {}

    async def _vanished(self, tree: Tree, gone: Mapping[str, str]) -> list[Problem]:
        """Return what to say of organizations whose whole directory is gone."""
        problems: list[Problem] = []
        for handle, identifier in gone.items():
            current = await self._generations.current(identifier)
            if current and handle not in tree.organizations:
                old = await self._files(identifier, current)
                own = root_file(old)
                left = {own: old[own]} if own in old else {}
                problems += mass_deletion(handle, old, left, root=self._root)
        return problems
