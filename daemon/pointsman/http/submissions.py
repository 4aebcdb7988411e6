"""``/flows/{flow}/sources/{source}/…``: where vendors send leads, ping for prices, and look.

Outside of ``/api/v1`` and without its envelope: statuses and texts are those that integrations of
vendors are written against (flows-reference §1). A flow and a source go by their id, or by the name
of the flow's file and the source's key where no other organization has the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from pointsman.errors import Refused
from pointsman.flow import Flow, Source
from pointsman.flows.account import account_for
from pointsman.flows.form import apply_mappings
from pointsman.flows.submissions import RUNNING, Outcome, Submissions, TooMany
from pointsman.http.answers import REPLAYED, answer
from pointsman.http.body import text_header
from pointsman.http.intake import IDEMPOTENCY_KEY, LONGEST_KEY
from pointsman.http.outcomes import acceptable, content, respond
from pointsman.http.parameters import Misposted
from pointsman.http.peers import Peers
from pointsman.http.proof import proves
from pointsman.http.services import Services
from pointsman.http.source_page import describe, page
from pointsman.http.throttle import AddressLimit
from pointsman.http.vendors import plainly, read_posted
from pointsman.model import Organization, Ruleset
from pointsman.rules.variables import plain
from pointsman.store.calls import CallStore
from pointsman.store.caps import CapStore
from pointsman.store.stored import Idempotency

__all__ = ["SubmissionHandlers"]

_BASE = "/flows/{flow}/sources/{source}"
_ACCEPTED, _CREATED = HTTPStatus.ACCEPTED, HTTPStatus.CREATED
_NOT_ALLOWED = HTTPStatus.METHOD_NOT_ALLOWED
_EXTERNAL_ID = "external_id"

Desk = tuple[Organization, Flow, Source]


class SubmissionHandlers:
    """Handlers of what vendors call."""

    def __init__(self, services: Services) -> None:
        self._rules = services.rules
        self._memory = services.memory
        self._peers = Peers(services.settings.trusted_proxies)
        self._limit = AddressLimit(CallStore(services.store), self._peers)
        self._submissions = Submissions(services.intake, CapStore(services.store))
        self._addresses: tuple[Ruleset | None, Mapping[str, Desk | None]] = (None, {})

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.route("*", f"{_BASE}/submit", plainly(self.submit, _NOT_ALLOWED)),
            web.route("*", f"{_BASE}/ping", plainly(self.ping, _NOT_ALLOWED)),
            web.get(f"{_BASE}/meta", self.meta),
            web.get(_BASE, self.page),
        )

    async def submit(self, request: web.Request) -> web.Response:
        """Take a lead; the answer is sent when the lead and its events are in Redis."""
        organization, flow, source = desk = await self._open(request)
        media = acceptable(request.headers.get(hdrs.ACCEPT))
        self._memory.check()
        raw, posted = await read_posted(request, ping=False)
        outcome, taken = await self._submissions.post(
            organization,
            flow,
            source,
            posted,
            address=self._peers.spelled(request),
            idempotency=_idempotency(request, desk, posted, raw),
        )
        account_for(organization, taken, "system")
        status = _ACCEPTED if outcome.outcome == RUNNING else _CREATED
        told = _respond(outcome, media, status, posted.redirect)
        if outcome.replayed:
            told.headers[REPLAYED] = "true"
        return told

    async def ping(self, request: web.Request) -> web.Response:
        """Tell what a lead would cost."""
        organization, flow, source = await self._open(request)
        if not flow.ping_enabled:
            raise _nothing_here()
        media = acceptable(request.headers.get(hdrs.ACCEPT))
        _, posted = await read_posted(request, ping=True)
        try:
            outcome = await self._submissions.ping(
                organization, flow, source, posted, address=self._peers.spelled(request)
            )
        except TooMany as refused:
            return _too_many(refused)
        return _respond(outcome, media, HTTPStatus.OK, posted.redirect)

    async def meta(self, request: web.Request) -> web.Response:
        """Describe a source to programs."""
        return answer(describe(*self._find(request)))

    async def page(self, request: web.Request) -> web.Response:
        """Describe a source to people, with a form that sends a lead for a test."""
        text = page(describe(*self._find(request)), str(request.rel_url.path))
        return web.Response(text=text, content_type="text/html")

    async def _open(self, request: web.Request) -> Desk:
        """Return whom a request is for, if it may send there."""
        found = self._find(request)
        organization, _, source = found
        if organization.intake_limit is not None:
            await self._limit.check(request, organization, organization.intake_limit)
        if not source.enabled:
            raise Misposted(HTTPStatus.FORBIDDEN, "This source is disabled")
        if source.authentication_required:
            secret = organization.credentials.get(source.credential or "", "")
            if not secret or not proves(request.headers.get(hdrs.AUTHORIZATION, ""), secret):
                raise Misposted(HTTPStatus.UNAUTHORIZED, "Unauthorized source")
        return found

    def _find(self, request: web.Request) -> Desk:
        named = request.match_info
        rules = self._rules.current
        if self._addresses[0] is not rules:
            self._addresses = (rules, _addresses(rules))
        found = self._addresses[1].get(f"{named['flow'].lower()}/{named['source'].lower()}")
        if found is None:
            raise _nothing_here()
        return found


def _addresses(rules: Ruleset) -> dict[str, Desk | None]:
    """Return whom every address stands for; ``None`` where it would be two."""
    found: dict[str, Desk | None] = {}
    for organization in rules.organizations.values():
        for name, flow in organization.named_flows.items():
            for source in flow.sources:
                for called in {source.id, source.key} - {None}:
                    address = f"{name}/{called}"
                    found[address] = None if address in found else (organization, flow, source)
    return found


def _idempotency(
    request: web.Request, desk: Desk, posted: Mapping[str, Any], raw: bytes
) -> Idempotency | None:
    """Return what makes a repetition known: the header, else the sender's own id of the lead."""
    key = text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY)
    if key is None:
        key = _external_id(desk[2], posted)
    if key is None:
        return None
    query = request.rel_url.raw_query_string.encode()
    return Idempotency.of(f"source\n{desk[1].id}\n{desk[2].id}", key, query + b"\n" + raw)


def _external_id(source: Source, posted: Mapping[str, Any]) -> str | None:
    """Return the sender's own id of a lead, as its source maps it: a text, or a whole number.

    What a mapping makes of nothing is no lead's own: all of them would repeat the first.
    """
    mapped = [one for one in source.mappings if one.parts == (_EXTERNAL_ID,)]
    found = plain(apply_mappings(posted, mapped, {}).get(_EXTERNAL_ID))
    if mapped and found == plain(apply_mappings({}, mapped, {}).get(_EXTERNAL_ID)):
        return None
    told = str(found) if type(found) in {str, int} else ""
    return told if told.strip() else None


def _respond(outcome: Outcome, media: str, status: int, redirect: str | None) -> web.Response:
    told = content(outcome.outcome, outcome.reason, outcome.price, outcome.lead_id)
    if outcome.outcome == RUNNING:
        told = {"lead": told["lead"]}
    return respond(told, media, status, redirect)


def _too_many(refused: TooMany) -> web.Response:
    status = HTTPStatus.TOO_MANY_REQUESTS
    told = {"status": status, "message": str(refused), "retry_after": refused.seconds}
    return answer(told, status, {"Retry-After": str(refused.seconds)})


def _nothing_here() -> Refused:
    return Refused("no source of a flow here", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
