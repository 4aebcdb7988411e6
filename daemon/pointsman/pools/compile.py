"""A pool's file made into a pool.

The revision covers what a turn depends on and nothing else: an edit of a name or a connection must
not make other daemons decide again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from orjson import dumps

from pointsman.ids import derived
from pointsman.model import Connection, Member, Pool
from pointsman.pools.accept import PoolAccept, compile_accept
from pointsman.pools.cycle import turns
from pointsman.pools.limits import PoolLimits
from pointsman.pools.participants import compile_participants, cycle_entries, unknown_member
from pointsman.pools.sticky import compile_sticky
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
    time_zone: str = "UTC",
    pools: Mapping[str, str] | None = None,
) -> Pool:
    """Return the pool of a valid document; ``members`` by handle and by id.

    ``time_zone`` is that of hours and caps that name none; ``pools`` are ids by file stem and id.
    """
    participants = compile_participants(
        document.get("participants", ()), pool_id, members, time_zone, report
    )
    fallback = _fallback(document.get("fallback_pool"), pool_id, pools or {}, report)
    hold = document.get("skip_policy") == "hold_turn"
    sticky = compile_sticky(document.get("sticky"), report)
    parks = document.get("when_nobody") == "park"
    accept = compile_accept(
        document.get("accept"), participants, report, fallback="fallback_pool" in document
    )
    limits = PoolLimits(
        participants,
        hold=hold,
        otherwise=fallback is not None,
        ahead=sticky is not None and sticky.takes_turn,
        told=parks or sticky is not None,
    )
    pool = Pool(
        id=pool_id,
        name=document.get("name") or PurePosixPath(file).stem,
        file=file,
        participants=participants,
        connections=_connections(document.get("connections", ()), pool_id, report),
        active=document.get("is_active", True),
        assign_inbound_leads=document.get("assign_inbound_leads", True),
        assign_manual_leads=document.get("assign_manual_leads", False),
        priority=document.get("priority", 0),
        on_change=document.get("on_change", "keep"),
        turns=turns(tuple(person.weight for person in participants)),
        hold=hold,
        limits=limits or None,
        fallback=fallback,
        parks=parks,
        sticky=sticky,
        accept=accept,
        follower=_follower(document.get("follower"), members, report),
        email_notifications=document.get("email_notifications_enabled", False),
        goal_total_deals=document.get("goal_total_deals"),
        goal_won_deals=document.get("goal_won_deals"),
    )
    return replace(pool, revision=_revision(pool, limits, accept))


def _revision(pool: Pool, limits: PoolLimits, accept: PoolAccept | None) -> str:
    """Return a hash of everything that a turn depends on."""
    decisive = [
        pool.active,
        pool.assign_inbound_leads,
        pool.assign_manual_leads,
        pool.on_change,
        cycle_entries(pool.participants, pool.turns),
        pool.fallback,
        *limits.decisive(),
        *([pool.parks, pool.sticky] if pool.parks or pool.sticky else ()),
        *(["accept", *accept.decisive()] if accept else ()),
    ]
    return sha256(dumps(decisive)).hexdigest()[:16]


def _follower(named: str | None, members: Mapping[str, Member], report: Report) -> Member | None:
    if named is not None and named not in members:
        report(("follower",), unknown_member(named, members))
    return members.get(named) if named else None


def published(pool: Pool) -> dict[str, Any]:
    """Return what the publishing script needs of a pool."""
    return {
        "id": pool.id,
        "revision": pool.revision,
        "on_change": pool.on_change,
        "cycle": cycle_entries(pool.participants, pool.turns),
        "weights": [person.weight for person in pool.participants],
        "hold": pool.hold,
        "ahead": pool.sticky is not None and pool.sticky.takes_turn,
    }


def connection_keys(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what a connection is told from others by, in canonical order."""
    keys = {name: document[name] for name in _KEYS if document.get(name) is not None}
    keys.setdefault("source", "webhook")
    return dict(sorted(keys.items()))


def connection_id(pool_id: str, document: Mapping[str, Any]) -> str:
    """Return the id that a connection has if its document writes none."""
    return derived(pool_id, "connection", dumps(connection_keys(document)).decode())


def _fallback(
    named: str | None, pool_id: str, pools: Mapping[str, str], report: Report
) -> str | None:
    """Return the id of the pool that is asked when nobody of this one may be served."""
    if named is None:
        return None
    found = pools.get(named)
    if found is None:
        hint = nearest(named, sorted(pools)) or "; expected the name of a file in pools/"
        report(("fallback_pool",), f"no pool '{named}'{hint}")
    elif found == pool_id:
        report(("fallback_pool",), "is this pool itself; name another, or leave it out")
    return found


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
