"""What a file says as options, with placeholders in any of its texts, filled in for each lead.

A text that is one placeholder becomes the value itself, with its type. An option that a lead leaves
blank is left out, so that its default holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pointsman.flow import Scope, Template
from pointsman.rules.variables import plain

__all__ = ["Filling", "compile_filling"]

Path = tuple[str | int, ...]
Filling = Callable[[Scope], Any]
Compile = Callable[[str, Path], Template]


def compile_filling(written: Any, text: Compile, path: Path) -> Filling:
    """Return what fills in a value that is written at ``path``; ``text`` compiles a template."""
    if isinstance(written, str) and "{{" in written:
        template = text(written, path)
        return lambda scope: plain(template.render(scope))
    if isinstance(written, Mapping):
        return _mapping({n: compile_filling(v, text, (*path, n)) for n, v in written.items()})
    if isinstance(written, list):
        items = [compile_filling(each, text, (*path, at)) for at, each in enumerate(written)]
        return lambda scope: [fill(scope) for fill in items]
    return lambda _: written


def _mapping(parts: Mapping[str, Filling]) -> Filling:
    def fill(scope: Scope) -> dict[str, Any]:
        filled = {name: part(scope) for name, part in parts.items()}
        return {name: value for name, value in filled.items() if not _blank(value)}

    return fill


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
