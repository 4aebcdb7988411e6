"""A pool's file made into a pool.

The revision covers what a turn depends on and nothing else: an edit of a name or a connection must
not make other daemons decide again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from orjson import dumps

from pointsman.ids import derived
from pointsman.model import Connection, Member, Participant, Pool
from pointsman.pools.cycle import LONGEST_CYCLE, cycle_length, turns
from pointsman.registry import nearest

__all__ = ["compile_pool", "connection_id", "connection_keys", "published"]

Report = Callable[[tuple[str | int, ...], str], None]

_KEYS = (
    "source",
    "provider",
    "source_key",
    "meta_page_id",
    "meta_form_id",
    "meta_ad_id",
    "meta_campaign_id",
    "utm_campaign",
    "workflow_id",
)
_NEEDS = {"automation": "provider", "workflow": "workflow_id"}


def compile_pool(
    *,
    file: str,
    document: Mapping[str, Any],
    pool_id: str,
    organization_id: str,  # noqa: ARG001 - one signature for all compilers; ids derive from the pool's
    members: Mapping[str, Member],
    report: Report,
) -> Pool:
    """Return the pool of a valid document; ``members`` by handle and by id."""
    participants = _participants(document.get("participants", ()), pool_id, members, report)
    active = document.get("is_active", True)
    inbound = document.get("assign_inbound_leads", True)
    manual = document.get("assign_manual_leads", False)
    on_change = document.get("on_change", "keep")
    follower = document.get("follower")
    if follower is not None and follower not in members:
        report(("follower",), _unknown(follower, members))
    order = turns(tuple(person.weight for person in participants))
    decisive = [active, inbound, manual, on_change, _cycle(participants, order)]
    return Pool(
        id=pool_id,
        name=document.get("name") or PurePosixPath(file).stem,
        file=file,
        participants=participants,
        connections=_connections(document.get("connections", ()), pool_id, report),
        active=active,
        assign_inbound_leads=inbound,
        assign_manual_leads=manual,
        priority=document.get("priority", 0),
        on_change=on_change,
        revision=sha256(dumps(decisive)).hexdigest()[:16],
        turns=order,
        follower=members.get(follower) if follower else None,
        goal_total_deals=document.get("goal_total_deals"),
        goal_won_deals=document.get("goal_won_deals"),
    )


def published(pool: Pool) -> dict[str, Any]:
    """Return what the publishing script needs of a pool."""
    return {
        "id": pool.id,
        "revision": pool.revision,
        "on_change": pool.on_change,
        "cycle": _cycle(pool.participants, pool.turns),
    }


def connection_keys(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what a connection is told from others by, in canonical order."""
    keys = {name: document[name] for name in _KEYS if document.get(name) is not None}
    keys.setdefault("source", "webhook")
    return dict(sorted(keys.items()))


def connection_id(pool_id: str, document: Mapping[str, Any]) -> str:
    """Return the id that a connection has if its document writes none."""
    return derived(pool_id, "connection", dumps(connection_keys(document)).decode())


def _cycle(participants: Sequence[Participant], order: Sequence[int]) -> list[str]:
    """Return the order of turns as the scripts keep it."""
    entries = [_entry(person) for person in participants]
    return [entries[place] for place in order]


def _entry(person: Participant) -> str:
    """Return a person as the scripts know them; turn.lua says what the digit means."""
    active = person.active and person.member.active
    state = 0 if not active else 1 if person.weight else 2
    return f"{person.order}|{state}|{person.member.id}|{person.id}"


def _participants(
    documents: Sequence[Any], pool_id: str, members: Mapping[str, Member], report: Report
) -> tuple[Participant, ...]:
    found: list[Participant] = []
    first: dict[str, int] = {}
    for place, document in enumerate(documents):
        written = {"member": document} if isinstance(document, str) else document
        path = ("participants", place) + (() if isinstance(document, str) else ("member",))
        name = written["member"]
        member = members.get(name)
        if member is None:
            report(path, _unknown(name, members))
        elif member.id in first:
            report(path, f"'{name}' is in the pool already, at participants[{first[member.id]}]")
        else:
            first[member.id] = place
            identifier = str(written.get("id") or derived(pool_id, "participant", member.id))
            active = bool(written.get("is_active", True))
            weight = int(written.get("weight", 1))
            found.append(Participant(identifier, member, len(found) + 1, active, weight))
    length = cycle_length([person.weight for person in found])
    if length > LONGEST_CYCLE:
        report(
            ("participants",),
            f"with these weights the order of turns repeats only after {length} of them, at most "
            f"{LONGEST_CYCLE} are possible; choose weights with a common divisor, or smaller ones",
        )
        return ()
    return tuple(found)


def _unknown(name: str, members: Mapping[str, Member]) -> str:
    handles = sorted({known.handle for known in members.values()})
    return f"no member '{name}'{nearest(name, handles)}; members are in organization.yaml"


def _connections(
    documents: Sequence[Mapping[str, Any]], pool_id: str, report: Report
) -> tuple[Connection, ...]:
    found: list[Connection] = []
    first: dict[bytes, int] = {}
    for place, document in enumerate(documents):
        keys = connection_keys(document)
        content = dumps(keys)
        path = ("connections", place)
        need = _NEEDS.get(keys["source"])
        if need and need not in keys:
            report(path, f"a connection of source '{keys['source']}' needs '{need}'")
        if content in first:
            report(path, f"the same connection is there already, at connections[{first[content]}]")
            continue
        first[content] = place
        identifier = str(document.get("id") or connection_id(pool_id, document))
        found.append(Connection(identifier, active=document.get("is_active", True), **keys))
    return tuple(found)
