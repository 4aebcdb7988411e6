"""What is told to the publishing script of an organization's files.

Of a pool the script gets what its pointer needs, and digests by which it sees what was changed; of
a workflow the latter alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any

from orjson import dumps

from pointsman.model import Connection, Organization, Participant, Pool
from pointsman.pools.compile import published
from pointsman.store.deployments import Deployment
from pointsman.store.generations import Generation, Publication

__all__ = ["publication"]

Files = Mapping[str, bytes]


def publication(
    organization: Organization,
    files: Files,
    current: Generation | None,
    author: str,
    *,
    pool_ids: Mapping[str, str],
    deployed: Deployment | None = None,
    before: Files | None = None,
    reset: Collection[str] = (),
    erased: Collection[str] = (),
    archived: Collection[str] = (),
    made_by: Mapping[str, str] | None = None,
    written: bool = False,
) -> Publication:
    """Return what makes ``organization`` the generation after ``current``.

    ``deployed`` is what of the flows is live, ``None`` if that is what ``files`` say.
    ``before`` are the files of ``current``, if they are at hand: it makes the call shorter.
    ``reset`` are ids of pools whose pointer goes back to the first, ``archived`` those of which the
    history is kept. ``made_by`` tells who makes a new pool, by its id.
    """
    old = before or {}
    pools = [
        _told(pool, files[pool.file], changed=files[pool.file] != old.get(pool.file))
        | ({"reset": True} if pool.id in reset else {})
        | ({"by": made_by[pool.id]} if made_by and pool.id in made_by else {})
        for pool in organization.pools.values()
    ]
    return Publication(
        parent=current.number if current else 0,
        hash=organization.hash,
        files=files,
        pools=pools,
        workflows=[
            {"id": workflow.id, "content": workflow.content}
            for workflow in organization.workflows.values()
        ],
        flows=[
            {"id": flow.id, "content": sha256(files[flow.file]).hexdigest()[:16]}
            for flow in organization.distinct_saved_flows()
        ],
        deployed=deployed,
        author=author,
        pool_ids=pool_ids,
        erased=[*erased],
        archived=[*archived],
        written=written,
    )


def _told(pool: Pool, raw: bytes, *, changed: bool) -> dict[str, Any]:
    told = published(pool) | {"file": sha256(raw).hexdigest()[:16]}
    if changed:
        parts: list[Participant | Connection] = [*pool.participants, *pool.connections]
        told["parts"] = {part.id: _digest(part) for part in parts}
    return told


def _digest(part: Participant | Connection) -> str:
    """Return a digest of what the pool's file says of a part: a member's name is not in it."""
    told = {each.name: getattr(part, each.name) for each in fields(part) if each.name != "member"}
    return sha256(dumps(told, default=str)).hexdigest()[:12]
