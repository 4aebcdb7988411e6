"""The operator's pages: health, readiness, reload, what is served, metrics.

``/-/healthy`` and the bare ``/-/ready`` are for load balancers and answer anyone; everything else,
and readiness with its details, is for callers on this machine or with the admin token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from pointsman import observe
from pointsman.errors import ConfigError
from pointsman.http.answers import answer, error_body
from pointsman.http.auth import Gatekeeper
from pointsman.http.services import Check, Control

__all__ = ["AdminHandlers"]


class AdminHandlers:
    """Handlers of ``/-/…`` and ``/metrics``."""

    def __init__(self, control: Control, gatekeeper: Gatekeeper) -> None:
        self._control = control
        self._gatekeeper = gatekeeper

    def public_routes(self) -> Sequence[web.RouteDef]:
        """Return what any listener serves."""
        return (web.get("/-/healthy", self.healthy), web.get("/-/ready", self.ready))

    def operator_routes(self) -> Sequence[web.RouteDef]:
        """Return what the operator's listener serves besides."""
        return (
            web.post("/-/reload", self.reload),
            web.get("/-/config", self.config),
            web.get("/metrics", self.metrics),
        )

    async def healthy(self, _: web.Request) -> web.Response:
        """Answer as long as the loop turns."""
        return answer({"healthy": True})

    async def ready(self, request: web.Request) -> web.Response:
        """Answer 200 if every check passes, else 503; to the operator with the checks."""
        checks = self._control.readiness()
        ready = all(check.passed for check in checks)
        observe.READY.set(ready)
        told: dict[str, object] = {"ready": ready}
        if self._gatekeeper.is_operator(request):
            told["checks"] = list(map(_told, checks))
        return answer(told, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def reload(self, request: web.Request) -> web.Response:
        """Load the configuration again; answer the generations, or 422 with every finding."""
        self._gatekeeper.require_operator(request)
        try:
            generations = await self._control.reload()
        except ConfigError as error:
            return _findings(error)
        return answer(dict(generations))

    async def config(self, request: web.Request) -> web.Response:
        """Answer what is served now."""
        self._gatekeeper.require_operator(request)
        return answer(dict(self._control.active()))

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer all metrics; rendered in a thread, because thousands of series take a while."""
        self._gatekeeper.require_operator(request)
        text = await asyncio.to_thread(observe.exposition)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _told(check: Check) -> dict[str, object]:
    told: dict[str, object] = {"name": check.name, "passed": check.passed}
    return told | ({"detail": check.detail} if check.detail else {})


def _findings(error: ConfigError) -> web.Response:
    count = len(error.problems)
    message = f"the configuration has {count} problem(s); what was served before still is"
    body = error_body(message, "VALIDATION_ERROR")
    findings = [asdict(problem) for problem in error.problems]
    return answer({**body, "findings": findings}, HTTPStatus.UNPROCESSABLE_ENTITY)
