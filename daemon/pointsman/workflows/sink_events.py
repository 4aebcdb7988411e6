"""Entries of the event stream as sinks are told of them: with the record, or with what came of it.

Of what is gone from Redis nothing is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pointsman.model import Change, Organization, Snapshot
from pointsman.modules import MODULES
from pointsman.plugin import Event
from pointsman.store.outcomes import OutcomeStore, record_of
from pointsman.store.records import RecordStore

__all__ = ["events_of"]


async def events_of(
    organization: Organization, changes: Sequence[Change], records: RecordStore
) -> list[Event]:
    """Return the events that entries tell of, in their order."""
    changed = [one for one in changes if one.module in MODULES]
    ended = [one for one in changes if one.module not in MODULES]
    snapshots = await records.snapshots(
        organization.id, [(one.module, one.record_id, one.revision) for one in changed]
    )
    told = await OutcomeStore(records.store).read(organization.id, ended)
    found = {
        **{
            change.id: _event(organization, change, change.record_id, snapshot)
            for change, snapshot in zip(changed, snapshots, strict=True)
            if snapshot is not None
        },
        **{
            change.id: _event(
                organization, change, record_of(change.record_id)[1], Snapshot(outcome)
            )
            for change, outcome in zip(ended, told, strict=True)
            if outcome is not None
        },
    }
    return [found[change.id] for change in changes if change.id in found]


def _event(organization: Organization, change: Change, record_id: str, snapshot: Snapshot) -> Event:
    return Event(
        id=change.id,
        types=change.types,
        organization=organization.handle,
        module=change.module,
        record_id=record_id,
        revision=change.revision,
        origin=change.origin.partition("/")[0],
        at=datetime.fromtimestamp(change.at / 1000, UTC),
        current=snapshot.current,
        previous=snapshot.previous,
    )
