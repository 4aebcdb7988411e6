"""The inboxes of people, as the step of a run fills them.

Who is meant is settled when the step runs: the owner is whoever has the record then, a role is
whoever has it in ``organization.yaml`` as it is served then.
"""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.errors import ActionError
from pointsman.ids import milliseconds, parse_lead_id
from pointsman.model import Organization
from pointsman.modules import MODULES
from pointsman.store.legs import Leg
from pointsman.store.notifications import Note, NotificationStore
from pointsman.workflows.run_record import RunRecord

__all__ = ["RunInbox"]

_OWNER = "owner"
_ROLE = "role:"
_MOST = 500
"""Members that one notification can reach."""


class RunInbox:
    """Implements :class:`pointsman.plugin.Inbox` for the current step of a run."""

    def __init__(
        self,
        leg: Leg,
        notifications: NotificationStore,
        organization: Organization,
        record: RunRecord,
    ) -> None:
        self._leg = leg
        self._notifications = notifications
        self._organization = organization
        self._run = leg.run
        self._record = record

    async def send(self, to: Sequence[str], title: str, body: str) -> Sequence[str]:
        """Put a notification about the run's record into inboxes; return whose they are, by id."""
        self._leg.clear()
        run, members = self._run, await self._members(to)
        if not members:
            return ()
        now = milliseconds()
        identifier = parse_lead_id(self._record.fresh_id()) or ""
        says = {
            "title": title,
            "body": body,
            "module": run.module,
            "record_id": run.subject,
            "workflow_id": run.workflow_id,
            "run_id": run.id,
            "at": now,
        }
        note = Note(identifier, says)
        told = await self._notifications.send(
            self._organization.id, run.record_id, note, members, now
        )
        if not told:
            raise ActionError(f"{MODULES[run.module].singular} {run.subject} is no longer there")
        return members

    async def _members(self, to: Sequence[str]) -> list[str]:
        """Return the ids of those who are meant, each once."""
        found: dict[str, None] = {}
        for name in to:
            found.update(dict.fromkeys(await self._called(name)))
        if len(found) > _MOST:
            raise ActionError(f"{len(found)} people are too many to tell; {_MOST} at most")
        return list(found)

    async def _called(self, name: str) -> Sequence[str]:
        organization = self._organization
        if name == _OWNER:
            record = await self._leg.records.read(
                organization.id, self._run.module, self._run.subject
            )
            owner = record.owner if record else None
            return [owner] if owner and owner in organization.members else []
        if name.startswith(_ROLE):
            role = name.removeprefix(_ROLE)
            return [one.id for one in organization.members.values() if role in one.roles]
        member = organization.member(name)
        if member is None:
            raise ActionError(f"no member '{name}'; name one by handle or id, 'owner' or 'role:…'")
        return [member.id]
