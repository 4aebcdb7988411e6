"""``POST /intake/{organization}/webhook[/{source_key}]``: where leads come in.

This is the hot path: a lead costs one lookup of its organization, one parse of its body and the
store's script. What depends on the organization alone is worked out once per generation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from multidict import istr

from pointsman.errors import Refused
from pointsman.flows.decide import source_keys
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_body, text_header
from pointsman.http.services import Services
from pointsman.http.taken import receipt
from pointsman.model import Organization, Origin
from pointsman.store.leads import Idempotency

__all__ = ["IDEMPOTENCY_KEY", "LONGEST_KEY", "IntakeHandlers"]

IDEMPOTENCY_KEY = istr("Idempotency-Key")
LONGEST_KEY = 255

_SOURCE = "webhook"


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one generation of an organization means for its intake."""

    organization: Organization
    source_keys: frozenset[str]
    open_to_all: bool


class IntakeHandlers:
    """Handlers of ``/intake/…``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._rules = services.rules
        self._intake = services.intake
        self._memory = services.memory
        self._gatekeeper = gatekeeper
        self._desks: dict[str, _Desk] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.post("/intake/{organization}/webhook", self.webhook),
            web.post("/intake/{organization}/webhook/{source_key}", self.webhook),
        )

    async def webhook(self, request: web.Request) -> web.Response:
        """Take one lead; the answer is sent when the lead and its event are in Redis."""
        place = request.match_info
        desk = self._desk(place["organization"])
        source_key = place.get("source_key")
        if source_key is not None and source_key not in desk.source_keys:
            raise _no_webhook()
        self._memory.check()
        raw = await request.read()
        sender = None if desk.open_to_all else self._sender(request, desk, raw)
        body = parse_body(request, raw)
        idempotency = None
        if IDEMPOTENCY_KEY in request.headers:
            idempotency = _idempotency(request, f"{source_key or ''}\n{sender or ''}", raw)
        taken = await self._intake.take(
            desk.organization,
            body,
            Origin(_SOURCE, source_key, utm_campaign=_campaign(body)),
            source=_SOURCE,
            idempotency=idempotency,
        )
        return receipt(desk.organization, taken, _SOURCE)

    def _desk(self, handle: str) -> _Desk:
        organization = self._rules.current.organizations.get(handle)
        if organization is None or not organization.lead_webhook:
            self._desks.pop(handle, None)
            raise _no_webhook()
        desk = self._desks.get(handle)
        if desk is None or desk.organization is not organization:
            open_to_all = organization.intake_auth.kind == "none"
            desk = _Desk(organization, source_keys(organization), open_to_all)
            self._desks[handle] = desk
        return desk

    def _sender(self, request: web.Request, desk: _Desk, raw: bytes) -> str | None:
        try:
            return self._gatekeeper.sender(request, desk.organization, raw)
        except LookupError as error:
            raise _no_webhook() from error


def _campaign(body: dict[str, Any]) -> str | None:
    campaign = body.get("utm_campaign")
    return (campaign.strip() or None) if type(campaign) is str else None


def _idempotency(request: web.Request, scope: str, raw: bytes) -> Idempotency | None:
    key = text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY)
    return None if key is None else Idempotency.of(scope, key, raw)


def _no_webhook() -> Refused:
    return Refused(
        "no lead webhook here: the organization, the source key or the API key is not known, "
        "or integrations.lead_webhook is not enabled",
        status=HTTPStatus.NOT_FOUND,
        code="NOT_FOUND",
    )
