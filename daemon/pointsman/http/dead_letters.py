"""``/api/v1/dead-letters``: steps of workflows and deliveries of flows that failed for good.

A dead letter is not the only place that tells of a failure: the run does too, and stays when the
letter is discarded; so do the events of a lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pointsman.errors import Refused
from pointsman.http.answers import answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.query import page
from pointsman.http.run_control import RunChanges
from pointsman.http.run_views import letter_details, letter_row, lost_row, run_details
from pointsman.http.services import Services
from pointsman.ids import milliseconds
from pointsman.model import Organization
from pointsman.store.dead_letters import DeadLetter, DeadLetters, LostDelivery
from pointsman.store.errands import ErrandStore

__all__ = ["DeadLetterHandlers"]

_LETTERS = "/api/v1/dead-letters"


class DeadLetterHandlers:
    """Handlers of ``/api/v1/dead-letters``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._runs = RunChanges(services)
        self._errands = ErrandStore(services.store, services.settings)
        self._letters = DeadLetters(services.store, self._runs.store, self._errands)
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get(_LETTERS, self.every),
            web.get(f"{_LETTERS}/{{id}}", self.one),
            web.post(f"{_LETTERS}/{{id}}/retry", self.retry),
            web.delete(f"{_LETTERS}/{{id}}", self.discard),
        )

    async def every(self, request: web.Request) -> web.Response:
        """List dead letters, newest first."""
        organization, _ = self._gatekeeper.caller(request, "deadletters:read")
        limit, offset = page(request)
        letters, total = await self._letters.list(organization.id, limit, offset)
        return listing(list(map(_row, letters)), total=total, limit=limit, offset=offset)

    async def one(self, request: web.Request) -> web.Response:
        """Answer a dead letter with what was to be done."""
        organization, _ = self._gatekeeper.caller(request, "deadletters:read")
        letter = await self._found(request, organization)
        if isinstance(letter, LostDelivery):
            return answer(lost_row(letter))
        return answer(letter_details(letter))

    async def retry(self, request: web.Request) -> web.Response:
        """Do what failed for good again: a step at once, a delivery in the background."""
        organization, _ = self._gatekeeper.caller(request, "deadletters:write")
        letter = await self._found(request, organization)
        if isinstance(letter, LostDelivery):
            told = {**letter.told, "attempts": 0}
            if not await self._errands.revive(letter.name, milliseconds(), told):
                raise _nothing_here()
            return answer({**lost_row(letter), "attempts": 0})
        run = await self._runs.retry(organization, letter.run, letter.number - 1)
        return answer(run_details(run))

    async def discard(self, request: web.Request) -> web.Response:
        """Forget a dead letter."""
        organization, _ = self._gatekeeper.caller(request, "deadletters:write")
        letter = await self._found(request, organization)
        if isinstance(letter, LostDelivery):
            await self._errands.discard(letter.name)
        else:
            await self._letters.discard(organization.id, letter.id)
        return answer({"deleted": True, "id": letter.id})

    async def _found(
        self, request: web.Request, organization: Organization
    ) -> DeadLetter | LostDelivery:
        name = request.match_info["id"].lower()
        letter = await self._letters.read(organization.id, name)
        if letter is None:
            raise _nothing_here()
        return letter


def _row(letter: DeadLetter | LostDelivery) -> dict[str, Any]:
    return lost_row(letter) if isinstance(letter, LostDelivery) else letter_row(letter)


def _nothing_here() -> Refused:
    return Refused("no such dead letter", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
