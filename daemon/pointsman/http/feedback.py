"""``/feedback?event_id=…``: where recipients say what became of a lead.

As with submissions there is no envelope, and statuses and texts are those that integrations are
written against (flows-reference §12). The id of the delivery is all the proof that is asked for,
unless the step names a credential.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import hdrs, web

from pointsman.errors import Refused
from pointsman.flows.feedback import NOT_TAKEN, TYPES, Delivered, FeedbackDesk
from pointsman.http.outcomes import acceptable, respond
from pointsman.http.parameters import Misposted, Posted
from pointsman.http.proof import proves
from pointsman.http.services import Services
from pointsman.http.vendors import plainly, read_posted
from pointsman.store.errands import ErrandStore
from pointsman.store.flow_events import FlowEvents

__all__ = ["FeedbackHandlers"]

_FORBIDDEN = re.compile("forbidden", re.IGNORECASE)
_LONGEST = 1_000


class FeedbackHandlers:
    """Handlers of ``/feedback``."""

    def __init__(self, services: Services) -> None:
        self._rules = services.rules
        self._memory = services.memory
        errands = ErrandStore(services.store, services.settings)
        self._desk = FeedbackDesk(errands, FlowEvents(services.store), services.delivery)

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        refused = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        return (web.route("*", "/feedback", plainly(self.take, refused)),)

    async def take(self, request: web.Request) -> web.Response:
        """Take feedback; it is noted when the answer is sent."""
        media = acceptable(request.headers.get(hdrs.ACCEPT))
        self._memory.check()
        _, posted = await read_posted(request, ping=False)
        delivered = await self._desk.find(self._rules.current, _text(posted, "event_id") or "")
        if delivered is None:
            raise Refused("no such event", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
        _check(request, delivered)
        kind = (_text(posted, "type") or "").lower()
        if kind not in TYPES:
            raise Misposted(HTTPStatus.BAD_REQUEST, f"type must be one of: {', '.join(TYPES)}")
        if delivered.terms is None:
            answered: tuple[str, str | None] = ("failure", NOT_TAKEN)
        else:
            answered = await self._desk.take(delivered, kind, _text(posted, "reason"))
        outcome, reason = answered
        told = {"outcome": outcome, "reason": reason, "lead": {"id": delivered.lead_id}}
        told = {name: value for name, value in told.items() if value}
        forbidden = bool(reason and _FORBIDDEN.search(reason))
        status = HTTPStatus.CONFLICT if forbidden else HTTPStatus.CREATED
        return respond(told, media, status, posted.redirect)


def _check(request: web.Request, delivered: Delivered) -> None:
    """Refuse a recipient that does not prove itself where its step asks for it."""
    named = delivered.terms.credential if delivered.terms else None
    if named is None:
        return
    secret = delivered.organization.credentials.get(named, "")
    if not secret or not proves(request.headers.get(hdrs.AUTHORIZATION, ""), secret):
        raise Misposted(HTTPStatus.UNAUTHORIZED, "Unauthorized recipient")


def _text(posted: Posted, name: str) -> str | None:
    """Return a parameter as text, the first of several."""
    value = posted.get(name)
    first = value[0] if isinstance(value, list) and value else value
    return first.strip()[:_LONGEST] or None if isinstance(first, str) else None
