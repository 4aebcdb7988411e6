"""The files of ``plugins_dir``: read, executed, and adopted together with the tree.

Like a file of the tree, one that is wrong is a finding, and then nothing of the directory changes:
what was adopted before goes on. Who has a parent gets the files from it and never reads them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pointsman import observe
from pointsman.config.importing import PATIENCE, Imported, forget, import_file
from pointsman.errors import Problem
from pointsman.fields.types import field_types
from pointsman.plugin import actions, load_plugins, sinks, steps
from pointsman.registry import Addition, Registry, Stage
from pointsman.rules.operators import operators, rule_operators

__all__ = ["REGISTRIES", "Candidate", "DropIns", "Found", "load_dropins", "read_dropins"]

MOST_BYTES = 1024 * 1024
"""Bytes of one file that are taken."""

REGISTRIES: tuple[Registry[Any], ...] = (
    actions,
    operators,
    rule_operators,
    field_types,
    sinks,
    steps,
)
"""What can be added; all must be here, with what is built in, before a file is executed."""

MOST_IN_ALL = 4 * MOST_BYTES

_BESIDE = ("__pycache__", "conftest.py")
_TEXTS = (".md", ".txt", ".rst", ".toml", ".cfg", ".ini")

Files = Mapping[str, bytes]
"""Bytes by path."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is in the directory: the plugins' files, and what has no place there."""

    files: Files = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def digest(self) -> str:
        """Return what tells one state of the directory from another."""
        hashed = sha256(repr(self.problems).encode())
        for path, raw in sorted(self.files.items()):
            hashed.update(f"{path} {len(raw)}\n".encode())
            hashed.update(raw)
        return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the directory would add, to be checked with the tree before it is adopted."""

    found: Found
    stage: Stage
    problems: tuple[Problem, ...]
    imported: Mapping[str, Imported]


def read_dropins(folder: Path | None) -> Found:
    """Read the plugins in a directory; tests, texts and hidden files may lie beside them."""
    if folder is None:
        return Found()
    if not folder.is_dir():
        message = "there is no such directory; create it, or change plugins_dir"
        return Found(problems=(Problem(str(folder), 1, 1, "", message),))
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in _entries(folder, problems):
        if _is_beside(path):
            continue
        if why := _misplaced(path):
            problems.append(Problem(str(path), 1, 1, "", why))
            continue
        try:
            files[str(path)] = _content(path)
        except OSError as error:
            problems.append(Problem(str(path), 1, 1, "", f"cannot be read: {error.strerror}"))
    if sum(map(len, files.values())) > MOST_IN_ALL:
        message = f"the plugins here have more than {MOST_IN_ALL} bytes together"
        problems.append(Problem(str(folder), 1, 1, "", message))
    return Found(files, tuple(problems))


def load_dropins(folder: Path | None) -> Sequence[Problem]:
    """Adopt what is right in a directory; return what is wrong. For commands."""
    dropins = DropIns(folder)
    candidate = dropins.candidate(dropins.read())
    candidate.stage.adopt()
    return candidate.problems


class DropIns:
    """The plugins of ``folder`` as this process has them.

    ``tried`` is the digest of the directory that was last looked at for adoption, ``adopted`` what
    is in use, ``problems`` what was wrong at the start; ``spread`` is told of what is adopted.
    """

    def __init__(self, folder: Path | None, patience: float = PATIENCE) -> None:
        self.folder = folder
        self.tried = ""
        self.adopted = Found()
        self.problems: tuple[Problem, ...] = ()
        self.spread: Callable[[Found], Awaitable[None]] | None = None
        self._patience = patience
        self._known: dict[tuple[str, bytes], Imported] = {}
        self._in_use: Mapping[str, Imported] = {}

    def read(self) -> Found:
        """Read the directory."""
        return read_dropins(self.folder)

    async def look(self) -> Candidate:
        """Return what the directory would add now."""
        return await asyncio.to_thread(lambda: self.candidate(self.read()))

    async def take(self, candidate: Candidate) -> None:
        """Adopt a candidate, here and wherever else this process is to tell of it."""
        news = _digest(candidate.imported) != _digest(self._in_use)
        self.adopt(candidate)
        if not news:
            return
        files = [Path(path).name for path, one in candidate.imported.items() if one.additions]
        observe.log().info(observe.PLUGINS_LOADED, files=files)
        if self.spread is not None:
            await self.spread(candidate.found)

    async def start(self, found: Found | None = None) -> None:
        """Adopt what is right in the directory (or in ``found``), and note what is not."""
        candidate = await asyncio.to_thread(lambda: self.candidate(found or self.read()))
        self.problems = candidate.problems
        await self.take(candidate)

    def candidate(self, found: Found) -> Candidate:
        """Return what these files would add; to be called in a thread.

        Where a file is wrong, what it last was stands for it, so that only it is complained of.
        """
        load_plugins()
        self.tried = found.digest
        imported = {path: self._import(path, raw) for path, raw in found.files.items()}
        problems = [*found.problems, *(one.problem for one in imported.values() if one.problem)]
        standing = {
            path: self._in_use.get(path, one) if one.problem else one
            for path, one in imported.items()
        }
        additions, doubled = _joined(standing)
        stage = Stage(_digest(standing), additions)
        return Candidate(found, stage, (*problems, *doubled), standing)

    def adopt(self, candidate: Candidate) -> None:
        """Let everybody use what a candidate adds."""
        if candidate.imported or self._in_use:
            candidate.stage.adopt()
        before, self._in_use = self._in_use, candidate.imported
        self.adopted = candidate.found
        kept = {one.module for one in self._in_use.values()}
        forget(one for one in before.values() if one.module not in kept)
        self._known = {
            key: one
            for key, one in self._known.items()
            if one.module in kept or candidate.found.files.get(key[0]) == key[1]
        }

    def _import(self, path: str, raw: bytes) -> Imported:
        key = (path, raw)
        known = self._known.get(key)
        if known is None or not known.lasts:
            known = self._known[key] = import_file(path, raw, self._patience)
        return known


def _joined(imported: Mapping[str, Imported]) -> tuple[list[Addition], list[Problem]]:
    """Return what files add together, and what two of them, or one and the installed, both do."""
    additions: list[Addition] = []
    problems = []
    owners: dict[tuple[int, str], str] = {}
    for path, one in imported.items():
        for addition in one.additions:
            key = (id(addition.registry), addition.name)
            if addition.registry.installed(addition.name) is not None:
                owners[key] = "Pointsman or an installed package"
            if key not in owners:
                owners[key] = path
                additions.append(addition)
                continue
            kind, owner = addition.registry.kind, owners[key]
            message = f"{kind} '{addition.name}' is defined by {owner} already; choose another name"
            problems.append(Problem(path, addition.line, 1, "", message))
    return additions, problems


def _digest(imported: Mapping[str, Imported]) -> str:
    """Return what tells one set of files in use from another."""
    if not imported:
        return ""
    told = sorted((path, one.digest) for path, one in imported.items())
    return sha256(repr(told).encode()).hexdigest()


def _entries(folder: Path, problems: list[Problem]) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        problems.append(Problem(str(folder), 1, 1, "", f"cannot be read: {error.strerror}"))
        return []


def _is_beside(path: Path) -> bool:
    """Whether something lies in the directory without being a plugin."""
    name = path.name
    return (
        name.startswith((".", "test_"))
        or name.endswith("~")
        or name in _BESIDE
        or (path.suffix in _TEXTS and not path.is_dir())
    )


def _misplaced(path: Path) -> str | None:
    """Return what to say of something that is no plugin."""
    if path.is_dir():
        return (
            "a directory is not read; a plugin is one file, or an installed package with an entry "
            "point in the group pointsman.plugins"
        )
    if path.suffix != ".py" or not path.stem.isidentifier():
        return "a stray file; expected a plugin such as acme_sms.py"
    return None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise OSError(0, f"it has more than {MOST_BYTES} bytes")
    return raw
