"""``/api/v1/leads/{id}/…``: who has a lead, after its first assignment; and turns given back.

A lead that cannot be changed like that is left as it is, and the answer says why: 404 where it is
not there, 409 where somebody else has it, or nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aiohttp import web

from pointsman import observe
from pointsman.errors import Refused, reused_key
from pointsman.http.answers import answer
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json, text_header
from pointsman.http.intake import IDEMPOTENCY_KEY, LONGEST_KEY
from pointsman.http.leads import no_lead
from pointsman.http.owner_bodies import checked
from pointsman.http.services import Services
from pointsman.ids import assignment_id, assignment_turn, lead_uuid, parse_lead_id
from pointsman.model import Member, Organization
from pointsman.store.owners import Asked, Outcome
from pointsman.store.stored import Idempotency, rfc3339

__all__ = ["OwnershipHandlers"]

_LEAD = "/api/v1/leads/{id}"
_CREDIT = "/api/v1/round-robin/{id}/assignments/{assignment}/credit"
_WHY_NOT = {
    "owned": "somebody has this lead already; reassign it",
    "unowned": "nobody has this lead; assign it",
    "same": "this member has the lead already",
    "stranger": "somebody else has this lead; only its owner can accept it",
    "outside": "this member is not in that pool, or has no turns there",
    "none": "nobody else of the pool may be served now (no_eligible_participant); the lead stays "
    "where it is",
    "no_pool": "the pool is not there any more, or not active",
    "forgotten": "the pool's history does not go back to this assignment any more",
}


@dataclass(frozen=True, slots=True)
class _Request:
    """One change that is asked for."""

    organization: Organization
    lead_id: str
    body: Mapping[str, Any]
    asked: Asked

    @property
    def credit(self) -> bool:
        return bool(self.body.get("credit", False))

    def member(self) -> Member:
        """Return the member whom the body names."""
        found = self.organization.members.get(self.body["assignedToId"])
        if found is None:
            raise Refused("assignedToId: no member of this organization has this id")
        return found

    def pool(self) -> str | None:
        """Return the id of the pool that the body names, if any."""
        named: str | None = self.body.get("roundRobinId")
        if named is not None and named not in self.organization.pools:
            raise Refused("roundRobinId: no pool of this organization has this id")
        return named


class OwnershipHandlers:
    """Handlers that change who has a lead."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._owners = services.owners
        self._memory = services.memory
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.post(f"{_LEAD}/assignee", self.assign),
            web.post(f"{_LEAD}/reassign", self.reassign),
            web.post(f"{_LEAD}/unassign", self.unassign),
            web.post(f"{_LEAD}/accept", self.accept),
            web.post(_CREDIT, self.credit),
        )

    async def assign(self, request: web.Request) -> web.Response:
        """Give a lead that nobody has to a member."""
        asked = await self._asked(request, "LeadAssignee")
        return await self._hand(asked, "assign", "assigned")

    async def reassign(self, request: web.Request) -> web.Response:
        """Give a lead that somebody has to another member, or to the next of a rotation."""
        asked = await self._asked(request, "LeadReassign")
        if "next" not in asked.body:
            return await self._hand(asked, "reassign", "reassigned")
        outcome = await self._owners.pass_on(
            asked.organization,
            asked.lead_id,
            asked.asked,
            pool_id=asked.pool() or await self._own_pool(asked),
            credit=asked.credit,
        )
        told = _done(asked, outcome, "passed_on")
        return answer(_owner_content(asked.lead_id, told, turn=True))

    async def unassign(self, request: web.Request) -> web.Response:
        """Take a lead from whoever has it."""
        asked = await self._asked(request, "LeadUnassign")
        outcome = await self._owners.release(
            asked.organization, asked.lead_id, asked.asked, credit=asked.credit
        )
        told = _done(asked, outcome, "unassigned")
        return answer(_owner_content(asked.lead_id, told, turn=False))

    async def accept(self, request: web.Request) -> web.Response:
        """Note that the owner accepts the lead."""
        asked = await self._asked(request, "LeadAccept")
        member = asked.member()
        outcome = await self._owners.accept(
            asked.organization, asked.lead_id, member.id, asked.asked
        )
        told = _done(asked, outcome, "accepted")
        return answer(
            {
                "leadId": lead_uuid(asked.lead_id),
                "assignedToId": member.id,
                "acceptedAt": rfc3339(told["at"]),
            }
        )

    async def credit(self, request: web.Request) -> web.Response:
        """Give the turn of an assignment back, once."""
        organization, key = self._gatekeeper.caller(request, "round-robin:write")
        require_json(request)
        body = checked("TurnCredit", parse_json(await request.read()))
        pool = organization.pools.get(request.match_info["id"].lower())
        identifier = request.match_info["assignment"].lower()
        turn = assignment_turn(identifier)
        if pool is None:
            raise _not_found("no such pool")
        found = turn and await self._owners.store.assignment(
            organization.id, pool.id, turn, identifier
        )
        if not found:
            raise _not_found("no such assignment in the pool's history")
        asked = _Request(
            organization, found.lead_id, body, Asked(key.name, uuid4().hex, note=body.get("note"))
        )
        outcome = await self._owners.credit(organization, pool.id, found, asked.asked)
        told = _done(asked, outcome, "credited")
        return answer(
            {
                "id": identifier,
                "roundRobinId": pool.id,
                "leadId": lead_uuid(found.lead_id),
                "assignedUserId": found.member_id,
                "turns": told["turn"],
                "caps": told["caps"],
                "creditedAt": rfc3339(told["at"]),
            }
        )

    async def _asked(self, request: web.Request, name: str) -> _Request:
        organization, key = self._gatekeeper.caller(request, "leads:write")
        require_json(request)
        named = text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY)
        raw = await request.read()
        body = checked(name, parse_json(raw))
        lead_id = parse_lead_id(request.match_info["id"])
        if lead_id is None:
            raise no_lead()
        self._memory.check()
        scope = f"{name}\n{key.sha256}\n{lead_id}"
        kept = Idempotency.of(scope, named, raw) if named else Idempotency(uuid4().hex, "-")
        asked = Asked(key.name, kept.key, note=body.get("note"), request=kept.body)
        return _Request(organization, lead_id, body, asked)

    async def _hand(self, asked: _Request, how: str, change: str) -> web.Response:
        member = asked.member()
        if not member.active:
            raise _conflict(f"{member.name} is not active, and gets no leads")
        outcome = await self._owners.hand(
            asked.organization,
            asked.lead_id,
            member.id,
            asked.asked,
            how=how,
            pool_id=asked.pool(),
            credit=asked.credit,
        )
        told = _done(asked, outcome, change)
        return answer(_owner_content(asked.lead_id, told, turn=False))

    async def _own_pool(self, asked: _Request) -> str:
        """Return the id of the pool that a lead comes from."""
        owner, _ = await self._owners.store.read(asked.organization.id, asked.lead_id)
        if owner is None:
            raise no_lead()
        if owner.assignment is None:
            said = "the lead does not come from a pool; name one with roundRobinId"
            raise _conflict(said if owner.owner else _WHY_NOT["unowned"])
        return owner.assignment.pool_id


def _done(asked: _Request, outcome: Outcome, change: str) -> Mapping[str, Any]:
    """Return what was done, counted and logged; refuse what was not."""
    if outcome.status == "unknown":
        raise no_lead()
    if outcome.status != "done":
        raise _conflict(_WHY_NOT[outcome.status])
    told = outcome.told
    if told.get("request", asked.asked.request) != asked.asked.request:
        raise reused_key("change")
    if not told.get("again"):
        handle = asked.organization.handle
        observe.child(observe.OWNER_CHANGES, handle, change).inc()
        if told.get("credited"):
            observe.child(observe.OWNER_CHANGES, handle, "credited").inc()
        observe.log().info(
            observe.OWNER_CHANGED, lead_id=asked.lead_id, organization=handle, change=change
        )
    return told


def _owner_content(lead_id: str, told: Mapping[str, Any], *, turn: bool) -> dict[str, Any]:
    """Return who has a lead now, and what that did."""
    pool, number = told.get("pool"), told.get("turn")
    return {
        "leadId": lead_uuid(lead_id),
        "assignedToId": told.get("member"),
        "previousId": told["before"],
        "roundRobinId": pool,
        "assignmentId": assignment_id(pool, lead_id, number) if pool and number else None,
        "turnOrder": told.get("order"),
        "turnTaken": turn,
        "credited": told["credited"],
    }


def _conflict(message: str) -> Refused:
    return Refused(message, status=HTTPStatus.CONFLICT, code="CONFLICT")


def _not_found(message: str) -> Refused:
    return Refused(message, status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
