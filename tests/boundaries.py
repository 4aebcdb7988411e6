"""A workflow of all kinds of steps, for tests that kill its daemon between any two of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pointsman.model import Organization, Workflow
from pointsman.store import events, runs
from pointsman.workflows import docket, upkeep
from pooling import member
from working import add_tag, make_workflow, organization_with, webhook

__all__ = ["BOUNDARIES", "QUICK", "deployed", "impatient", "workflow"]

QUICK = "quick"
"""Instead of a URL: only such steps as are stored together, with the run itself."""

BOUNDARIES = ("create_runs", "claim_run", "settle_steps", "bundle_jobs", "own_turn", "notify")
"""Scripts that a run's fate hangs on; and there is the outbox."""

STEP = "7e0cf3c2-7f0a-4c1c-9a51-6e1b9d3f2c47"


def workflow(url: str) -> Workflow:
    """Return a workflow: a turn, quick changes, a request to ``url``, a task, a notification."""
    assign: dict[str, Any] = {"user_ids": ["ada", "bruno"]}
    quick = (
        add_tag("new"),
        {"action_type": "update_field", "config": {"field": "stage", "value": "open"}},
        {"action_type": "create_task", "config": {"title": "Prepare"}},
    )
    if url == QUICK:
        return make_workflow(*quick)
    return make_workflow(
        {"action_type": "assign_owner", "id": STEP, "config": assign},
        *quick,
        webhook(url),
        {"action_type": "create_task", "config": {"title": "Call"}},
        {"action_type": "send_notification", "config": {"to": "owner", "title": "Yours"}},
    )


def deployed(url: str) -> Organization:
    """Return the organization that has the workflow."""
    people = [member("ada"), member("bruno")]
    return organization_with(
        workflow(url),
        members={one.id: one for one in people},
        handles={one.handle: one.id for one in people},
    )


def impatient() -> None:
    """Give up the dead after a second instead of fifteen."""
    events.LEASE = runs.LEASE = 1000
    docket.REDELIVERY = timedelta(seconds=1)
    upkeep.EVERY = 0.2
