"""``/api/v1/members``: the people of the caller's organization, with the ids that answers use."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from aiohttp import web

from pointsman.http.answers import listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.query import page
from pointsman.model import Member

__all__ = ["MemberHandlers"]


class MemberHandlers:
    """Handlers of ``/api/v1/members``."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (web.get("/api/v1/members", self.members),)

    async def members(self, request: web.Request) -> web.Response:
        """List members in the order of ``organization.yaml``."""
        organization, _ = self._gatekeeper.caller(request, "members:read")
        limit, offset = page(request)
        everyone = organization.members.values()
        shown = [_told(member) for member in islice(everyone, offset, offset + limit)]
        return listing(shown, total=len(everyone), limit=limit, offset=offset)


def _told(member: Member) -> dict[str, object]:
    return {
        "id": member.id,
        "handle": member.handle,
        "name": member.name,
        "email": member.email,
        "phone": member.phone,
        "isActive": member.active,
        "roles": list(member.roles),
    }
