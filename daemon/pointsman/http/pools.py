"""A pool in the words of the round robin API.

Three views of one thing, as the reference has them: in a list, as the answer to its making, and
with everything. ``createdBy`` is the API key that made it, empty where a file did.
"""

from __future__ import annotations

from typing import Any

from pointsman.http.names import camel
from pointsman.model import Connection, Organization, Participant, Pool
from pointsman.store.pools import PoolState
from pointsman.store.seen import Seen, Times
from pointsman.store.stored import rfc3339

__all__ = ["connection_details", "pool_details", "pool_head", "pool_row"]

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


def pool_row(
    organization: Organization, pool: Pool, state: PoolState, times: Times
) -> dict[str, Any]:
    """Return a pool as a list has it."""
    taking = [each for each in pool.participants if each.active and each.member.active]
    return {
        **pool_head(organization, pool, state, times),
        "createdByName": times.by.partition(" ")[2] if times.by else None,
        "followerName": pool.follower.name if pool.follower else None,
        "participantCount": len(taking),
        "assignmentCount": state.total,
        "lastAssignmentAt": _time(state.last),
    }


def pool_head(
    organization: Organization, pool: Pool, state: PoolState, times: Times
) -> dict[str, Any]:
    """Return what a pool is, without its people and connections."""
    return {
        "id": pool.id,
        "organizationId": organization.id,
        "name": pool.name,
        **_settings(pool),
        "nextParticipantOrder": state.next.order if state.next else None,
        "createdBy": times.by.partition(" ")[0] if times.by else None,
        **_times(times),
    }


def pool_details(
    organization: Organization, pool: Pool, state: PoolState, seen: Seen
) -> dict[str, Any]:
    """Return everything about a pool."""
    return {
        **pool_head(organization, pool, state, seen.times),
        "participants": [
            _participant(organization, pool, participant, seen.part(participant.id))
            for participant in pool.participants
        ],
        "connections": [
            connection_details(organization, pool, connection, seen.part(connection.id))
            for connection in pool.connections
        ],
        "settings": {"id": pool.id, "name": pool.name, **_settings(pool)},
        "stats": _stats(state),
    }


def connection_details(
    organization: Organization, pool: Pool, connection: Connection, times: Times
) -> dict[str, Any]:
    """Return a connection."""
    return {
        "id": connection.id,
        "roundRobinId": pool.id,
        "organizationId": organization.id,
        "source": connection.source,
        **{camel(name): getattr(connection, name) for name in _CONNECTION_KEYS},
        "isActive": connection.active,
        **_times(times),
    }


def _participant(
    organization: Organization, pool: Pool, participant: Participant, times: Times
) -> dict[str, Any]:
    member = participant.member
    return {
        "id": participant.id,
        "roundRobinId": pool.id,
        "organizationId": organization.id,
        "userId": member.id,
        "order": participant.order,
        "isActive": participant.active and member.active,
        **_times(times),
        "user": {"id": member.id, "name": member.name, "email": member.email, "image": None},
    }


def _settings(pool: Pool) -> dict[str, Any]:
    return {
        "isActive": pool.active,
        "assignInboundLeads": pool.assign_inbound_leads,
        "assignManualLeads": pool.assign_manual_leads,
        "emailNotificationsEnabled": pool.email_notifications,
        "followerUserId": pool.follower.id if pool.follower else None,
        "goalTotalDeals": pool.goal_total_deals,
        "goalWonDeals": pool.goal_won_deals,
    }


def _stats(state: PoolState) -> dict[str, Any]:
    people = [
        {
            "assignedUserId": member,
            "assignmentCount": count,
            "creditedCount": state.credited.get(member, 0),
            "lastAssignedAt": _time(last),
        }
        for member, (count, last) in state.members.items()
    ]
    return {
        "totalAssignments": state.total,
        "lastAssignmentAt": _time(state.last),
        "participantAssignments": people,
        "parkedCount": state.parked,
        "oldestParkedAt": _time(state.oldest),
        "goals": {"totalDeals": state.deals, "wonDeals": state.won_deals},
        "afterwards": {camel(name): count for name, count in state.afterwards.items()},
    }


def _times(times: Times) -> dict[str, str | None]:
    return {"createdAt": _time(times.created), "updatedAt": _time(times.updated)}


def _time(at: int | None) -> str | None:
    return rfc3339(at) if at else None
