"""What the API's changes of pools do to the files of pools.

Ids of members come in, handles go out where the file uses handles; what is not changed keeps its
spelling and its comments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from pointsman.config.edit import Append, Arrange, Edit, Kept, New, Remove, Set
from pointsman.config.editing import Edited, Editor, Subject, conflict, free_path, rewritten
from pointsman.config.marks import parse
from pointsman.config.references import is_generic
from pointsman.config.writing import Manner
from pointsman.errors import Refused
from pointsman.model import Connection, Member, Organization, Pool
from pointsman.pools.compile import connection_id, connection_keys

__all__ = ["EDITORS"]

_FOLDER = "pools"
_DEFAULTS = {
    "is_active": True,
    "assign_inbound_leads": True,
    "assign_manual_leads": False,
    "email_notifications_enabled": False,
}
_ORDER = ("name", *_DEFAULTS, "follower", "goal_total_deals", "goal_won_deals")

Document = Mapping[str, Any]


def create(subject: Subject, content: Document) -> Edited:
    """Make a pool's file; ``content`` is its document, with members by id, and ``made_by``."""
    organization = subject.organization
    members = _members(organization, content["participants"])
    connections = content.get("connections", ())
    _check_connections(organization, connections, None)
    identifier = str(uuid4())
    document: dict[str, Any] = {"id": identifier}
    for name in _ORDER:
        value = content.get(name)
        if value is not None and value != _DEFAULTS.get(name):
            document[name] = _handle(organization, value) if name == "follower" else value
    people = [member.handle for member in members]
    text = _text(document, people, [_written(each) for each in connections])
    path = free_path(_FOLDER, content["name"], subject.taken)
    return Edited(identifier, {path: text.encode()}, made_by=content.get("made_by"))


def update(subject: Subject, content: Document) -> Edited:
    """Change what ``content`` names of the pool with its ``id``; its ``participants`` reset."""
    pool = _pool(subject, content)
    raw = subject.files[pool.file]
    data = parse(raw.decode(), pool.file)
    edits: list[Edit] = []
    for name in _ORDER:
        if name in content:
            edits += _setting(subject.organization, pool, data, name, content[name])
    if "participants" in content:
        edits.append(_participants(subject.organization, data, content["participants"]))
    if "connections" in content:
        _check_connections(subject.organization, content["connections"], pool)
        edits.append(_connections(data, content["connections"]))
    reset = frozenset([pool.id] if "participants" in content else [])
    return _edited(pool, raw, edits, pool.id, reset)


def delete(subject: Subject, content: Document) -> Edited:
    """Remove a pool's file and everything that is kept of the pool, or all but its history."""
    pool = _pool(subject, content)
    gone = frozenset([pool.id])
    if subject.organization.keep_history:
        return Edited(pool.id, {pool.file: None}, archived=gone)
    return Edited(pool.id, {pool.file: None}, erased=gone)


def connect(subject: Subject, content: Document) -> Edited:
    """Add the ``connection`` of ``content`` to a pool."""
    pool = _pool(subject, content)
    connection = content["connection"]
    keys = connection_keys(connection)
    if any(keys == _keys(known) for known in pool.connections):
        raise conflict("the pool has an identical connection already")
    _check_connections(subject.organization, [connection], pool)
    edits = [Append(("connections",), _written(connection))]
    identifier = connection_id(pool.id, connection)
    return _edited(pool, subject.files[pool.file], edits, identifier)


def disconnect(subject: Subject, content: Document) -> Edited:
    """Take the connection with ``connection_id`` from a pool."""
    pool = _pool(subject, content)
    wanted = content["connection_id"].lower()
    ids = [connection.id for connection in pool.connections]
    place = next((i for i, each in enumerate(ids) if each.lower() == wanted), None)
    if place is None:
        raise Refused(
            "no such connection of this pool", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND"
        )
    edits = [Remove(("connections", place))]
    return _edited(pool, subject.files[pool.file], edits, ids[place])


EDITORS: Mapping[str, Editor] = {
    "pool.create": create,
    "pool.update": update,
    "pool.delete": delete,
    "pool.connect": connect,
    "pool.disconnect": disconnect,
}
"""Editors by the kind of change."""


def _edited(
    pool: Pool,
    raw: bytes,
    edits: Sequence[Edit],
    identifier: str,
    reset: frozenset[str] = frozenset(),
) -> Edited:
    """Return the pool's file with the edits made."""
    after = rewritten(pool.file, raw, edits)
    if after == raw:
        return Edited(identifier, reset=reset)
    return Edited(identifier, {pool.file: after}, reset)


def _pool(subject: Subject, content: Document) -> Pool:
    pool = subject.organization.pools.get(content["id"])
    if pool is None:
        raise Refused("no such pool", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
    return pool


def _setting(
    organization: Organization, pool: Pool, data: Document, name: str, value: Any
) -> list[Edit]:
    """Return the edit of one key, none if it says so already."""
    if name == "follower":
        if (pool.follower.id if pool.follower else None) == value:
            return []
        value = value and _handle(organization, value)
    if value is None:
        return [Remove((name,))] if name in data else []
    return [] if data.get(name, _DEFAULTS.get(name)) == value else [Set((name,), value)]


def _participants(organization: Organization, data: Document, ids: Sequence[str]) -> Edit:
    """Return the arrangement of these members: those who are there as they are written there."""
    called = {**organization.handles, **{id_: id_ for id_ in organization.members}}
    old = [entry if isinstance(entry, str) else entry["member"] for entry in data["participants"]]
    places = {called[name]: place for place, name in enumerate(old)}
    write = _spelling(data["participants"], organization)
    return Arrange(
        ("participants",),
        [
            Kept(places[member.id]) if member.id in places else New(write(member))
            for member in _members(organization, ids)
        ],
    )


def _spelling(entries: Sequence[Any], organization: Organization) -> Callable[[Member], Any]:
    """Return how a new participant is written where the others are written so."""
    names = [entry if isinstance(entry, str) else entry["member"] for entry in entries]
    by_id = not any(name in organization.handles for name in names)
    objects = all(not isinstance(entry, str) for entry in entries)

    def write(member: Member) -> Any:
        name = member.id if by_id else member.handle
        return {"member": name} if objects else name

    return write


def _connections(data: Document, connections: Sequence[Document]) -> Edit:
    """Return the arrangement of these connections: what is there already stays as it is."""
    old = [connection_keys(entry) for entry in data.get("connections") or ()]
    items: list[Kept | New] = []
    for connection in connections:
        keys = connection_keys(connection)
        items.append(Kept(old.index(keys)) if keys in old else New(_written(connection)))
    return Arrange(("connections",), items)


def _members(organization: Organization, ids: Sequence[str]) -> list[Member]:
    """Return the members with these ids; refuse strangers and doubles, all at once."""
    problems: list[str] = []
    first: dict[str, int] = {}
    for place, identifier in enumerate(ids):
        if identifier not in organization.members:
            problems.append(f"participantIds[{place}]: no member of this organization has this id")
        elif (before := first.setdefault(identifier, place)) != place:
            problems.append(f"participantIds[{place}]: the same member as participantIds[{before}]")
    if problems:
        raise Refused("; ".join(problems))
    return [organization.members[identifier] for identifier in ids]


def _handle(organization: Organization, identifier: str) -> str:
    member = organization.members.get(identifier)
    if member is None:
        raise Refused("followerUserId: no member of this organization has this id")
    return member.handle


def _check_connections(
    organization: Organization, connections: Sequence[Document], pool: Pool | None
) -> None:
    """Refuse doubles in the list, and the generic webhook where it is off or another pool's."""
    seen: list[Document] = []
    for place, connection in enumerate(connections):
        keys = connection_keys(connection)
        if keys in seen:
            first = seen.index(keys)
            raise Refused(f"connections[{place}]: the same connection as connections[{first}]")
        seen.append(keys)
    if {"source": "webhook"} in seen:
        _check_generic(organization, pool)


def _check_generic(organization: Organization, pool: Pool | None) -> None:
    if not organization.lead_webhook:
        raise Refused(
            "a webhook connection without sourceKey and utmCampaign takes the leads of the "
            "universal lead webhook, which is off; set integrations.lead_webhook.enabled: true in "
            "organization.yaml"
        )
    for other in organization.pools.values():
        if (pool is None or other.id != pool.id) and any(map(is_generic, other.connections)):
            raise conflict(f"the universal lead webhook goes to the pool '{other.name}' already")


def _keys(connection: Connection) -> dict[str, str]:
    return connection_keys(
        {name: getattr(connection, name) for name in Connection.__dataclass_fields__}
    )


def _text(document: Document, people: Sequence[str], connections: Sequence[Document]) -> str:
    """Return a new pool's file, every person on a line of their own: comments go beside them."""
    manner = Manner()
    lines = manner.block(document, 0)
    lines += ["participants:", *(line for each in people for line in manner.item(each, 2))]
    if connections:
        lines += manner.block({"connections": connections}, 0)
    return "\n".join(lines) + "\n"


def _written(connection: Document) -> dict[str, Any]:
    """Return a connection as it stands in a file: source first, nothing empty."""
    keys = connection_keys(connection)
    return {"source": keys.pop("source"), **keys}
