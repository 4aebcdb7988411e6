"""One attempt at a step of a run: its options filled in, what it may use, and how it came out.

What is the same for all steps of an organization is made once, until another generation is served.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pointsman.delivery import Delivery, Outgoing
from pointsman.dispatch import Failed, Outcome, Redactor, Retries, dispatch, is_secret_name
from pointsman.errors import ActionError
from pointsman.model import Organization
from pointsman.plugin import ActionContext
from pointsman.store.legs import Leg
from pointsman.store.notifications import NotificationStore
from pointsman.store.run_state import Run, StepRecord
from pointsman.store.stored import rfc3339
from pointsman.workflows.assigning import Assigner
from pointsman.workflows.compile import Step
from pointsman.workflows.inbox import RunInbox
from pointsman.workflows.run_record import RunRecord

__all__ = ["Attempts"]

INTERRUPTIONS = 5
"""Claims without a result after which a step is taken to be what ends its daemons."""


class _Shared(NamedTuple):
    """What all steps of an organization share."""

    organization: Organization
    redactor: Redactor
    http: Outgoing
    named: Mapping[str, Any]


class Attempts:
    """Makes attempts at steps, for every organization."""

    def __init__(
        self,
        *,
        assigner: Assigner,
        notifications: NotificationStore,
        delivery: Delivery,
        retries: Retries,
    ) -> None:
        self._assigner = assigner
        self._notifications = notifications
        self._delivery = delivery
        self._retries = retries
        self._shared: dict[str, _Shared] = {}

    def redactor(self, organization: Organization) -> Redactor:
        """Return what takes an organization's secrets out of what is stored."""
        shared = self._shared.get(organization.id)
        if shared is not None and shared.organization is organization:
            return shared.redactor
        named = (value for name, value in organization.environment.items() if is_secret_name(name))
        return Redactor((*organization.secrets(), *named))

    async def make(
        self, organization: Organization, leg: Leg, step: Step, record: StepRecord
    ) -> Outcome:
        """Do one attempt at a step; put its input into ``record``."""
        run = leg.run
        if run.interrupted >= INTERRUPTIONS:
            return Failed(f"{run.interrupted} daemons ended while doing this step; it is given up")
        shared, outputs = await self._of(organization), _outputs(run)
        try:
            config, record.missing = step.config.render(_scope(shared, run, outputs))
        except ActionError as error:
            return Failed(str(error))
        record.input = shared.redactor.options(step.type, config)
        context = self._context(shared, leg, step, outputs)
        tried = run.attempt - max(run.earlier, record.slept or 0)
        return await dispatch(step.type, config, context, self._retries, tried)

    async def _of(self, organization: Organization) -> _Shared:
        shared = self._shared.get(organization.id)
        if shared is None or shared.organization is not organization:
            http = await self._delivery.outgoing(organization.allow_networks, organization.id)
            shared = _Shared(organization, self.redactor(organization), http, _named(organization))
            self._shared[organization.id] = shared
        return shared

    def _context(self, shared: _Shared, leg: Leg, step: Step, outputs: list[Any]) -> ActionContext:
        """Return what an action gets beside its options."""
        run, organization = leg.run, shared.organization
        record = RunRecord(leg, self._assigner, organization, step.id)
        return ActionContext(
            event=run.type,
            trigger=run.trigger,
            delivery_id=f"{run.id}:{run.step + 1}",
            attempt=run.attempt - run.earlier,
            now=datetime.fromtimestamp(run.began / 1000, UTC),
            record=record,
            inbox=RunInbox(leg, self._notifications, organization, record),
            http=shared.http,
            credentials=organization.credentials,
            mail=organization.mail,
            twilio=organization.twilio,
            steps=outputs,
            time_zone=organization.time_zone,
            module=run.module,
            member=organization.member,
        )


def _scope(shared: _Shared, run: Run, outputs: list[Any]) -> dict[str, Any]:
    """Return what placeholders can name."""
    return {
        **shared.named,
        "trigger": run.trigger,
        "steps": outputs,
        "owner": _owner(shared.organization, run),
        "workflow": {"id": run.workflow_id, "name": run.name},
        "now": rfc3339(run.began),
    }


def _named(organization: Organization) -> dict[str, Any]:
    """Return what placeholders can name in every run of an organization."""
    return {
        "organization": {
            "id": organization.id,
            "name": organization.name,
            "time_zone": organization.time_zone,
        },
        "env": organization.environment,
    }


def _owner(organization: Organization, run: Run) -> dict[str, Any]:
    """Return who owned the record when the run began, as organization.yaml has them now."""
    member = organization.members.get(run.trigger.get("owner_id") or "")
    if member is None:
        return {}
    return {name: getattr(member, name) for name in ("id", "handle", "name", "email", "phone")}


def _outputs(run: Run) -> list[Any]:
    """Return what the steps before the current one gave."""
    return [record.output for record in run.steps[: run.step]]
