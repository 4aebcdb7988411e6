"""What goes to and comes from the scripts of records.

A record's earlier values are in its log, not in the event stream: a snapshot at some revision is
the record of now with the changes since undone, newest first.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from orjson import loads

from pointsman.ids import lead_uuid
from pointsman.model import Origin, Snapshot

__all__ = [
    "Assignment",
    "Choice",
    "Idempotency",
    "LogEntry",
    "NewLead",
    "StoredRecord",
    "Taken",
    "rfc3339",
    "stored",
    "taken",
]

_LONGEST_KEPT = 300
_NO_ORIGIN = b'{"source":""}'
_POOL = b'"pool":"'


def rfc3339(at: int) -> str:
    """Return milliseconds since 1970 as ``2026-06-22T18:04:15.000Z``."""
    return f"{_second(at // 1000)}.{at % 1000:03d}Z"


class NewLead(NamedTuple):
    """A lead to store; ``source`` is what history records, ``created_by`` whose change it is.

    ``found`` is what it can be found by, as ``store.finding.listing`` tells. ``story`` is the JSON
    of the events of its way through a flow (story.lua), ``told`` that of what its sender is told,
    ``caps`` the flow's counters and ``capped`` what becomes of them, ``claims`` what it is the
    first of, ``unlisted`` what else no list may have (take_submission.lua). ``owner`` is who has
    it already, so that it takes no turn (take_owned.lua).
    """

    id: str
    at: int
    data: Mapping[str, Any]
    origin: Origin
    source: str
    created_by: str = "intake"
    depth: int = 0
    found: str = ""
    story: Sequence[str | bytes] = ()
    told: str | bytes = ""
    caps: str = ""
    capped: str = ""
    claims: str = ""
    unlisted: str = ""
    owner: str = ""


class Choice(NamedTuple):
    """The pool that a lead shall take a turn in, as it was decided.

    ``why`` is the inside of a JSON object for the history: ``"f"`` fallback type and ``"c"``
    connection, or ``"w"`` flow and ``"p"`` its step. ``limits`` is what ``Pool.limits`` tells of
    the moment of the decision; "" for a pool that has none. ``otherwise`` is the choice to make if
    nobody of the pool may be served. ``terms`` is for pools whose leads may wait or have owners
    (``flows.terms`` makes it), "" for others; ``accept`` for those whose leads are to be accepted.
    """

    pool_id: str
    revision: str
    why: str
    limits: str = ""
    otherwise: Choice | None = None
    terms: str = ""
    accept: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether the pool has nothing but people, so that the choice is one line."""
        return not (self.limits or self.terms or self.accept)

    def text(self) -> str:
        """Return the choice as the scripts read it (assignment.lua)."""
        told = f"{self.revision} {self.why}"
        if self.accept:
            return f"{told}\n{self.limits}\n{self.terms}\n{self.accept}"
        if self.terms:
            return f"{told}\n{self.limits}\n{self.terms}"
        return f"{told}\n{self.limits}" if self.limits else told


class Idempotency(NamedTuple):
    """What a sender's key stands for: a digest of the key in its scope, and of the body."""

    key: str
    body: str

    @classmethod
    def of(cls, scope: str, key: str, body: bytes) -> Idempotency:
        """Return the digests of ``key`` as used in ``scope`` (an intake or an API key).

        The body's is keyed too: who finds it cannot try bodies without knowing the sender's key.
        """
        keyed = sha256(f"{scope}\n{key}\n".encode())
        name = keyed.hexdigest()
        keyed.update(body)
        return cls(name, keyed.hexdigest())


class Assignment(NamedTuple):
    """Who got a lead: ``order`` is the participant's place when the turn was taken."""

    pool_id: str
    participant_id: str
    member_id: str
    order: int
    turn: int


class Taken(NamedTuple):
    """The answer to ``take`` and ``assign``.

    ``status`` is ``taken`` (done, now or by an earlier try); ``replayed`` (the idempotency key's
    first answer), ``conflict`` (that key came with another body), ``unknown`` (no such lead), or
    ``stale``, ``gone``, ``lost``: the pool was changed, removed or lost its pointer; or ``none``:
    nobody of the pool may be served, and there is another to ask; or ``capped``: the flow's cap
    whose id is ``reason`` is full; or ``listed``: lists know the lead, as the digits of ``reason``
    tell; nothing was written then.
    ``generation`` is the current one in Redis, 0 if nothing was published. ``told`` is what a flow
    answered to the lead's sender.
    """

    status: str
    generation: int
    lead_id: str
    assignment: Assignment | None = None
    reason: str | None = None
    told: Mapping[str, Any] | None = None

    @property
    def replayed(self) -> bool:
        """Whether the answer is that of an earlier request with the same idempotency key."""
        return self.status == "replayed"


class LogEntry(NamedTuple):
    """One change of a record; ``previous`` has the changed fields' earlier values.

    ``by`` is who asked for it, ``note`` why, where that was told. ``conflict`` is the origin of the
    change that this one took back, where two workflows undo each other.
    """

    revision: int
    types: tuple[str, ...]
    at: int
    origin: str
    depth: int
    previous: Mapping[str, Any] | None
    by: str | None = None
    note: str | None = None
    conflict: str | None = None


class StoredRecord(NamedTuple):
    """A record as Redis has it, and as many of its changes as were asked for, oldest first.

    ``source`` and ``origin`` are a lead's; ``pool_id`` is the pool whose turn it was. A record that
    was deleted is kept for some days, for the events that are still to be handled.
    """

    id: str
    revision: int
    data: Mapping[str, Any]
    created: int
    updated: int
    owner: str | None
    source: str
    origin: Origin
    log: Sequence[LogEntry] = ()
    module: str = "leads"
    created_by: str = "intake"
    pool_id: str | None = None
    deleted: bool = False

    @classmethod
    def new(
        cls, identifier: str, module: str, data: Mapping[str, Any], now: int, created_by: str
    ) -> StoredRecord:
        """Return a record as it is when it was just made."""
        origin = Origin("")
        made = cls(identifier, 1, data, now, now, None, "", origin)
        return made._replace(module=module, created_by=created_by)

    def fields(self) -> dict[str, Any]:
        """Return the record as rules see it: its data, and what the daemon knows of it."""
        told = {**self.data, "id": lead_uuid(self.id), "owner_id": self.owner}
        if self.module == "leads":
            told["source"] = self.source
        told["created_by"] = self.created_by
        told["created_at"] = created = rfc3339(self.created)
        told["updated_at"] = created if self.updated == self.created else rfc3339(self.updated)
        return told

    def snapshot(self, revision: int) -> Snapshot:
        """Return the record as that revision left it, and as it was before.

        The log must go back to the revision; where it does not (it is kept for a shorter time than
        the record), what is not known any more is as it is now.
        """
        current, made = self.fields(), None
        for entry in reversed(self.log):
            if entry.revision <= revision:
                made = entry if entry.revision == revision else None
                break
            _undo(current, entry)
        if made is None or made.previous is None:
            return Snapshot(current, None, self.pool_id)
        current["updated_at"] = rfc3339(made.at)
        previous = dict(current)
        _undo(previous, made)
        return Snapshot(current, previous, self.pool_id)


def taken(lead_id: str, answer: Sequence[Any]) -> Taken:
    """Return what a script that takes or assigns a lead answered."""
    status = answer[0].decode()
    if status in {"capped", "listed"}:
        return Taken(status, answer[1], lead_id, reason=answer[2].decode())
    if len(answer) < 3:  # noqa: PLR2004 - refused: there is no answer text
        return Taken(status, answer[1], lead_id)
    told = loads(answer[2])
    assignment = None
    if "member" in told:
        assignment = Assignment(
            told["pool"], told["participant"], told["member"], told["order"], told["turn"]
        )
    reason, of_flow = told.get("reason"), told.get("told")
    return Taken(status, answer[1], told["lead"], assignment, reason, of_flow)


def stored(
    identifier: str, answer: Sequence[Any] | None, module: str = "leads"
) -> StoredRecord | None:
    """Return a record as ``read_records`` answered it."""
    if answer is None:
        return None
    data, revision, created, updated, owner, source, origin, *more, log = answer
    answered, assignment, by, deleted = more
    # By place: the reader makes one for every event, and names would take three times as long.
    return StoredRecord(
        identifier,
        int(revision),
        loads(data),
        int(created),
        int(updated),
        owner and owner.decode(),
        source.decode() if source else "",
        _origin(origin or _NO_ORIGIN),
        [_logged(entry) for entry in log],
        module,
        by.decode() if by else "intake",
        _pool(answered if assignment is None else assignment),
        deleted is not None,
    )


@lru_cache(maxsize=1024)
def _second(at: int) -> str:
    """Return seconds since 1970 without a zone; leads that come together share them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _pool(assignment: bytes | None) -> str | None:
    """Return the pool of an assignment; nobody reads it as JSON for nothing."""
    if not assignment or b'"member"' not in assignment:
        return None
    pool = assignment.partition(_POOL)[2].partition(b'"')[0]
    return pool.decode() or None


def _origin(told: bytes) -> Origin:
    # A campaign is called what its sender likes: nothing long is kept.
    return _kept_origin(told) if len(told) <= _LONGEST_KEPT else Origin(**loads(told))


@lru_cache(maxsize=16_384)
def _kept_origin(told: bytes) -> Origin:
    return Origin(**loads(told))


def _logged(entry: bytes) -> LogEntry:
    told = loads(entry)
    types = tuple(told.pop("types").split(","))
    return LogEntry(types=types, **told)


def _undo(record: MutableMapping[str, Any], entry: LogEntry) -> None:
    """Put the values before ``entry`` back; what was absent is absent again."""
    for name, value in (entry.previous or {}).items():
        if value is None and name != "owner_id":
            record.pop(name, None)
        else:
            record[name] = value
