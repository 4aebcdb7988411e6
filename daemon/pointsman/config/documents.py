"""Files that were read and held against their schema, remembered by content.

A reload of a large tree in which one file changed reads one file. What is remembered is bounded by
the bytes it was made from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any

from pointsman.config.faults import Fault, Path, pointer
from pointsman.config.reading import Document, Positions, read
from pointsman.config.schema import findings
from pointsman.errors import Problem
from pointsman.registry import Stage

__all__ = ["Page", "checked"]

_KEEP_BYTES = 64 * 1024 * 1024
_Key = tuple[str, str, bytes]


class _Memory:
    """The last documents, up to ``_KEEP_BYTES`` of text; loads run in threads."""

    def __init__(self) -> None:
        self._documents: OrderedDict[_Key, tuple[int, Document]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def recall(self, kind: str, raw: bytes) -> Document:
        """Return the document of these bytes, read now or before."""
        key = (kind, Stage.current().digest, sha256(raw).digest())
        with self._lock:
            if key in self._documents:
                self._documents.move_to_end(key)
                return self._documents[key][1]
        document = _checked(kind, raw)
        with self._lock:
            self._keep(key, len(raw), document)
        return document

    def _keep(self, key: _Key, size: int, document: Document) -> None:
        if key not in self._documents:
            self._documents[key] = (size, document)
            self._bytes += size
        while self._bytes > _KEEP_BYTES:
            _, (freed, _) = self._documents.popitem(last=False)
            self._bytes -= freed


_MEMORY = _Memory()


def checked(kind: str, raw: bytes) -> Document:
    """Return a file's data if it is what its schema allows, else all that is wrong with it."""
    return _MEMORY.recall(kind, raw)


def _checked(kind: str, raw: bytes) -> Document:
    document = read(raw)
    if document.faults:
        return document
    positions = Positions(raw)
    faults = [
        Fault(*positions.of(found.path, found.key), pointer(found.path), found.message)
        for found in findings(kind, document.data)
    ]
    return Document(None, tuple(dict.fromkeys(faults))) if faults else document


@dataclass(frozen=True, slots=True)
class Page:
    """One file of an organization while it is compiled, and the findings about it.

    ``name`` is its path inside the organization, ``shown`` what findings call it.
    """

    name: str
    shown: str
    data: Mapping[str, Any]
    positions: Positions
    problems: list[Problem]

    @property
    def stem(self) -> str:
        """The file's name as other files call it."""
        return self.name.rpartition("/")[2].rpartition(".")[0]

    def report(self, path: Path, message: str, severity: str = "error") -> None:
        """Note that something is wrong at ``path``."""
        line, column = self.positions.of(path)
        place = pointer(path)
        self.problems.append(Problem(self.shown, line, column, place, message, severity))

    def warn(self, path: Path, message: str) -> None:
        """Note what is allowed and probably not meant."""
        self.report(path, message, "warning")
