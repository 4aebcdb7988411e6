"""``/api/v1/notifications``: members' in-app inboxes, and what is new in them as it comes.

An API key speaks for a program, not for a person, so whose inbox it is about is told by ``member``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import hdrs, web
from orjson import dumps

from pointsman.errors import Unavailable
from pointsman.http.answers import answer, listing, streamed
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json
from pointsman.http.query import choice, invalid, page
from pointsman.http.services import Services
from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.model import Member, Organization
from pointsman.store.feed import Bell
from pointsman.store.notifications import Note, NotificationStore, is_position
from pointsman.store.stored import rfc3339

__all__ = ["NotificationHandlers"]

KEEP_ALIVE = 15.0
"""Seconds of silence after which a listener gets a sign of life."""

_BASE = "/api/v1/notifications"
_READ = "notifications:read"
_MOST = 1_000
_HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",
}


class NotificationHandlers:
    """Handlers of ``/api/v1/notifications``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._notifications = NotificationStore(services.store, services.settings)
        self._feed = services.feed

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get(_BASE, self.inbox),
            web.get(f"{_BASE}/stream", self.stream, allow_head=False),
            web.post(f"{_BASE}/read", self.read),
        )

    async def inbox(self, request: web.Request) -> web.Response:
        """List a member's notifications, newest first."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        limit, offset = page(request)
        unread = choice(request, "unread", ("true", "false")) == "true"
        member = _member(organization, request.query.get("member"))
        notes, total = await self._notifications.inbox(
            organization.id, member.id, unread=unread, limit=limit, offset=offset
        )
        shown = [{**_told(note), "isRead": not note.unread} for note in notes]
        return listing(shown, total=total, limit=limit, offset=offset)

    async def read(self, request: web.Request) -> web.Response:
        """Note that a member has read some notifications, or all."""
        organization, _ = self._gatekeeper.caller(request, "notifications:write")
        require_json(request)
        body = parse_json(await request.read())
        if unknown := sorted(set(body) - {"member", "ids"}):
            raise invalid([f"{name}: is not known here" for name in unknown])
        member = _member(organization, body.get("member"))
        read = await self._notifications.read(organization.id, member.id, _ids(body))
        left = await self._notifications.unread(organization.id, member.id)
        return answer({"read": read, "unread": left})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Tell of new notifications as server-sent events, until the listener or daemon leaves."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        named = request.query.get("member")
        member = None if named is None else _member(organization, named).id
        last = request.headers.get("Last-Event-ID")
        if last and not is_position(last):
            raise invalid(["Last-Event-ID: must be the id of an event of this stream"])
        with self._feed.listening(organization.id) as bell:
            position = last or await self._notifications.position(organization.id)
            forgot = await self._notifications.has_forgotten(organization.id, position)
            response = streamed(_HEADERS)
            await response.prepare(request)
            await response.write(b"event: missed\ndata: {}\n\n" if forgot else b": listening\n\n")
            # Whoever listens comes back, and goes on from the last event.
            with suppress(ConnectionError, Unavailable):
                await self._tell(response, organization.id, member, position, bell)
        return response

    async def _tell(
        self,
        response: web.StreamResponse,
        organization_id: str,
        member: str | None,
        position: str,
        bell: Bell,
    ) -> None:
        while not bell.closed:
            before = position
            told, position = await self._notifications.since(organization_id, position)
            for one in told:
                if member is None or member in one.members:
                    data = dumps({**_told(one.note), "memberIds": one.members})
                    head = f"id: {one.position}\nevent: notification\ndata: ".encode()
                    await response.write(head + data + b"\n\n")
            if position == before and not await bell.heard(KEEP_ALIVE):
                await response.write(b": still here\n\n")


def _member(organization: Organization, name: Any) -> Member:
    if not isinstance(name, str) or not name:
        raise invalid(["member: is required: the id or handle of a member"])
    member = organization.member(name)
    if member is None:
        raise invalid(["member: must be the id or handle of a member"])
    return member


def _ids(body: Mapping[str, Any]) -> list[str] | None:
    """Return the ids of a body in their stored spelling; ``None`` if it names none: all."""
    if "ids" not in body:
        return None
    told = body["ids"]
    if not isinstance(told, list) or len(told) > _MOST:
        raise invalid([f"ids: must be a list of at most {_MOST} ids of notifications"])
    ids = [parse_lead_id(one) if isinstance(one, str) else None for one in told]
    if wrong := [place for place, one in enumerate(ids) if one is None]:
        raise invalid([f"ids[{place}]: must be the id of a notification" for place in wrong])
    return [one for one in ids if one]


def _told(note: Note) -> dict[str, Any]:
    says = note.says
    return {
        "id": lead_uuid(note.id),
        "title": says["title"],
        "body": says["body"],
        "module": says["module"],
        "recordId": lead_uuid(says["record_id"]),
        "workflowId": says["workflow_id"],
        "runId": says["run_id"],
        "createdAt": rfc3339(says["at"]),
    }
