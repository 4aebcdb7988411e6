"""Records on their way to Redis: as they are there, as they shall be, and what that means.

Drafts that belong together are written by one script, all or none: an opportunity that names a lead
changes the lead too. What a draft was made from is checked by that script, so what is worked out
here from what was read is true when it is written, or it is worked out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from orjson import dumps

from pointsman.errors import Refused
from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.model import Organization
from pointsman.modules import MODULES, Module, camel
from pointsman.store.finding import listing
from pointsman.store.keys import Keys
from pointsman.store.record_changes import difference, due_at, event_types, settle
from pointsman.store.redis import Argument
from pointsman.store.stored import StoredRecord, rfc3339

__all__ = ["Draft", "Reference", "arguments", "finish", "link", "references", "revised"]

Reference = tuple[str, str]
"""Module and id of a record."""

_MOST_LINKS = 1_000


@dataclass(slots=True)
class Draft:
    """A record to write: ``stored`` is what it was made from, ``fields`` what it shall be.

    ``fields`` has the owner too, as ``owner_id``. ``types`` are its events where those are not what
    the difference tells; ``previous`` is filled in when the draft is finished.
    """

    module: Module
    id: str
    stored: StoredRecord | None
    fields: dict[str, Any]
    deletes: bool = False
    types: Sequence[str] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, record: StoredRecord) -> Draft:
        """Return a draft that changes nothing yet."""
        before = revised(record)
        module = MODULES[record.module]
        return cls(module, record.id, record, dict(before), before=before)

    @property
    def reference(self) -> Reference:
        """What names the record."""
        return self.module.name, self.id

    def record(self, now: int, created_by: str, revision: int) -> StoredRecord:
        """Return the record as it is once this is written."""
        data = {name: value for name, value in self.fields.items() if name != "owner_id"}
        owner = self.fields.get("owner_id")
        if self.stored is not None:
            # Who writes an owner ends what came of the lead's turn in a pool.
            pool = self.stored.pool_id if owner == self.stored.owner else None
            return self.stored._replace(
                data=data, owner=owner, revision=revision, updated=now, pool_id=pool
            )
        made = StoredRecord.new(self.id, self.module.name, data, now, created_by)
        return made._replace(owner=owner)


def revised(record: StoredRecord) -> dict[str, Any]:
    """Return what can be changed of a record: its data, and ``owner_id`` if it has one."""
    return {**record.data, **({"owner_id": record.owner} if record.owner else {})}


def references(drafts: Iterable[Draft]) -> set[Reference]:
    """Return the records that must be read before these drafts can be linked."""
    named: set[Reference] = set()
    for draft in drafts:
        named |= {reference for _, reference in _new_links(draft)}
        if draft.module.converts:
            named |= {
                ("leads", lead) for lead in (_lead(draft.before), _lead(draft.fields)) if lead
            }
    return named


def link(drafts: Sequence[Draft], known: Mapping[Reference, StoredRecord]) -> list[Draft]:
    """Return the drafts, and those of the leads that they are linked to.

    Raises ``Refused`` if a draft names a record that is not there.
    """
    every = {draft.reference: draft for draft in drafts}
    problems = [
        f"{camel(name)}: no such {MODULES[reference[0]].singular}"
        for draft in drafts
        for name, reference in _new_links(draft)
        if reference not in every and reference not in known
    ]
    if problems:
        raise Refused(
            "; ".join(problems),
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            code="VALIDATION_ERROR",
        )
    for draft in drafts:
        if draft.module.converts:
            _convert(draft, every, known)
    return list(every.values())


def finish(drafts: Iterable[Draft], now: int) -> list[Draft]:
    """Return the drafts that are something to write, with all that follows from them."""
    told = rfc3339(now)
    changed: list[Draft] = []
    for draft in drafts:
        if not draft.deletes:
            settle(draft.module, draft.before, draft.fields, told)
        draft.fields = {name: v for name, v in draft.fields.items() if v is not None}
        draft.previous = difference(draft.before, draft.fields)
        if draft.deletes:
            draft.types, draft.previous = (draft.module.event("deleted"),), {}
        elif not draft.types and (draft.stored is None or draft.previous is not None):
            before = None if draft.stored is None else draft.before
            draft.types = event_types(draft.module, before, draft.fields)
        if draft.types:
            changed.append(draft)
    return changed


def arguments(
    organization: Organization, drafts: Sequence[Draft], created_by: str
) -> tuple[list[str], list[Argument]]:
    """Return the keys and arguments of drafts, as ``records.lua`` has them."""
    keys, names, args = Keys(organization.id), list[str](), list[Argument]()
    for draft in drafts:
        key = keys.record(*draft.reference)
        names += (key, f"{key}:log")
        args += _arguments(organization, draft, created_by)
    return names, args


def _arguments(organization: Organization, draft: Draft, created_by: str) -> Iterator[Argument]:
    module, stored = draft.module, draft.stored
    how = "delete" if draft.deletes else "change" if stored else "create"
    due, was = due_at(module, draft.fields), due_at(module, draft.before)
    timer = f"{module.timer} {due}" if due is not None and due != was and how != "delete" else "- 0"
    revision = stored.revision if stored else 0
    yield f"{how} {module.name} {revision} {','.join(draft.types)} {timer}"
    owner = draft.fields.get("owner_id") or ""
    yield dumps({name: v for name, v in draft.fields.items() if name != "owner_id"})
    yield dumps(draft.previous) if stored else b"null"
    yield owner
    yield 1 if owner != (draft.before.get("owner_id") or "") else 0
    yield listing(organization, module.name, draft.fields, draft.before if stored else None)
    yield created_by
    yield _deals(draft) if module.converts == "opportunity_ids" else ""


def _deals(draft: Draft) -> str:
    """Return the pools that a deal counts for, with how many deals and won ones more they have."""
    total: Counter[str] = Counter()
    won: Counter[str] = Counter()
    for fields, sign in ((draft.before, -1), ({} if draft.deletes else draft.fields, 1)):
        if pool := fields.get("pool_id"):
            total[pool] += sign
            won[pool] += sign * (draft.module.outcome(fields) == "won")
    return " ".join(f"{one} {total[one]} {won[one]}" for one in total if total[one] or won[one])


def _new_links(draft: Draft) -> Iterator[tuple[str, Reference]]:
    """Yield the links that a draft has and the record did not, each with its field."""
    if draft.deletes:
        return
    for name, module in draft.module.links.items():
        target = module or str(draft.fields.get("module"))
        named = draft.fields.get(name)
        if not named:
            continue
        was = draft.before.get(name) or ()
        for text in [named] if isinstance(named, str) else named:
            if text != was and text not in was and target in MODULES:
                yield name, (target, parse_lead_id(text) or "")


def _lead(fields: Mapping[str, Any]) -> str | None:
    return parse_lead_id(fields.get("lead_id") or "")


def _convert(
    draft: Draft, every: dict[Reference, Draft], known: Mapping[Reference, StoredRecord]
) -> None:
    """Put a draft into its lead's fields, or take it out; note the pool that a deal counts for."""
    was, named = _lead(draft.before), None if draft.deletes else _lead(draft.fields)
    if draft.module.converts == "opportunity_ids" and not draft.deletes:
        if was != named:
            draft.fields.pop("pool_id", None)
        lead = known.get(("leads", named)) if named else None
        if lead and lead.pool_id and "pool_id" not in draft.fields:
            draft.fields["pool_id"] = lead.pool_id
    if was == named:
        return
    for lead_id, joins in ((was, False), (named, True)):
        reference = ("leads", lead_id or "")
        if reference not in every and reference in known:
            every[reference] = Draft.of(known[reference])
        if reference in every:
            _join(every[reference], draft, joins=joins)


def _join(lead: Draft, draft: Draft, *, joins: bool) -> None:
    name, identifier = str(draft.module.converts), lead_uuid(draft.id)
    if name not in MODULES["leads"].lists:
        if joins:
            lead.fields.setdefault(name, identifier)
        elif lead.fields.get(name) == identifier:
            del lead.fields[name]
        return
    others = [one for one in lead.fields.get(name) or () if one != identifier]
    if joins and len(others) < _MOST_LINKS:
        others.append(identifier)
    lead.fields[name] = others or None
