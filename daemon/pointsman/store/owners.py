"""Who has a lead, after its first assignment: given, passed on, taken away, accepted, credited.

What a script refuses without having written anything comes back as the ``status`` for the caller
to decide about; it is no error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from orjson import dumps, loads

from pointsman.ids import assignment_id
from pointsman.settings import Settings
from pointsman.store.history import StoredAssignment, assignment_of
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.stored import Assignment, Choice

__all__ = ["Asked", "Outcome", "OwnerStore", "Ownership", "Pooled"]

_NO_REQUEST = "-"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a change, as histories tell it, and why: a note that only the lead's log keeps.

    ``operation`` makes a repeated call the same change; ``request`` is a digest of what it asks.
    """

    by: str
    operation: str
    origin: str = "api"
    note: str | None = None
    request: str = _NO_REQUEST

    def told(self) -> bytes:
        """Return what the lead's log tells."""
        told = {"by": self.by} if self.note is None else {"by": self.by, "note": self.note}
        return b"," + dumps(told)[1:-1]


class Outcome(NamedTuple):
    """What became of a change: ``done`` with what was ``told`` of it, or why not."""

    status: str
    generation: int
    told: Mapping[str, Any] = {}


class Ownership(NamedTuple):
    """Who has a lead, and what is to follow from its assignment.

    ``assignment`` is ``None`` if no pool's history has it. The lead is to be accepted until
    ``due`` (milliseconds); ``hops`` is how often it was passed on because nobody did.
    """

    owner: str | None = None
    assignment: Assignment | None = None
    due: int | None = None
    hops: int = 0
    accepted: int | None = None
    parked: bool = False

    def assignment_id(self, lead_id: str) -> str | None:
        """Return the id of the assignment, as the pool's history shows it."""
        found = self.assignment
        return found and assignment_id(found.pool_id, lead_id, found.turn)


class Pooled(NamedTuple):
    """A pool in which an assignment by hand is recorded; ``limits`` are those of now."""

    pool_id: str
    revision: str
    limits: str = ""


class OwnerStore:
    """The owners of leads of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        ttl = int(settings.lead_retention.total_seconds() * 1000)
        log_ttl = int(settings.event_retention.total_seconds() * 1000)
        self._kept = f"{ttl} {log_ttl} {settings.history_limit}"

    async def read(self, organization_id: str, lead_id: str) -> tuple[Ownership | None, int]:
        """Return who has a lead (``None``: no such lead), and the current generation's number."""
        keys = Keys(organization_id)
        generation, there, *told = await self._store.call(
            "read_owner", [keys.lead(lead_id), keys.generation]
        )
        return _ownership(*(text.decode() for text in told)) if there else None, generation

    async def hand(
        self,
        organization_id: str,
        lead_id: str,
        member_id: str,
        asked: Asked,
        *,
        at: int,
        how: str,
        pool: Pooled | None = None,
        credit: bool = False,
    ) -> Outcome:
        """Give a lead to a member by hand; ``how`` is ``assign`` or ``reassign``."""
        names = self._names(organization_id, lead_id, asked)
        args = [*self._first(asked, at), how, member_id, int(credit), *_who(asked)]
        if pool is not None:
            names += _pool_keys(organization_id, pool.pool_id)
            args.append(f"{pool.revision}\n{pool.limits}")
        return await self._change("hand_lead", names, args)

    async def pass_on(
        self,
        organization_id: str,
        lead_id: str,
        choice: Choice,
        asked: Asked,
        *,
        at: int,
        source: str = "manual",
        due: int | None = None,
        credit: bool = False,
    ) -> Outcome:
        """Give a lead to the next of a pool; with ``due`` because nobody accepted it till then."""
        why = "reassigned" if due is None else "not_accepted"
        names = self._names(organization_id, lead_id, asked)
        names += _pool_keys(organization_id, choice.pool_id)
        args = [*self._first(asked, at), why, due or "", int(credit), *_who(asked), source]
        return await self._change("pass_lead", names, [*args, choice.text()])

    async def release(
        self,
        organization_id: str,
        lead_id: str,
        asked: Asked,
        *,
        at: int,
        how: str = "unassigned",
        due: int | None = None,
        credit: bool = False,
    ) -> Outcome:
        """Take a lead from who has it; with ``due``, do so or ``keep`` it: nobody accepted it."""
        names = self._names(organization_id, lead_id, asked)
        args = [*self._first(asked, at), how, due or "", int(credit), *_who(asked)]
        return await self._change("release_lead", names, args)

    async def accept(
        self, organization_id: str, lead_id: str, member_id: str, asked: Asked, *, at: int
    ) -> Outcome:
        """Note that the owner of a lead accepts it; a second time changes nothing."""
        names = self._names(organization_id, lead_id, asked)[:-1]
        args = [*self._first(asked, at), member_id, *_who(asked)]
        return await self._change("accept_lead", names, args)

    async def credit(
        self, organization_id: str, pool_id: str, turn: StoredAssignment, asked: Asked, *, at: int
    ) -> Outcome:
        """Give the turn of an assignment back; a second time changes nothing."""
        names = self._names(organization_id, turn.lead_id, asked)[:-1]
        about = f"{pool_id} {turn.turn} {turn.member_id}"
        args = [*self._first(asked, at), about, *_who(asked)]
        return await self._change("credit_turn", names, args)

    async def assignment(
        self, organization_id: str, pool_id: str, turn: int, identifier: str
    ) -> StoredAssignment | None:
        """Return the assignment with this id, of the turn that it names."""
        rows = await self._store.call(
            "read_assignment", [Keys(organization_id).history(pool_id)], [turn]
        )
        found = (assignment_of(pool_id, row) for row in rows)
        return next((one for one in found if one.id == identifier), None)

    async def _change(self, script: str, names: list[str], args: list[Argument]) -> Outcome:
        status, generation, *answer = await self._store.call(script, names, args)
        return Outcome(status.decode(), generation, loads(answer[0]) if answer else {})

    def _first(self, asked: Asked, at: int) -> list[Argument]:
        return [at, f"{asked.origin} 0 {self._kept} {asked.request}"]

    def _names(self, organization_id: str, lead_id: str, asked: Asked) -> list[str]:
        keys = Keys(organization_id)
        return [
            keys.lead(lead_id),
            keys.log(lead_id),
            keys.events,
            keys.generation,
            keys.once(asked.operation),
        ]


def _who(asked: Asked) -> list[Argument]:
    return [dumps(asked.by), asked.told()]


def _pool_keys(organization_id: str, pool_id: str) -> list[str]:
    keys = Keys(organization_id)
    names = (keys.pool, keys.cycle, keys.history, keys.stats, keys.caps, keys.held)
    return [name(pool_id) for name in names]


def _ownership(owner: str, assignment: str, accept: str, accepted: str, parked: str) -> Ownership:
    told = loads(assignment) if assignment else {}
    if not owner or told.get("member") != owner:
        return Ownership(
            owner=owner or None,
            accepted=int(accepted) if accepted else None,
            parked=bool(parked),
        )
    due, hops, _ = accept.split(" ") if accept else (0, 0, "")
    return Ownership(
        owner=owner,
        assignment=Assignment(
            told["pool"], told["participant"], told["member"], told["order"], told["turn"]
        ),
        due=int(due) or None,
        hops=int(hops),
        accepted=int(accepted) if accepted else None,
        parked=bool(parked),
    )
