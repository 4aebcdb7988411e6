"""Who has a lead, as its own page tells it: by which assignment, until when, or why nobody."""

from __future__ import annotations

from typing import Any

from pointsman.flows.assignable import assignable
from pointsman.http.services import Services
from pointsman.model import Organization
from pointsman.store.owners import Ownership
from pointsman.store.stored import StoredRecord, rfc3339

__all__ = ["OwnerViews"]


class OwnerViews:
    """Tells who has leads."""

    def __init__(self, services: Services) -> None:
        self._owners = services.owners.store
        self._pools = services.pools

    async def of(self, organization: Organization, lead: StoredRecord) -> dict[str, Any]:
        """Return what a lead's page tells of its owner, and whether it can be assigned."""
        owner, _ = await self._owners.read(organization.id, lead.id)
        owner = owner or Ownership()
        found = await assignable(
            organization, lead, owner, lambda pool: self._pools.state(organization.id, pool)
        )
        return {
            "assignment": _assignment(lead.id, owner),
            "acceptBy": _time(owner.due),
            "acceptedAt": _time(owner.accepted),
            "assignable": {
                "possible": found.possible,
                "reason": found.reason,
                "explanation": found.explanation,
            },
        }


def _assignment(lead_id: str, owner: Ownership) -> dict[str, Any] | None:
    found = owner.assignment
    if found is None:
        return None
    return {
        "id": owner.assignment_id(lead_id),
        "roundRobinId": found.pool_id,
        "assignedUserId": found.member_id,
        "turnOrder": found.order,
    }


def _time(at: int | None) -> str | None:
    return rfc3339(at) if at else None
