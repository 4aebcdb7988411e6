"""The files of a configuration directory, as bytes: one directory an organization.

A file in a wrong place is a finding, because a rule that is silently not read is worse than one
that is refused. Links are followed while they end inside the tree: that is how Kubernetes mounts
a ConfigMap (``..data``), also where it lays several files flat.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from pointsman.config.reading import MAX_BYTES
from pointsman.errors import Problem

__all__ = [
    "FOLDERS",
    "ROOT_FILES",
    "Tree",
    "kind_of",
    "normal_name",
    "read_tree",
    "root_file",
    "shown_path",
]

ROOT_FILES: Mapping[str, str] = {"organization.yaml": "organization", "fields.yaml": "fields"}
"""Files at the top of an organization's directory, and the kind (schema) of each."""

_ROOT = "organization.yaml"

FOLDERS: Mapping[str, str] = {
    "pools": "pool",
    "workflows": "workflow",
    "flows": "flow",
    "destinations": "destination",
    "lists": "list",
    "tests": "ruletest",
}
"""Folders of an organization's directory, and the kind (schema) of the files in each."""

_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tree:
    """What was read: organization's handle to relative path to bytes, and what was not."""

    organizations: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def digest(self) -> str:
        """Return a hash of everything here: what tells one reading of a tree from another."""
        hashed = sha256(repr(self.problems).encode())
        for handle, files in self.organizations.items():
            for name, raw in files.items():
                hashed.update(f"{handle}/{name} {len(raw)}\n".encode())
                hashed.update(raw)
        return hashed.hexdigest()


def kind_of(name: str) -> str | None:
    """Return which schema a file of an organization follows, by its path; ``None``: it is stray."""
    folder, _, _ = name.rpartition("/")
    return FOLDERS.get(folder) if folder else ROOT_FILES.get(normal_name(name))


def normal_name(name: str) -> str:
    """Return a path with ``.yml`` spelled ``.yaml``; ids derive from this spelling."""
    return name.removesuffix(".yml") + ".yaml" if name.endswith(".yml") else name


def root_file(files: Iterable[str]) -> str:
    """Return what an organization's own file is called among these, however it is spelled."""
    return next((name for name in files if normal_name(name) == _ROOT), _ROOT)


def shown_path(handle: str, name: str, root: Path | None) -> str:
    """Return what findings call a file: a path that an editor can open."""
    place = Path(handle, name)
    return str(root / place if root else place)


def read_tree(root: Path) -> Tree:
    """Read every file of every organization under ``root``."""
    walk = _Walk(root)
    organizations = {
        entry.name: dict(walk.organization(entry))
        for entry in walk.entries(root)
        if walk.is_organization(entry)
    }
    if not organizations and not walk.problems:
        walk.problem(root, "no organization here; expected a directory with organization.yaml")
    return Tree(organizations, tuple(sorted(walk.problems)))


class _Walk:
    """One reading of a tree; collects findings and goes on."""

    def __init__(self, root: Path) -> None:
        self.problems: list[Problem] = []
        self._resolved = Path(os.path.realpath(root))

    def problem(self, path: Path, message: str) -> None:
        self.problems.append(Problem(str(path), 1, 1, "", message))

    def entries(self, folder: Path) -> Iterator[Path]:
        """Yield what counts of a folder, in order: not hidden, no backup, no link outside."""
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            self.problem(folder, f"cannot be read: {error.strerror}")
            return
        for path in paths:
            if path.name.startswith(".") or path.name.endswith("~"):
                continue
            if not path.name.isprintable():
                self.problem(folder, f"the name {path.name!a} cannot be shown; rename it")
            elif path.is_symlink() and not self._inside(path):
                self.problem(path, "the link leaves the configuration directory; copy the file")
            else:
                yield path

    def is_organization(self, path: Path) -> bool:
        """Tell whether an entry of the root is an organization's directory; else note why not."""
        name = path.name
        if not path.is_dir():
            place = path.parent / "acme" / normal_name(name)
            self.problem(path, f"a stray file; expected it in an organization, such as {place}")
            return False
        if not _HANDLE.fullmatch(name):
            self.problem(path, f"no name for an organization; expected {_HANDLE.pattern}")
            return False
        return True

    def organization(self, folder: Path) -> Iterator[tuple[str, bytes]]:
        """Yield relative path and bytes of every file of one organization."""
        seen: set[str] = set()
        for path in self.entries(folder):
            if path.is_dir() and path.name in FOLDERS:
                yield from self._files(path)
            elif path.is_file() and normal_name(path.name) in ROOT_FILES:
                yield from self._once(path, path.name, seen)
            else:
                self.problem(path, f"a stray {_noun(path)}; {_nearest_place(folder, path)}")

    def _files(self, folder: Path) -> Iterator[tuple[str, bytes]]:
        seen: set[str] = set()
        for path in self.entries(folder):
            name = f"{folder.name}/{path.name}"
            if not path.is_file() or path.suffix not in (".yaml", ".yml"):
                place = folder / f"{path.stem}.yaml"
                self.problem(path, f"a stray {_noun(path)}; expected a file such as {place}")
            else:
                yield from self._once(path, name, seen)

    def _once(self, path: Path, name: str, seen: set[str]) -> Iterator[tuple[str, bytes]]:
        if path.stem in seen:
            self.problem(path, f"'{path.stem}' is here as .yaml and as .yml; remove one")
            return
        seen.add(path.stem)
        try:
            with path.open("rb") as file:
                yield name, file.read(MAX_BYTES + 1)
        except OSError as error:
            self.problem(path, f"cannot be read: {error.strerror}")

    def _inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self._resolved)


def _noun(path: Path) -> str:
    return "directory" if path.is_dir() else "file"


def _nearest_place(folder: Path, path: Path) -> str:
    """Say where an entry at the top of an organization most likely belongs."""
    if path.is_dir():
        found = get_close_matches(path.name, FOLDERS, n=1)
        known = ", ".join(FOLDERS)
        return f"did you mean {folder / found[0]}?" if found else f"expected one of {known}"
    found = get_close_matches(path.name, ROOT_FILES, n=1, cutoff=0.75)
    if found:
        return f"did you mean {folder / found[0]}?"
    return f"expected a place such as {folder / 'pools' / path.stem}.yaml"
