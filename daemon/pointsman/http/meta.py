"""``/intake/{organization}/meta``: the webhook of a Meta app's Lead Ads.

Meta counts only the status: anything but 200 makes it send the same again for some hours, and at
last switch the webhook off. So 200 means that every lead of the post is in Redis or will be read,
also where one of them could not be taken; the body tells a person which.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from pointsman.errors import Refused
from pointsman.flows.meta import read_post
from pointsman.flows.meta_leads import Result
from pointsman.http.answers import answer
from pointsman.http.body import parse_json
from pointsman.http.services import Services
from pointsman.http.taken import told
from pointsman.ids import lead_uuid
from pointsman.model import MetaApp, Organization

__all__ = ["MetaHandlers"]

_PATH = "/intake/{organization}/meta"
_SIGNATURE = "X-Hub-Signature-256"
_LONGEST_CHALLENGE = 1000
_TEXT: Mapping[str, str] = {
    hdrs.CONTENT_TYPE: "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
}


class MetaHandlers:
    """Handlers of Meta's webhook."""

    def __init__(self, services: Services) -> None:
        self._rules = services.rules
        self._memory = services.memory
        self._leads = services.meta

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get(_PATH, self.challenge, allow_head=False),
            web.post(_PATH, self.notification),
        )

    async def challenge(self, request: web.Request) -> web.Response:
        """Answer Meta's question whether this address wants its notifications."""
        _, meta = self._app(request)
        query = request.query
        given = query.get("hub.verify_token", "").encode(errors="surrogateescape")
        if query.get("hub.mode") != "subscribe" or not hmac.compare_digest(
            given, meta.verify_token.encode()
        ):
            raise Refused(
                "hub.mode must be subscribe, and hub.verify_token that of integrations.meta",
                status=HTTPStatus.FORBIDDEN,
                code="FORBIDDEN",
            )
        challenge = query.get("hub.challenge", "")
        if not challenge or len(challenge) > _LONGEST_CHALLENGE or not challenge.isprintable():
            raise Refused("hub.challenge: is required", code="VALIDATION_ERROR")
        return web.Response(text=challenge, headers=_TEXT)

    async def notification(self, request: web.Request) -> web.Response:
        """Take the leads of a post; the answer is sent when nothing of it can be lost."""
        organization, meta = self._app(request)
        self._memory.check()
        raw = await request.read()
        _check_signature(request, meta, raw)
        notification = read_post(parse_json(raw))
        results = await self._leads.accept(organization, notification)
        return answer({"leads": list(map(_result, results)), "ignored": notification.ignored})

    def _app(self, request: web.Request) -> tuple[Organization, MetaApp]:
        organization = self._rules.current.organizations.get(request.match_info["organization"])
        if organization is None or organization.meta is None:
            raise Refused(
                "no Meta webhook here: the organization is not known, or has no integrations.meta",
                status=HTTPStatus.NOT_FOUND,
                code="NOT_FOUND",
            )
        return organization, organization.meta


def _check_signature(request: web.Request, meta: MetaApp, body: bytes) -> None:
    expected = "sha256=" + hmac.new(meta.app_secret, body, "sha256").hexdigest()
    given = request.headers.get(_SIGNATURE, "")
    if not hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode()):
        raise Refused(
            f"{_SIGNATURE} must be 'sha256=' and the hex HMAC-SHA256 of the body as it was sent, "
            "with the app's secret",
            status=HTTPStatus.UNAUTHORIZED,
            code="UNAUTHORIZED",
        )


def _result(result: Result) -> dict[str, Any]:
    """Return what became of one lead, in words like those of the other intakes."""
    if result.refused is not None:
        error = {"message": str(result.refused), "code": result.refused.code}
        return {"leadgenId": result.id, "status": "failed", "error": error}
    if result.taken is not None:
        return {"leadgenId": result.id, "status": "taken", **told(result.taken)}
    status = "replayed" if result.again else "waiting"
    return {"leadgenId": result.id, "status": status, "leadId": lead_uuid(result.lead_id)}
