"""Edits of YAML text that touch nothing else: comments, order, quotes and spacing stay.

Only the characters of the changed values are replaced, and the result is parsed again: if it is
not exactly the intended data (an anchor that others use, a form that cannot be edited in place),
nothing is written and the edit is refused. A path runs through mappings by key and through lists
by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from pointsman.config.disk import stage
from pointsman.config.marks import parse
from pointsman.config.splicing import Splice
from pointsman.errors import ConfigError, Problem, Refused

__all__ = [
    "Append",
    "Arrange",
    "Edit",
    "Insert",
    "Kept",
    "New",
    "Remove",
    "Set",
    "applied",
    "read",
    "rewrite",
    "splice",
]

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """Make the value at ``path`` this one; mappings on the way that are missing are made."""

    path: Steps
    value: Any


@dataclass(frozen=True, slots=True)
class Append:
    """Add an item to the end of the list at ``path``, which is made if it is missing."""

    path: Steps
    value: Any


@dataclass(frozen=True, slots=True)
class Insert:
    """Put an item into a list, before the position that ``path`` ends with."""

    path: Steps
    value: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """Take away the entry or item at ``path``."""

    path: Steps


@dataclass(frozen=True, slots=True)
class Arrange:
    """Make the list at ``path`` these items: by position what it has, or new values.

    What it has keeps its own spelling and its comments.
    """

    path: Steps
    items: Sequence[Kept | New]


class Kept(NamedTuple):
    """An item that the list has, by its position."""

    position: int


class New(NamedTuple):
    """An item that the list has not."""

    value: Any


Edit = Set | Append | Insert | Remove | Arrange
_Plain = Set | Append | Insert | Remove


def splice(text: str, edits: Sequence[Edit], name: str = "<text>") -> str:
    """Return ``text`` with the edits made, one after the other.

    Raises ``LookupError`` for a path that leads nowhere, ``ConfigError`` if ``text`` is no YAML,
    ``Refused`` if the edit cannot be made without touching other values.
    """
    data = parse(text, name)
    for edit in edits:
        wanted = applied(data, edit)
        for plan in _plans(text, data, edit):
            text = _spliced(text, plan)
        data = wanted
        _check(text, data, f"{name}: '{_said(edit.path)}'")
    return text


def applied(data: Any, edit: Edit) -> Any:
    """Return the data that an edit of ``data`` must give; ``data`` itself stays as it is."""
    plain = Set(edit.path, _arranged(data, edit)) if isinstance(edit, Arrange) else edit
    plan = _plan(data, plain)
    if isinstance(plan, Set) and not plan.path:
        return deepcopy(plan.value)
    copied = _unshared(data)
    *way, last = plan.path
    parent = _reach(copied, way)
    if isinstance(plan, Remove):
        del parent[last]
    elif isinstance(plan, Insert):
        parent.insert(last, deepcopy(plan.value))
    else:
        parent[last] = deepcopy(plan.value)
    return copied


def read(path: Path) -> str:
    """Return a file's text with its line breaks as they are; raises ``ConfigError``."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        message = "not UTF-8; save the file as UTF-8"
        raise ConfigError([Problem(str(path), 1, 1, "", message)]) from error


def rewrite(path: Path, before: str, after: str) -> None:
    """Put ``after`` in place of a file that still reads ``before``, durably and at once.

    Raises ``Refused`` (409) if somebody else changed the file meanwhile.
    """
    stage(path, before.encode(), after.encode()).place()


def _plans(text: str, data: Any, edit: Edit) -> list[Edit]:
    """Return what is to be done one after the other; a list in brackets changes place by place."""
    if not isinstance(edit, Arrange):
        return [_plan(data, edit)]
    old, new = _peek(data, edit.path) or [], _arranged(data, edit)
    if not (old and new):
        return [_plan(data, Set(edit.path, new))]
    if not Splice(text).is_flow(edit.path):
        return [edit]
    both = range(min(len(old), len(new)))
    plans: list[Edit] = [Set((*edit.path, i), new[i]) for i in both if not _same(old[i], new[i])]
    plans += [Remove((*edit.path, i)) for i in range(len(old) - 1, len(new) - 1, -1)]
    return plans + [Insert((*edit.path, i), new[i]) for i in range(len(old), len(new))]


def _arranged(data: Any, edit: Arrange) -> list[Any]:
    """Return the list that an arrangement gives."""
    old = _expect(_peek(data, edit.path) or [], list, edit.path)
    return [
        item.value if isinstance(item, New) else _reach(old, [item.position]) for item in edit.items
    ]


def _plan(data: Any, edit: _Plain) -> _Plain:
    """Return the same edit as one of: set, insert into a list with items, remove one of several.

    What is empty has no place to write into; then its parent is written instead.
    """
    if isinstance(edit, Append):
        items = _peek(data, edit.path)
        items = [] if items is None else _expect(items, list, edit.path)
        return _plan(data, Insert((*edit.path, len(items)), edit.value))
    if isinstance(edit, Insert):
        *way, position = edit.path
        items = _peek(data, way) or []
        if not (isinstance(position, int) and 0 <= position <= len(_expect(items, list, way))):
            raise LookupError(f"no position {position} in the list '{_said(way)}'")
        return edit if items else _plan(data, Set(tuple(way), [edit.value]))
    if isinstance(edit, Remove):
        parent = _reach(data, edit.path[:-1])
        _reach(parent, edit.path[-1:])
        return edit if len(parent) > 1 else _plan(data, Set(edit.path[:-1], type(parent)()))
    return _plan_set(data, edit)


def _plan_set(data: Any, edit: Set) -> Set:
    if not edit.path:
        return edit
    *way, last = edit.path
    parent = _peek(data, way)
    if isinstance(parent, list):
        _reach(parent, [last])
        return edit
    if parent is None or not _expect(parent, dict, way):
        return _plan_set(data, Set(tuple(way), {_key(last): edit.value}))
    _key(last)
    return edit


def _spliced(text: str, plan: Edit) -> str:
    change = Splice(text)
    if isinstance(plan, Remove):
        return change.remove(plan.path)
    if isinstance(plan, Insert):
        *way, position = plan.path
        return change.insert(way, int(position), plan.value)
    if isinstance(plan, Arrange):
        items = [
            (None, item.value) if isinstance(item, New) else (item.position, None)
            for item in plan.items
        ]
        return change.arrange(plan.path, items)
    return change.replace(plan.path, plan.value)


def _check(text: str, wanted: Any, where: str) -> None:
    """Refuse a text that does not read as the data it was written for."""
    try:
        right = _same(parse(text), wanted)
    except ConfigError:
        right = False
    if not right:
        raise Refused(
            f"{where} cannot be edited without touching other values; edit the file by hand",
            status=HTTPStatus.CONFLICT,
            code="CONFLICT",
        )


def _peek(data: Any, path: Sequence[str | int]) -> Any:
    """Return what is at ``path``, ``None`` if it or a mapping on the way is missing."""
    for i, step in enumerate(path):
        if data is None:
            return None
        if isinstance(step, str):
            data = _expect(data, dict, path[:i]).get(step)
        else:
            data = _reach(_expect(data, list, path[:i]), [step])
    return data


def _reach(data: Any, path: Sequence[str | int]) -> Any:
    for i, step in enumerate(path):
        fits = isinstance(data, dict if isinstance(step, str) else list)
        if not fits or (step not in data if isinstance(step, str) else not 0 <= step < len(data)):
            raise LookupError(f"nothing at '{_said(path[: i + 1])}'")
        data = data[step]
    return data


def _expect(data: Any, kind: type, path: Sequence[str | int]) -> Any:
    if not isinstance(data, kind):
        word = "list" if kind is list else "mapping"
        raise LookupError(f"'{_said(path)}' is no {word}")  # noqa: TRY004 - of the path, not a type
    return data


def _key(step: str | int) -> str:
    if not isinstance(step, str):
        raise LookupError(f"nothing at '{step}': a mapping's key is text")  # noqa: TRY004 - as above
    return step


def _said(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))


def _unshared(data: Any) -> Any:
    """Return a deep copy in which no two places are one object, as anchors make them."""
    if isinstance(data, dict):
        return {key: _unshared(value) for key, value in data.items()}
    return [_unshared(item) for item in data] if isinstance(data, list) else data


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of equal types all the way down (``1`` is not ``True``)."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
