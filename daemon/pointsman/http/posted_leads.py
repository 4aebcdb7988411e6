"""Leads posted with an API key: what is not a field of the lead, and its way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.fields.records import OWNER, read_record
from pointsman.flows.intake import Intake
from pointsman.http.query import SOURCES, invalid
from pointsman.model import Organization, Origin
from pointsman.store.leads import Idempotency, Taken
from pointsman.store.records import Author, RecordStore

__all__ = ["take_posted"]


async def take_posted(
    intake: Intake,
    records: RecordStore,
    organization: Organization,
    posted: Mapping[str, Any],
    *,
    idempotency: Idempotency | None = None,
    lead_id: str | None = None,
) -> tuple[Taken, str]:
    """Take a lead in; return what became of it, and the source that history records.

    ``lead_id`` makes a repeated call the same lead. One that comes with an owner gets no turn; if
    it comes by a flow, it is theirs once it has arrived.
    """
    body = dict(posted)
    owner = _owner(organization, body)
    workflow = _workflow(organization, body)
    source, assign = _switches(body, "system" if workflow else "manual")
    campaign = body.get("utm_campaign", body.get("utmCampaign"))
    origin = Origin(
        "workflow" if workflow else source,
        utm_campaign=campaign if isinstance(campaign, str) else None,
        workflow_id=workflow,
    )
    taken = await intake.take(
        organization,
        body,
        origin,
        source=source,
        created_by="api",
        assign=assign and not owner,
        idempotency=idempotency,
        operation_lead_id=lead_id,
        owner=owner,
    )
    if owner and taken.told is not None and taken.status != "conflict":
        author = Author(f"owner of {taken.lead_id}")
        own = {"owner_id": owner}
        await records.change(organization, "leads", taken.lead_id, lambda _: own, author)
    return taken, source


def _owner(organization: Organization, body: dict[str, Any]) -> str:
    """Take the owner, who is no field of a lead, out of ``body``; return the member's id or ""."""
    named = {name: body.pop(name) for name in OWNER if name in body}
    return read_record(organization, "leads", named, new=False).get("owner_id") or ""


def _workflow(organization: Organization, body: dict[str, Any]) -> str | None:
    """Take ``workflowId``, the workflow that made the lead, out of ``body``."""
    named = body.pop("workflowId", None)
    if named is None:
        return None
    if not isinstance(named, str) or named.lower() not in organization.workflows:
        raise invalid(["workflowId: no workflow of this organization has this id"])
    return named.lower()


def _switches(body: dict[str, Any], usual: str) -> tuple[str, bool]:
    """Take ``source`` and ``assign``, which are no fields of a lead, out of ``body``."""
    source, assign = body.pop("source", usual), body.pop("assign", True)
    problems: list[str] = []
    if not isinstance(source, str) or source not in SOURCES:
        problems.append(f"source: must be one of {', '.join(SOURCES)}")
    if not isinstance(assign, bool):
        problems.append("assign: must be true or false")
    if problems:
        raise invalid(problems)
    return source, assign
