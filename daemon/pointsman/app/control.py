"""What the operator's pages ask of the daemon, whoever loads the tree for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from pointsman.app.health import Health
from pointsman.config.serving import Serving
from pointsman.errors import Problem
from pointsman.http.services import Check

__all__ = ["Control"]


class Control:
    """Implements ``http.services.Control``; ``load`` is what a reload does on this node."""

    def __init__(
        self,
        serving: Serving,
        health: Health,
        load: Callable[[], Awaitable[Mapping[str, int]]],
    ) -> None:
        self._serving = serving
        self._health = health
        self._load = load

    async def reload(self) -> Mapping[str, int]:
        """Load the tree and return each organization's generation; raise what is wrong with it."""
        return await self._load()

    def readiness(self) -> Sequence[Check]:
        """Return every check with its latest outcome."""
        return self._health.checks()

    def problems(self) -> Sequence[Problem]:
        """Return what kept the tree from being published when it was loaded last."""
        return self._health.report.problems

    def active(self) -> Mapping[str, Any]:
        """Return what is served now, by organization."""
        return {
            handle: self._organization(handle) for handle in self._serving.current.organizations
        }

    def _organization(self, handle: str) -> Mapping[str, Any]:
        organization = self._serving.current.organizations[handle]
        served = self._serving.served[handle]
        told = {
            "id": organization.id,
            "generation": organization.generation,
            "hash": organization.hash,
            "author": served.generation.author,
            "files": {path: sha256(raw).hexdigest() for path, raw in served.files.items()},
        }
        if organization.manual_deploy:
            told |= {"deploy": "manual", "undeployed": dict(organization.undeployed)}
        drift = self._health.report.drift.get(handle)
        return told | ({"drift": drift} if drift else {})
