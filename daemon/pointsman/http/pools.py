"""A pool in the words of the round robin API.

The reference's optional parts that this version does not have (followers, goals, emails) are there
with the value that says so; clients of the reference read them.
"""

from __future__ import annotations

from typing import Any

from pointsman.http.names import camel
from pointsman.model import Connection, Organization, Participant, Pool
from pointsman.store.pools import PoolState
from pointsman.store.stored import rfc3339

__all__ = ["pool_details"]

_ABSENT = {
    "emailNotificationsEnabled": False,
    "followerUserId": None,
    "goalTotalDeals": None,
    "goalWonDeals": None,
}
_CONNECTION_KEYS = (
    "meta_page_id",
    "meta_form_id",
    "meta_ad_id",
    "meta_campaign_id",
    "provider",
    "source_key",
    "utm_campaign",
    "workflow_id",
)


def pool_details(organization: Organization, pool: Pool, state: PoolState) -> dict[str, Any]:
    """Return everything about a pool."""
    times = {"createdAt": _time(state.created), "updatedAt": _time(state.updated)}
    place = {"roundRobinId": pool.id, "organizationId": organization.id}
    switches = {
        "isActive": pool.active,
        "assignInboundLeads": pool.assign_inbound_leads,
        "assignManualLeads": pool.assign_manual_leads,
        **_ABSENT,
    }
    return {
        "id": pool.id,
        "organizationId": organization.id,
        "name": pool.name,
        **switches,
        "nextParticipantOrder": state.next.order if state.next else None,
        "createdBy": None,
        **times,
        "participants": [
            {**_participant(participant), **place, **times} for participant in pool.participants
        ],
        "connections": [
            {**_connection(connection), **place, **times} for connection in pool.connections
        ],
        "settings": {"id": pool.id, "name": pool.name, **switches},
        "stats": _stats(state),
    }


def _participant(participant: Participant) -> dict[str, Any]:
    member = participant.member
    return {
        "id": participant.id,
        "userId": member.id,
        "order": participant.order,
        "isActive": participant.active and member.active,
        "user": {"id": member.id, "name": member.name, "email": member.email, "image": None},
    }


def _connection(connection: Connection) -> dict[str, Any]:
    keys = {camel(name): getattr(connection, name) for name in _CONNECTION_KEYS}
    return {
        "id": connection.id,
        "source": connection.source,
        **keys,
        "isActive": connection.active,
    }


def _stats(state: PoolState) -> dict[str, Any]:
    people = [
        {"assignedUserId": member, "assignmentCount": count, "lastAssignedAt": _time(last)}
        for member, (count, last) in state.members.items()
    ]
    return {
        "totalAssignments": state.total,
        "lastAssignmentAt": _time(state.last),
        "participantAssignments": people,
    }


def _time(at: int | None) -> str | None:
    return rfc3339(at) if at else None
