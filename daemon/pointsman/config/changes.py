"""Changes that come over the API, written to the files of the publisher's tree.

The order is what makes a crash harmless: the new content is durable beside the file, then one
script publishes it with its effect on pointers, then it takes the file's place. What is published
and not in its place yet is carried over by :mod:`pointsman.config.forward`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pointsman import observe
from pointsman.config.arrival import arrived
from pointsman.config.deployment import EDITORS as DEPLOYMENT_EDITORS
from pointsman.config.disk import Staged, stage
from pointsman.config.editing import Edited, Editor, Subject
from pointsman.config.flow_edits import EDITORS as FLOW_EDITORS
from pointsman.config.load import compile_organization
from pointsman.config.pool_edits import EDITORS as POOL_EDITORS
from pointsman.config.publication import publication
from pointsman.config.publish import Publisher
from pointsman.config.renames import kept_ids
from pointsman.config.serving import Served, Serving
from pointsman.config.standing import explain, standing
from pointsman.config.workflow_edits import EDITORS as WORKFLOW_EDITORS
from pointsman.errors import PointsmanError, Problem, Refused
from pointsman.model import Organization
from pointsman.store.deployments import Deployment
from pointsman.store.generations import Generation

__all__ = ["Changes", "TreeChanges", "Write", "Written"]

EDITORS: Mapping[str, Editor] = {
    **POOL_EDITORS,
    **WORKFLOW_EDITORS,
    **FLOW_EDITORS,
    **DEPLOYMENT_EDITORS,
}
"""Who makes each kind of change."""


class Write(NamedTuple):
    """A change that somebody asked for; ``kind`` names an editor, ``content`` is what it takes.

    Plain data: a worker hands it to its parent. ``by`` tells in the generation who asked.
    """

    handle: str
    kind: str
    content: Mapping[str, Any]
    by: str


class Written(NamedTuple):
    """What came of it: the generation that has it, and the id of what was changed."""

    generation: int
    id: str


class Changes(Protocol):
    """Where changes of the configuration are made."""

    async def write(self, write: Write) -> Written:
        """Make a change; it is live on every node when this returns.

        Raises ``Refused``: 400 if the change makes no sense, 404 if it is of nothing, 409 if it
        contradicts other files or the tree is not what is published, 403 if the tree is read-only.
        """


@dataclass(frozen=True, slots=True)
class _Plan:
    """A change that was checked: what to publish, and the files that are ready to be placed."""

    organization: Organization
    files: Mapping[str, bytes]
    pool_ids: Mapping[str, str]
    deployed: Deployment | None
    edited: Edited
    staged: Sequence[Staged]


class NoChanges:
    """Refuses them: this node follows what others publish."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def write(self, write: Write) -> Written:
        """Name who publishes."""
        served = self._serving.served.get(write.handle)
        author = served.generation.author if served else "nobody yet"
        raise _conflict(
            "this daemon follows what another one publishes; send the change to the publisher "
            f"(the current generation of '{write.handle}' is by {author})"
        )


class TreeChanges:
    """Writes to the tree of ``publisher``; nothing is loaded meanwhile."""

    def __init__(self, root: Path, publisher: Publisher) -> None:
        self._publisher = publisher
        self._serving = publisher.serving
        self._generations = publisher.generations
        self._root = root
        self._log = observe.log()

    async def write(self, write: Write) -> Written:
        """Make a change, as ``Changes`` says."""
        async with self._publisher.lock:
            organization, served = await self._in_line(write.handle)
            taken = frozenset(served.files) | await asyncio.to_thread(self._present, write.handle)
            subject = Subject(organization, served.files, taken, served.deployed)
            edited = EDITORS[write.kind](subject, write.content)
            if not (edited.files or edited.reset or edited.deployed is not None):
                return Written(served.generation.number, edited.id)
            plan = await self._planned(organization, served, edited)
            number = await self._done(write, organization, served, plan)
        await arrived(self._generations, {organization.id: number})
        return Written(number, edited.id)

    async def _in_line(self, handle: str) -> tuple[Organization, Served]:
        """Return what is published, if it is what the tree was loaded as."""
        current = await self._publisher.align(handle)
        organization = self._serving.current.organizations.get(handle)
        served = self._serving.served.get(handle)
        if not (current and organization and served):
            raise _conflict(f"organization '{handle}' is not served any more")
        remembered = self._publisher.memory.recall().get(handle)
        if current.hash != remembered:
            stands = standing(remembered or "", remembered, current.hash)
            raise _conflict(explain(stands, handle, current))
        if served.generation.number != current.number:
            raise _conflict(f"generation {current.number} of '{handle}' cannot be served here")
        return organization, served

    def _present(self, handle: str) -> frozenset[str]:
        """Return the paths of all files of an organization's folders, loaded or not."""
        folder = self._root / handle
        return frozenset(str(path.relative_to(folder)) for path in folder.glob("*/*"))

    async def _planned(self, organization: Organization, served: Served, edited: Edited) -> _Plan:
        """Check everything that can be checked, and put the new content beside the files."""
        handle = organization.handle
        files = {name: raw for name, raw in served.files.items() if name not in edited.files}
        files |= {name: raw for name, raw in edited.files.items() if raw is not None}
        pool_ids = kept_ids(organization.id, served.generation, files)
        deployed = served.deployed if edited.deployed is None else edited.deployed
        changed, problems = await asyncio.to_thread(
            compile_organization,
            handle,
            files,
            root=self._root,
            pool_ids=pool_ids,
            deployed=deployed,
        )
        folder = self._root / handle
        if changed is None:
            raise _refusal(problems, folder, edited)
        staged = await asyncio.to_thread(_staged, folder, served.files, edited)
        return _Plan(changed, files, pool_ids, deployed, edited, staged)

    async def _done(
        self, write: Write, organization: Organization, served: Served, plan: _Plan
    ) -> int:
        """Publish, place and serve; return the generation's number."""
        async with self._serving.lock(write.handle):
            try:
                generation = await self._publish(write, served, plan)
                await self._place(plan.staged, organization, served, generation)
            finally:
                for staged in plan.staged:
                    staged.discard()
            served = Served(generation, plan.files, plan.deployed)
            self._serving.install(plan.organization, served)
        self._publisher.remember(write.handle, plan.organization.hash)
        observe.CONFIG_RELOADS.labels("written").inc()
        self._log.info(
            observe.CONFIG_WRITTEN, organization=write.handle, generation=generation.number
        )
        return generation.number

    async def _publish(self, write: Write, served: Served, plan: _Plan) -> Generation:
        told = publication(
            plan.organization,
            plan.files,
            served.generation,
            f"{self._publisher.author} ({write.by})",
            pool_ids=plan.pool_ids,
            deployed=plan.deployed,
            before=served.files,
            reset=plan.edited.reset,
            erased=plan.edited.erased,
            archived=plan.edited.archived,
            made_by={plan.edited.id: plan.edited.made_by} if plan.edited.made_by else None,
            written=bool(plan.edited.files) or served.generation.written,
        )
        return await self._generations.publish(plan.organization.id, told)

    async def _place(
        self,
        staged: Sequence[Staged],
        organization: Organization,
        served: Served,
        generation: Generation,
    ) -> None:
        """Put files in their places, or publish again what was: somebody else changed one just now.

        What they wrote is then loaded as any other edit.
        """
        placed: list[Staged] = []
        try:
            for one in staged:
                one.place()
                placed.append(one)
        except PointsmanError:
            for one in placed:
                _take_back(one)
            told = publication(
                organization,
                served.files,
                generation,
                self._publisher.author,
                pool_ids=served.generation.pool_ids,
                deployed=served.deployed,
            )
            again = await self._generations.publish(organization.id, told)
            self._serving.install(organization, Served(again, served.files, served.deployed))
            raise


def _staged(folder: Path, before: Mapping[str, bytes], edited: Edited) -> list[Staged]:
    """Return what is ready to be placed: all of it, or nothing is left behind."""
    staged: list[Staged] = []
    try:
        for name, after in edited.files.items():
            staged.append(stage(folder / name, before.get(name), after))
    except PointsmanError:
        for one in staged:
            one.discard()
        raise
    return staged


def _take_back(placed: Staged) -> None:
    """Put back what was, unless somebody has written there since."""
    with suppress(PointsmanError):
        stage(placed.path, placed.after, placed.before).place()


def _refusal(problems: Sequence[Problem], folder: Path, edited: Edited) -> Refused:
    """Say what is wrong: with the change itself, or with what other files say of it."""
    errors = [problem for problem in problems if problem.severity == "error"]
    changed = {str(folder / name): edited.places.get(name, "") for name in edited.files}
    if any(problem.file not in changed for problem in errors):
        return _conflict("; ".join(map(str, errors)))
    found: dict[str, str] = {}
    for problem in errors:
        place = (changed[problem.file] + problem.pointer).removesuffix(".")
        before = found.get(place)
        found[place] = f"{before}; {problem.message}" if before else problem.message
    told = "; ".join(f"{place}: {message}" for place, message in found.items())
    return Refused(told, errors=found)


def _conflict(message: str) -> Refused:
    return Refused(message, status=HTTPStatus.CONFLICT, code="CONFLICT")
