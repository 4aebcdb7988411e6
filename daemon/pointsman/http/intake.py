"""``POST /intake/{organization}/…``: where leads come in, posted by forms, sites and automations.

This is the hot path: a lead costs one lookup of its organization, one parse of its body and the
store's script. What depends on the organization alone is worked out once per generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from multidict import istr

from pointsman.errors import Refused
from pointsman.flows.decide import source_keys
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_body, read_body, text_header
from pointsman.http.peers import Peers
from pointsman.http.services import Services
from pointsman.http.taken import receipt
from pointsman.http.throttle import AddressLimit
from pointsman.model import Organization, Origin
from pointsman.store.calls import CallStore
from pointsman.store.leads import Idempotency

__all__ = ["IDEMPOTENCY_KEY", "LONGEST_KEY", "IntakeHandlers"]

IDEMPOTENCY_KEY = istr("Idempotency-Key")
LONGEST_KEY = 255

_RECORDED = "webhook"
"""What history records of a lead that was posted, by whomever."""

_PROVIDERS = ("custom", "make", "n8n", "zapier")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one generation of an organization means for its intake.

    ``source_keys`` are those of the webhook (under ``None``) and of each automation's provider.
    """

    organization: Organization
    source_keys: Mapping[str | None, frozenset[str]]
    open_to_all: bool


class IntakeHandlers:
    """Handlers of ``/intake/…``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._rules = services.rules
        self._intake = services.intake
        self._memory = services.memory
        self._gatekeeper = gatekeeper
        peers = Peers(services.settings.trusted_proxies)
        self._addresses = AddressLimit(CallStore(services.store), peers)
        self._desks: dict[str, _Desk] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.post("/intake/{organization}/webhook", self.webhook),
            web.post("/intake/{organization}/webhook/{source_key}", self.webhook),
            web.post("/intake/{organization}/automation/{provider}", self.automation),
            web.post("/intake/{organization}/automation/{provider}/{source_key}", self.automation),
        )

    async def webhook(self, request: web.Request) -> web.Response:
        """Take one lead; the answer is sent when the lead and its event are in Redis."""
        desk = self._desk(request.match_info["organization"])
        if desk is None or not desk.organization.lead_webhook:
            raise _no_webhook()
        return await self._take(request, desk, "webhook", None)

    async def automation(self, request: web.Request) -> web.Response:
        """Take one lead of an automation service, as the webhook does."""
        place = request.match_info
        desk = self._desk(place["organization"])
        if desk is None or not desk.organization.automation or place["provider"] not in _PROVIDERS:
            raise _no_automation()
        return await self._take(request, desk, "automation", place["provider"])

    async def _take(
        self, request: web.Request, desk: _Desk, source: str, provider: str | None
    ) -> web.Response:
        source_key = request.match_info.get("source_key")
        if source_key is not None and source_key not in desk.source_keys[provider]:
            raise _nothing_here(provider)
        if desk.organization.intake_limit is not None:
            limit = desk.organization.intake_limit
            await self._addresses.check(request, desk.organization, limit)
        self._memory.check()
        raw = await read_body(request)
        sender = None if desk.open_to_all else self._sender(request, desk, raw, provider)
        body = parse_body(request, raw)
        idempotency = None
        if IDEMPOTENCY_KEY in request.headers:
            through = f"{source}\n{provider}\n" if provider else ""
            idempotency = _idempotency(request, f"{through}{source_key or ''}\n{sender or ''}", raw)
        taken = await self._intake.take(
            desk.organization,
            body,
            Origin(source, source_key, provider, utm_campaign=_campaign(body)),
            source=_RECORDED,
            idempotency=idempotency,
        )
        return receipt(desk.organization, taken, _RECORDED)

    def _desk(self, handle: str) -> _Desk | None:
        organization = self._rules.current.organizations.get(handle)
        if organization is None:
            self._desks.pop(handle, None)
            return None
        desk = self._desks.get(handle)
        if desk is None or desk.organization is not organization:
            desk = self._desks[handle] = _desk_of(organization)
        return desk

    def _sender(
        self, request: web.Request, desk: _Desk, raw: bytes, provider: str | None
    ) -> str | None:
        try:
            return self._gatekeeper.sender(request, desk.organization, raw)
        except LookupError as error:
            raise _nothing_here(provider) from error


def _desk_of(organization: Organization) -> _Desk:
    keys: dict[str | None, frozenset[str]] = {None: source_keys(organization)}
    for provider in _PROVIDERS:
        keys[provider] = source_keys(organization, "automation", provider)
    return _Desk(organization, keys, organization.intake_auth.kind == "none")


def _campaign(body: dict[str, Any]) -> str | None:
    campaign = body.get("utm_campaign")
    return (campaign.strip() or None) if type(campaign) is str else None


def _idempotency(request: web.Request, scope: str, raw: bytes) -> Idempotency | None:
    key = text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY)
    return None if key is None else Idempotency.of(scope, key, raw)


def _nothing_here(provider: str | None) -> Refused:
    return _no_automation() if provider else _no_webhook()


def _no_webhook() -> Refused:
    return _not_found(
        "no lead webhook here: the organization, the source key or the API key is not known, "
        "or integrations.lead_webhook is not enabled"
    )


def _no_automation() -> Refused:
    return _not_found(
        "no automation's address here: the organization, the source key or the API key is not "
        f"known, the provider is none of {', '.join(_PROVIDERS)}, or integrations.automation is "
        "not enabled"
    )


def _not_found(message: str) -> Refused:
    return Refused(message, status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
