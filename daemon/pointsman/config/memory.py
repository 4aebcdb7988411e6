"""What a publisher remembers of its tree between two lives, in the data directory.

Per organization the hash of the files that were last seen to be what is published: a tree with
another hash was changed since, and may be published only if nobody else published meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import orjson

__all__ = ["Memory"]


class Memory:
    """The hashes in ``<data_dir>/loaded.json``, read and written as a whole."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "loaded.json"

    def recall(self) -> dict[str, str]:
        """Return handle to hash; nothing if there is no readable memory."""
        try:
            kept = orjson.loads(self._path.read_bytes())["trees"]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return dict(kept) if isinstance(kept, dict) else {}

    def keep(self, trees: Mapping[str, str]) -> None:
        """Replace what is remembered, so that a crash leaves the old or the new."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_name(f"loaded.json.{os.getpid()}")
        with fresh.open("wb") as file:
            file.write(orjson.dumps({"v": 1, "trees": dict(trees)}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
