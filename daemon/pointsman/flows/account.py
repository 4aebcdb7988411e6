"""What became of a lead, as metrics count it and the log has it."""

from __future__ import annotations

from pointsman import observe
from pointsman.model import Organization
from pointsman.store.leads import Taken

__all__ = ["account_for", "account_for_turn"]


def account_for(organization: Organization, taken: Taken, source: str) -> None:
    """Count a lead that was taken, and log it."""
    outcome = _outcome(taken)
    observe.child(observe.LEADS, organization.handle, outcome).inc()
    if outcome == "assigned":
        observe.child(observe.ASSIGNMENTS, organization.handle, source).inc()
    observe.lead_line(taken.lead_id, organization.handle, taken.generation, outcome)


def account_for_turn(organization: Organization, taken: Taken, source: str) -> None:
    """Count and log that a lead which was here before got an owner."""
    observe.child(observe.ASSIGNMENTS, organization.handle, source).inc()
    observe.log().info(
        observe.LEAD_ASSIGNED,
        lead_id=taken.lead_id,
        organization=organization.handle,
        generation=taken.generation,
        source=source,
    )


def _outcome(taken: Taken) -> str:
    if taken.replayed:
        return "replayed"
    if taken.assignment is not None:
        return "assigned"
    if taken.told is not None and taken.told.get("outcome", "success") != "success":
        return "turned_away"
    return taken.reason or "not_asked"
