"""Flows deployed beside a running daemon: straight from what is published to the next generation.

No tree is needed. The daemons follow; a publisher sees that its tree is what is published still.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pointsman.config.deployment import EDITORS
from pointsman.config.editing import Edited, Subject
from pointsman.config.live import undeployed
from pointsman.config.load import compile_organization
from pointsman.config.publication import publication
from pointsman.errors import ConfigError, PointsmanError
from pointsman.store.deployments import Deployed
from pointsman.store.generations import Generation, GenerationStore

__all__ = ["Desk", "opened"]


class Desk(NamedTuple):
    """What is published of an organization, with its flows as they are saved and live."""

    generation: Generation
    subject: Subject
    root: Path | None

    @property
    def pending(self) -> Mapping[str, str]:
        """What deploying would do, by flow id."""
        flows = self.subject.organization.distinct_saved_flows()
        return undeployed(self.subject.deployed or {}, flows, self.subject.files)

    def saved(self, flow_id: str) -> Deployed | None:
        """Return a flow as its file says, ``None`` if there is no file."""
        flow = self.subject.organization.saved_flows.get(flow_id)
        return Deployed(flow.file, self.subject.files[flow.file]) if flow else None

    def live(self, flow_id: str) -> Deployed | None:
        """Return a flow as it is live, ``None`` if it is not."""
        return (self.subject.deployed or {}).get(flow_id)

    async def publish(
        self, generations: GenerationStore, kind: str, content: Mapping[str, Any], author: str
    ) -> Generation | None:
        """Make a change that ``kind`` names; return the new generation, ``None`` if none is needed.

        Raises ``Refused`` (409) if somebody else published meanwhile, ``ConfigError`` with what
        does not fit.
        """
        edited: Edited = EDITORS[kind](self.subject, content)
        if edited.deployed is None:
            return None
        handle, files = self.subject.organization.handle, self.subject.files
        pool_ids = self.generation.pool_ids
        organization, problems = compile_organization(
            handle, files, root=self.root, pool_ids=pool_ids, deployed=edited.deployed
        )
        if organization is None:
            raise ConfigError(each for each in problems if each.severity == "error")
        told = publication(
            organization,
            files,
            self.generation,
            f"{author} (deploy)",
            pool_ids=pool_ids,
            deployed=edited.deployed,
            before=files,
            written=self.generation.written,
        )
        return await generations.publish(organization.id, told)


async def opened(
    generations: GenerationStore, handle: str, identifier: str, root: Path | None
) -> Desk:
    """Return what is published; raise if flows are not deployed there, or cannot be read here."""
    current = await generations.current(identifier)
    content = await generations.content(identifier, current.number) if current else None
    if current is None or content is None or not content.files:
        raise PointsmanError(f"organization '{handle}' has no published files any more")
    files, deployed = content
    if deployed is None:
        raise PointsmanError(
            f"what is saved of '{handle}' is live: there is nothing to deploy; set deploy: manual "
            "in organization.yaml to decide that yourself"
        )
    # What is live may be just what is wrong: then the files alone tell what there is.
    for live in (deployed, None):
        organization, problems = compile_organization(
            handle, files, root=root, pool_ids=current.pool_ids, deployed=live
        )
        if organization is not None:
            subject = Subject(organization, files, deployed=deployed)
            return Desk(current, subject, root)
    raise ConfigError(each for each in problems if each.severity == "error")
