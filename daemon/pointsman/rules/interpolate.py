"""Placeholders in the configuration of actions: ``{{trigger.first_name}}``, ``{{steps.1.status}}``.

A template is compiled once; a value that is exactly one placeholder keeps its type, any other is
text. What a placeholder stands for is put in and never looked at again, so ``{{`` inside a lead's
data stays the text it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from pointsman.registry import nearest
from pointsman.rules.paths import MISSING, PATH, compile_path

__all__ = ["ROOTS", "Template", "compile_template", "template_problems"]

ROOTS: Mapping[str, frozenset[str] | None] = {
    "trigger": None,
    "steps": None,
    "workflow": frozenset({"id", "name"}),
    "organization": frozenset({"id", "name"}),
    "now": frozenset(),
}
"""What a path may begin with, and what may follow it (``None``: anything)."""

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH = re.compile(rf"\s*({PATH})\s*")

Scope = Mapping[str, Any]
Place = tuple[str | int, ...]
Render = Callable[[Scope, list[str]], Any]


class Template:
    """A compiled value: text, or lists and mappings with placeholders in them."""

    __slots__ = ("_render",)

    def __init__(self, render: Render) -> None:
        self._render = render

    def render(self, scope: Scope) -> tuple[Any, list[str]]:
        """Return the value in ``scope``, and the paths that led nowhere."""
        missing: list[str] = []
        return self._render(scope, missing), missing


def compile_template(value: Any) -> Template:
    """Compile a value as it is written in a file; anything that is no path stays text."""
    return Template(_compile(value))


def template_problems(value: Any, step: int) -> list[tuple[Place, str]]:
    """Return what is known to be wrong with the placeholders of step number ``step``."""
    return [
        (place, problem)
        for place, text in _texts(value, ())
        for found in _PLACEHOLDER.finditer(text)
        if (problem := _problem(found[1], step))
    ]


def _compile(value: Any) -> Render:
    if isinstance(value, Mapping):
        parts = [(key, _compile(item)) for key, item in value.items()]
        return lambda scope, missing: {key: part(scope, missing) for key, part in parts}
    if isinstance(value, list):
        items = [_compile(item) for item in value]
        return lambda scope, missing: [item(scope, missing) for item in items]
    if isinstance(value, str) and "{{" in value:
        return _compile_text(value)
    return lambda _scope, _missing: value


def _compile_text(text: str) -> Render:
    pieces: list[str | Render] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        path = _PATH.fullmatch(found[1])
        if path:
            pieces += [text[end : found.start()], _fetch(path[1])]
            end = found.end()
    pieces.append(text[end:])
    pieces = [piece for piece in pieces if piece != ""]
    if len(pieces) == 1 and not isinstance(pieces[0], str):
        return _typed(pieces[0])
    return lambda scope, missing: "".join(
        piece if isinstance(piece, str) else _text(piece(scope, missing)) for piece in pieces
    )


def _fetch(path: str) -> Render:
    reach = compile_path(_from_zero(path))

    def fetch(scope: Scope, missing: list[str]) -> Any:
        value = reach(scope)
        if value is MISSING:
            missing.append(path)
        return value

    return fetch


def _from_zero(path: str) -> str:
    """Return a path with its step number, which counts from 1 in a file, as a list index."""
    root, _, rest = path.partition(".")
    number, dot, tail = rest.partition(".")
    if root != "steps" or not number.isdigit():
        return path
    return f"steps.{int(number) - 1}{dot}{tail}" if int(number) else f"steps.x{dot}{tail}"


def _typed(fetch: Render) -> Render:
    def render(scope: Scope, missing: list[str]) -> Any:
        value = fetch(scope, missing)
        return "" if value is MISSING else value

    return render


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    return orjson.dumps(value, default=str).decode()


def _texts(value: Any, place: Place) -> list[tuple[Place, str]]:
    if isinstance(value, Mapping):
        return [found for key, item in value.items() for found in _texts(item, (*place, key))]
    if isinstance(value, list):
        return [found for key, item in enumerate(value) for found in _texts(item, (*place, key))]
    return [(place, value)] if isinstance(value, str) else []


def _problem(inside: str, step: int) -> str | None:
    path = _PATH.fullmatch(inside)
    if not path:
        return f"'{{{{{inside}}}}}' is not a path; write one such as {{{{trigger.first_name}}}}"
    root, _, rest = path[1].partition(".")
    if root not in ROOTS:
        return f"unknown name '{root}'{nearest(root, list(ROOTS))} (known: {', '.join(ROOTS)})"
    if root == "steps":
        number = rest.partition(".")[0]
        if not number.isdigit() or not 0 < int(number) < step:
            return (
                f"'{path[1]}' is not an earlier step; this is step {step}, and steps count from 1"
            )
    known = ROOTS[root]
    if known is not None and rest not in known and (rest or known):
        return f"'{root}' has {', '.join(sorted(known)) or 'nothing'} below it, not '{rest}'"
    return None
