"""What stands between ``{{`` and ``}}``: a path, and filters after it.

``{{trigger.first_name | default: "there" | upper}}``. The arguments of a filter are literals: text
in either kind of quotes, numbers, ``true``, ``false``. Text is split and read in one pass, whatever
it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.registry import nearest
from pointsman.rules.filters import Apply, filters
from pointsman.rules.paths import PATH

__all__ = ["ROOTS", "Placeholder", "problems", "split"]

ROOTS: Mapping[str, frozenset[str] | None] = {
    "trigger": None,
    "owner": frozenset({"id", "handle", "name", "email", "phone"}),
    "steps": None,
    "workflow": frozenset({"id", "name"}),
    "organization": frozenset({"id", "name", "time_zone"}),
    "now": frozenset(),
    "env": None,
}
"""What a path may begin with, and what may follow it (``None``: anything)."""

MOST_FILTERS = 10

_LITERAL = r"\"[^\"]{0,1000}+\"|'[^']{0,1000}+'|-?[0-9]{1,15}+(?:\.[0-9]{1,15}+)?+|true|false"
_ARGUMENTS = rf"(?:{_LITERAL})(?:\s*+,\s*+(?:{_LITERAL}))*+"
_FILTER = re.compile(rf"\|\s*+(?P<name>\w++)\s*+(?::\s*+(?P<arguments>{_ARGUMENTS})\s*+)?+")
_PLACEHOLDER = re.compile(r"\{\{((?:\"[^\"]{0,1000}+\"|'[^']{0,1000}+'|[^{}\"'])*+)\}\}")
_PATH = re.compile(rf"\s*+({PATH})\s*+")
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A path, and what is made of the value that it leads to."""

    path: str
    filters: Sequence[Apply] = ()


class _WrongError(ValueError):
    """A placeholder that cannot be read; the message says why."""


def split(text: str) -> Iterator[str | Placeholder]:
    """Yield the pieces of a text; what is no right placeholder is text."""
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        try:
            placeholder = _parse(found[1])
        except _WrongError:
            continue
        if found.start() > end:
            yield text[end : found.start()]
        yield placeholder
        end = found.end()
    if end < len(text):
        yield text[end:]


def problems(text: str, step: int | None) -> Iterator[str]:
    """Yield what is known to be wrong with the placeholders in a text of step number ``step``.

    ``None`` is a step that may have any others before it.
    """
    for found in _PLACEHOLDER.finditer(text):
        try:
            problem = _path_problem(_parse(found[1]).path, step)
        except _WrongError as error:
            problem = f"'{found[0][:200]}' {error}"
        if problem:
            yield problem
    if "{{" in _PLACEHOLDER.sub("", text):
        yield "'{{' begins a placeholder that does not end; close it with '}}', and its quotes"


def _parse(inside: str) -> Placeholder:
    path = _PATH.match(inside)
    if path is None:
        raise _WrongError("is not a path; write one such as {{trigger.first_name}}")
    applied: list[Apply] = []
    at = path.end()
    while at < len(inside):
        found = _FILTER.match(inside, at)
        if found is None:
            raise _WrongError(
                "is not a path with filters; write it as in "
                '{{trigger.first_name | default: "there"}}'
            )
        applied.append(_filter(found["name"], found["arguments"]))
        at = found.end()
    if len(applied) > MOST_FILTERS:
        raise _WrongError(f"has more than {MOST_FILTERS} filters")
    return Placeholder(path[1], tuple(applied))


def _filter(name: str, written: str | None) -> Apply:
    if name not in filters:
        raise _WrongError(f"has an {filters.explain_missing(name)}")
    literals = [_literal(found[0]) for found in re.finditer(_LITERAL, written or "")]
    try:
        return filters[name].build(*literals)
    except ValueError as error:
        raise _WrongError(f"has a filter that cannot work: '{name}' {error}") from None
    except TypeError:
        raise _WrongError(
            f"gives '{name}' what it does not take; write it as in '{filters[name].example}'"
        ) from None


def _literal(text: str) -> Any:
    if text[0] in "\"'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def _path_problem(path: str, step: int | None) -> str | None:
    root, _, rest = path.partition(".")
    if root not in ROOTS:
        return f"unknown name '{root}'{nearest(root, list(ROOTS))} (known: {', '.join(ROOTS)})"
    if root == "env" and not _ENVIRONMENT.fullmatch(rest):
        return f"'{path}' names no variable; write one such as {{{{env.SITE}}}}"
    if root == "steps":
        return _step_problem(path, rest.partition(".")[0], step)
    known = ROOTS[root]
    if known is not None and rest not in known and (rest or known):
        return f"'{root}' has {', '.join(sorted(known)) or 'nothing'} below it, not '{rest}'"
    return None


def _step_problem(path: str, number: str, step: int | None) -> str | None:
    place = int(number[:9]) if number.isascii() and number.isdigit() else 0
    if place and (step is None or place < step):
        return None
    here = "" if step is None else f"this is step {step}, and "
    return f"'{path}' is not an earlier step; {here}steps count from 1"
