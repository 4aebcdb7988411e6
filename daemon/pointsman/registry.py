"""Name to thing, for everything that can be added: actions, operators, field types, sinks.

A registry refuses a second thing of the same name loudly and suggests near names for an unknown
one. What is installed is in it for good; what files of ``plugins_dir`` add comes and goes as a
whole, as a :class:`Stage` that is shown to whoever checks it before it is adopted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from pointsman.errors import PointsmanError

__all__ = ["DROPPED_IN", "Addition", "Registry", "Stage", "collecting", "nearest", "origin"]

DROPPED_IN = "pointsman dropped in "
"""How the names of modules begin that were made from files of ``plugins_dir``."""

T = TypeVar("T")


def nearest(name: str, known: list[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name next to ``name``, or nothing."""
    found = get_close_matches(name, known, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


def origin(function: Callable[..., Any]) -> str:
    """Return where a function comes from: its module, or the path of a file that was dropped in."""
    module: str = function.__module__
    return module.removeprefix(DROPPED_IN).rpartition(" ")[0] if _is_dropped(module) else module


class Registry(Mapping[str, T], Generic[T]):
    """Things of one ``kind`` (the word used in messages) by their names."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._installed: dict[str, T] = {}
        self._things = self._installed
        self._gone: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Add ``thing``; another thing under the same name is an error of whoever wrote it."""
        collection = _COLLECTION.get()
        if collection is not None:
            collection.found.append(Addition(self, name, thing, _line(collection.path)))
            return thing
        if name in self._installed:
            raise PointsmanError(f"{self.kind} '{name}' is defined twice")
        self._installed[name] = thing
        if self._things is not self._installed:
            self._things[name] = thing
        return thing

    def recall(self, name: str) -> T | None:
        """Return what is called so now, or was last in this process: runs begun with it go on."""
        return self._known().get(name) or self._gone.get(name)

    def installed(self, name: str) -> T | None:
        """Return what is called so whatever ``plugins_dir`` holds."""
        return self._installed.get(name)

    def merged(self, added: Mapping[str, T]) -> dict[str, T]:
        """Return everything there would be with ``added`` instead of what was added before."""
        return {**self._installed, **added} if added else self._installed

    def adopt(self, things: dict[str, T] | None) -> None:
        """Be ``things``, or what is installed; remember what is gone."""
        new = self._installed if things is None else things
        gone = {**self._gone, **self._things}
        self._things = new
        self._gone = {name: thing for name, thing in gone.items() if name not in new}

    def explain_missing(self, name: str) -> str:
        """Return the message for an unknown ``name``, with the nearest known one."""
        known = ", ".join(sorted(self))
        return f"unknown {self.kind} '{name}'{nearest(name, list(self))} (known: {known})"

    def _known(self) -> Mapping[str, T]:
        shown = _SHOWN.get()
        return self._things if shown is None else shown.of(self)

    def __getitem__(self, name: str) -> T:
        return self._known()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())


@dataclass(frozen=True, slots=True)
class Addition:
    """Something that a file adds, with the ``line`` that does."""

    registry: Registry[Any]
    name: str
    thing: Any
    line: int


class Stage:
    """What registries would be with some additions; ``digest`` tells one such set from another."""

    def __init__(self, digest: str = "", additions: Sequence[Addition] = ()) -> None:
        self.digest = digest
        added: dict[int, dict[str, Any]] = {}
        self._registries = {id(one.registry): one.registry for one in additions}
        for one in additions:
            added.setdefault(id(one.registry), {})[one.name] = one.thing
        self._merged = {
            key: registry.merged(added[key]) for key, registry in self._registries.items()
        }

    @staticmethod
    def current() -> Stage:
        """Return the stage that is shown here, else the one that was adopted."""
        return _SHOWN.get() or _ADOPTED[0]

    def of(self, registry: Registry[T]) -> Mapping[str, T]:
        """Return what is in a registry at this stage."""
        merged = self._merged.get(id(registry))
        return registry.merged({}) if merged is None else merged

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the block, and threads it waits for with ``asyncio.to_thread``, see this stage."""
        token = _SHOWN.set(self)
        try:
            yield
        finally:
            _SHOWN.reset(token)

    def adopt(self) -> None:
        """Make this what everybody sees."""
        before = _ADOPTED[0]
        _ADOPTED[0] = self
        for key, registry in {**before._registries, **self._registries}.items():  # noqa: SLF001
            registry.adopt(self._merged.get(key))


@contextmanager
def collecting(path: str) -> Iterator[list[Addition]]:
    """Give what the file at ``path`` adds within the block instead of adding it."""
    collection = _Collection(path, [])
    token = _COLLECTION.set(collection)
    try:
        yield collection.found
    finally:
        _COLLECTION.reset(token)


@dataclass(frozen=True, slots=True)
class _Collection:
    path: str
    found: list[Addition]


_ADOPTED = [Stage()]
_SHOWN: ContextVar[Stage | None] = ContextVar("shown", default=None)
_COLLECTION: ContextVar[_Collection | None] = ContextVar("collection", default=None)


def _is_dropped(module: str) -> bool:
    return module.startswith(DROPPED_IN)


def _line(path: str) -> int:
    """Return the line of the file at ``path`` that is being executed."""
    frame = sys._getframe(1)  # noqa: SLF001 - the way to a caller's line
    while frame.f_back and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame.f_code.co_filename == path else 1
