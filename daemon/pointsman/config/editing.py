"""What an editor of files gets and gives: pure functions from what is published to new files.

What all editors need is here too: an edit of a text that refuses what it cannot do, and a file name
for a thing that has none yet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pointsman.config.edit import Edit, splice
from pointsman.errors import ConfigError, Refused
from pointsman.model import Organization
from pointsman.store.deployments import Deployment

__all__ = ["Edited", "Editor", "Subject", "conflict", "free_path", "rewritten"]

_LONGEST = 60
_OTHERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """An organization as it is published; ``taken`` are all paths in its directory.

    ``deployed`` is what of its flows is live, ``None`` if it is what the files say.
    """

    organization: Organization
    files: Mapping[str, bytes]
    taken: frozenset[str] = frozenset()
    deployed: Deployment | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """What becomes of files (``None``: the file goes), and ``id`` of the thing that is changed.

    ``reset`` are pools whose pointer goes back to the first, ``erased`` those that leave no state,
    ``archived`` those that leave their history alone. ``made_by`` is who makes a new thing.
    ``deployed`` is what of the flows is live then, ``None`` if that stays as it is. ``places`` are
    what findings put before theirs, by file, where a body tells of several.
    """

    id: str
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    reset: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    archived: frozenset[str] = frozenset()
    made_by: str | None = None
    deployed: Deployment | None = None
    places: Mapping[str, str] = field(default_factory=dict)


Editor = Callable[[Subject, Mapping[str, Any]], Edited]


def rewritten(file: str, raw: bytes, edits: Sequence[Edit]) -> bytes:
    """Return a file's text with the edits made; refuse (409) what is to be done by hand."""
    try:
        return splice(raw.decode(), edits, file).encode()
    except (LookupError, ConfigError) as error:
        raise conflict(f"{file} cannot be edited: {error}; edit it by hand") from error


def free_path(folder: str, name: str, taken: frozenset[str]) -> str:
    """Return a path for a thing of this name that no file has, in whatever case it is written."""
    spread = unicodedata.normalize("NFKD", name.casefold())
    plain = spread.encode("ascii", "ignore").decode().lower()
    slug = _OTHERS.sub("-", plain)[:_LONGEST].strip("-") or folder.removesuffix("s")
    stems = {path.rpartition(".")[0].casefold() for path in taken}
    number, stem = 1, slug
    while f"{folder}/{stem}" in stems:
        number += 1
        stem = f"{slug}-{number}"
    return f"{folder}/{stem}.yaml"


def conflict(message: str) -> Refused:
    """Return the refusal of what contradicts the state of things."""
    return Refused(message, status=HTTPStatus.CONFLICT, code="CONFLICT")
