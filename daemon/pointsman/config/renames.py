"""Ids that pools keep although their file was renamed.

A pool's id derives from its file's path, and its pointer hangs on the id. A new file with the name
or the content of one that vanished in the same reload is that pool under another path; the id it
keeps is published with the generation, so that every node and every later reload knows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.config.tree import normal_name
from pointsman.ids import derived
from pointsman.model import Organization, Pool
from pointsman.store.generations import Generation

__all__ = ["kept_ids", "renamed_ids"]

Files = Mapping[str, bytes]


def kept_ids(organization_id: str, current: Generation, files: Files) -> dict[str, str]:
    """Return the ids of earlier renames that still have their file.

    A new file under the old path of a renamed pool gets a fresh id: its own is in use.
    """
    kept = {path: kept for path, kept in current.pool_ids.items() if path in files}
    taken = set(kept.values())
    for path in files:
        own = derived(organization_id, "pool", normal_name(path))
        if own in taken and path not in kept:
            kept[path] = derived(own, str(current.number))
    return kept


def renamed_ids(
    old: Organization, old_files: Files, new: Organization, files: Files
) -> dict[str, str]:
    """Return path to id of every pool of ``new`` that is a renamed one of ``old``."""
    vanished = {pool.file: pool for pool in old.pools.values() if pool.file not in files}
    ids: dict[str, str] = {}
    for pool in sorted(new.pools.values(), key=lambda pool: pool.file):
        before = _before(pool, vanished, old_files, files) if pool.file not in old_files else None
        if before:
            ids[pool.file] = before.id
            del vanished[before.file]
    return ids


def _before(pool: Pool, vanished: Mapping[str, Pool], old: Files, new: Files) -> Pool | None:
    """Return the vanished pool that ``pool`` was, content before name."""
    for candidate in vanished.values():
        if old[candidate.file] == new[pool.file]:
            return candidate
    for candidate in vanished.values():
        if candidate.name == pool.name:
            return candidate
    return None
