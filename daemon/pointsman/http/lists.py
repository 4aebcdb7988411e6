"""``/api/v1/lists``: suppression lists, and their items, which can be asked for and never read.

Items come as a JSON object with ``values``, or as plain text with one value a line, which is read
as it comes: a list of millions passes through without being held.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

from aiohttp import hdrs, web

from pointsman.errors import Refused
from pointsman.flow import SuppressionList
from pointsman.flows.lists import item
from pointsman.http.answers import answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json
from pointsman.http.query import invalid, page
from pointsman.http.services import Services
from pointsman.ids import milliseconds
from pointsman.model import Organization
from pointsman.registry import nearest
from pointsman.store.lists import ListStore

__all__ = ["ListHandlers"]

_BATCH = 500
_MOST = 10_000
_LONGEST = 1_000
_LINES = "text/plain"
_BASE = "/api/v1/lists"

Found = tuple[Organization, SuppressionList]


class ListHandlers:
    """Handlers of ``/api/v1/lists``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._lists = ListStore(services.store)
        self._memory = services.memory

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        items = f"{_BASE}/{{name}}/items"
        return (
            web.get(_BASE, self.lists),
            web.get(items, self.ask),
            web.post(items, self.add),
            web.delete(items, self.remove),
        )

    async def lists(self, request: web.Request) -> web.Response:
        """List the lists."""
        organization, _ = self._gatekeeper.caller(request, "lists:read")
        limit, offset = page(request)
        everything = organization.lists.values()
        shown = [_told(listed) for listed in islice(everything, offset, offset + limit)]
        return listing(shown, total=len(everything), limit=limit, offset=offset)

    async def ask(self, request: web.Request) -> web.Response:
        """Tell whether a value is in a list."""
        organization, listed = self._find(request, "lists:read")
        value = request.query.get("value", "")
        found = item(listed, value[:_LONGEST], organization.secret)
        if not found:
            raise invalid(["value: is required and must not be blank"])
        asked = [(listed, found, 0)]
        (there,) = await self._lists.find(organization.id, asked, milliseconds())
        return answer({"value": value, "found": there})

    async def add(self, request: web.Request) -> web.Response:
        """Add values; those that are there are as good as new."""
        self._memory.check()
        organization, listed = self._find(request, "lists:write")
        received = added = 0
        async for some in self._items(request, organization, listed):
            received += len(some)
            added += await self._lists.add(organization.id, listed, some, milliseconds())
        return answer({"received": received, "added": added})

    async def remove(self, request: web.Request) -> web.Response:
        """Take values out."""
        organization, listed = self._find(request, "lists:write")
        received = removed = 0
        async for some in self._items(request, organization, listed):
            received += len(some)
            removed += await self._lists.remove(organization.id, listed, some, milliseconds())
        return answer({"received": received, "removed": removed})

    def _find(self, request: web.Request, scope: str) -> Found:
        organization, _ = self._gatekeeper.caller(request, scope)
        name = request.match_info["name"]
        for listed in organization.lists.values():
            if name in (listed.id, listed.stem):
                return organization, listed
        known = [listed.stem for listed in organization.lists.values()]
        raise Refused(
            f"no list '{name}'{nearest(name, known)}",
            status=HTTPStatus.NOT_FOUND,
            code="NOT_FOUND",
        )

    async def _items(
        self, request: web.Request, organization: Organization, listed: SuppressionList
    ) -> AsyncIterator[list[str]]:
        """Yield what stands for the values of a body, some at a time, without the blank ones."""
        found: list[str] = []
        async for value in _values(request):
            if one := item(listed, value, organization.secret):
                found.append(one)
            if len(found) == _BATCH:
                yield found
                found = []
        if found:
            yield found


async def _values(request: web.Request) -> AsyncIterator[str]:
    if request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower() == _LINES:
        async for value in _lines(request):
            yield value
        return
    require_json(request)
    values: list[Any] = parse_json(await request.read()).get("values") or []
    fits = isinstance(values, list) and 0 < len(values) <= _MOST
    if not fits or not all(isinstance(one, str) and len(one) <= _LONGEST for one in values):
        raise invalid(
            [f"values: must be a list of 1 to {_MOST} texts of at most {_LONGEST} characters"]
        )
    for value in values:
        yield value


async def _lines(request: web.Request) -> AsyncIterator[str]:
    number = 0
    try:
        async for raw in request.content:
            number += 1
            text = raw.decode()
            if len(text) > _LONGEST:
                raise invalid([f"line {number}: is longer than {_LONGEST} characters"])
            yield text
    except UnicodeDecodeError:
        raise invalid([f"line {number}: is not UTF-8"]) from None
    except ValueError as error:  # a line beyond what the connection holds
        raise invalid([f"line {number + 1}: is longer than {_LONGEST} characters"]) from error


def _told(listed: SuppressionList) -> dict[str, object]:
    return {
        "id": listed.id,
        "name": listed.name,
        "key": listed.stem,
        "kind": listed.kind,
        "type": listed.type,
        "hashed": listed.hashed,
        "retention_seconds": listed.retention // 1000 or None,
    }
