"""Placeholders in the configuration of actions: ``{{trigger.first_name}}``, ``{{steps.1.status}}``.

A template is compiled once; a value that is exactly one placeholder keeps its type, any other is
text. What a placeholder stands for is put in and never looked at again, so ``{{`` inside a lead's
data stays the text it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from pointsman.errors import ActionError
from pointsman.rules.paths import MISSING, compile_path
from pointsman.rules.placeholders import Placeholder, problems, split

__all__ = [
    "LIMIT",
    "Template",
    "compile_template",
    "environment_names",
    "template_problems",
    "trigger_paths",
]

LIMIT = 1_000_000
"""Characters that one rendering may put in all together."""

Scope = Mapping[str, Any]
Place = tuple[str | int, ...]


class Template:
    """A compiled value: text, or lists and mappings with placeholders in them."""

    __slots__ = ("_render",)

    def __init__(self, render: Render) -> None:
        self._render = render

    def render(self, scope: Scope) -> tuple[Any, list[str]]:
        """Return the value in ``scope``, and the paths that led nowhere.

        Raises ``ActionError`` if it becomes too long.
        """
        filling = _Filling(scope)
        return self._render(filling), filling.missing


class _Filling:
    """One rendering: what it may name, what it missed, and how much room it has left."""

    __slots__ = ("missing", "room", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.missing: list[str] = []
        self.room = LIMIT

    def take(self, size: int) -> None:
        """Use up room."""
        self.room -= size
        if self.room < 0:
            raise ActionError(f"the placeholders stand for more than {LIMIT} characters")


Render = Callable[[_Filling], Any]


def compile_template(value: Any) -> Template:
    """Compile a value as it is written in a file; anything that is no placeholder stays text."""
    return Template(_compile(value))


def template_problems(value: Any, step: int | None) -> list[tuple[Place, str]]:
    """Return what is known to be wrong with the placeholders of step number ``step``.

    ``None`` is a step that may have any others before it.
    """
    return [
        (place, problem)
        for place, text in _texts(value, ())
        if "{{" in text
        for problem in problems(text, step)
    ]


def environment_names(value: Any) -> list[tuple[Place, str]]:
    """Return the variables of the environment that placeholders name."""
    return _below("env.", value)


def trigger_paths(value: Any) -> list[tuple[Place, str]]:
    """Return the paths into the record that placeholders name."""
    return _below("trigger.", value)


def _below(root: str, value: Any) -> list[tuple[Place, str]]:
    return [
        (place, piece.path.removeprefix(root))
        for place, text in _texts(value, ())
        if "{{" in text
        for piece in split(text)
        if isinstance(piece, Placeholder) and piece.path.startswith(root)
    ]


def _compile(value: Any) -> Render:
    if isinstance(value, Mapping):
        parts = [(key, _compile(item)) for key, item in value.items()]
        return lambda filling: {key: part(filling) for key, part in parts}
    if isinstance(value, list | tuple):
        items = [_compile(item) for item in value]
        return lambda filling: [item(filling) for item in items]
    if isinstance(value, str) and "{{" in value:
        return _compile_text(value)
    return lambda _filling: value


def _compile_text(text: str) -> Render:
    pieces = [p if isinstance(p, str) else _fetch(p) for p in split(text)]
    if len(pieces) == 1:
        piece = pieces[0]
        return (lambda _filling: piece) if isinstance(piece, str) else _typed(piece)

    def render(filling: _Filling) -> str:
        told: list[str] = []
        for piece in pieces:
            told.append(piece if isinstance(piece, str) else _text(piece(filling)))
            filling.take(len(told[-1]))
        return "".join(told)

    return render


def _fetch(placeholder: Placeholder) -> Render:
    path, filters = placeholder.path, placeholder.filters
    reach = compile_path(_from_zero(path))

    def fetch(filling: _Filling) -> Any:
        value = reach(filling.scope)
        for apply in filters:
            value = apply(value, filling.scope)
        if value is MISSING:
            filling.missing.append(path)
        return value

    return fetch


def _from_zero(path: str) -> str:
    """Return a path with its step number, which counts from 1 in a file, as a list index."""
    root, _, rest = path.partition(".")
    number, dot, tail = rest.partition(".")
    if root != "steps" or not (number.isascii() and number.isdigit()):
        return path
    index = int(number[:9])
    return f"steps.{index - 1}{dot}{tail}" if index else f"steps.x{dot}{tail}"


def _typed(fetch: Render) -> Render:
    def render(filling: _Filling) -> Any:
        value = fetch(filling)
        if isinstance(value, str):
            filling.take(len(value))
        elif isinstance(value, list | dict):
            filling.take(len(_text(value)))
        return "" if value is MISSING else value

    return render


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    if type(value) is int:
        return str(value)
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*place, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*place, index))
    elif isinstance(value, str):
        yield place, value
