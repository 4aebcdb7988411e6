"""Helpers of text: case, parts of it, and patterns in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pointsman.rules.templates.helpers import LIMIT, Argument, Render, Usage, template_helper
from pointsman.rules.templates.matching import Match, compile_matcher
from pointsman.rules.variables import Scope

__all__ = ["extract", "lowercase", "replace", "substring", "uppercase"]

Find = Callable[[str], Iterator[Match]]

_REGEXP = "regexp("
_DOUBLED = re.compile(r"\\\\(?=[bdswBDSW])")
"""A backslash written twice, as in text within text; the reference's own example has it."""


@template_helper("lowercase", "{{lowercase lead.first_name}}")
def lowercase(usage: Usage) -> Render:
    """Text in small letters."""
    given = usage.only()
    return lambda scope: given.text(scope).lower()


@template_helper("uppercase", "{{uppercase lead.state}}")
def uppercase(usage: Usage) -> Render:
    """Text in capitals."""
    given = usage.only()
    return lambda scope: given.text(scope).upper()


@template_helper("substring", '{{substring lead.first_name start="2" end="4"}}')
def substring(usage: Usage) -> Render:
    """The characters from `start` to `end`, counted from 1, both included; without `end` to the
    end of the text. `"Michael"` from 2 to 4 is `ich`.
    """  # noqa: D205 - one sentence
    given = usage.only("start", "end")
    start, end = usage.number("start"), usage.number("end")

    def part(scope: Scope) -> str:
        first, last = start(scope), end(scope)
        begin = max((1 if first is None else first) - 1, 0)
        return given.text(scope)[begin : None if last is None else max(last, 0)]

    return part


@template_helper("replace", '{{replace lead.phone_1.raw pattern="-" replace=""}}')
def replace(usage: Usage) -> Render:
    """Text with every occurrence of `pattern` replaced. The pattern is plain text, or a regular
    expression if it is written `"regexp(h.{3})"`; then `$1` in `replace` is its first group, `$&`
    all that it found.
    """  # noqa: D205 - one sentence
    given = usage.only("pattern", "replace")
    pattern, new = usage.required("pattern"), usage.options.get("replace")
    if not pattern.constant:
        return _replaced_dynamically(given, pattern, new)
    body = _pattern_text(pattern)
    if not (body.startswith(_REGEXP) and body.endswith(")")):
        return lambda scope: _replaced(given.text(scope), body, _new(new, scope))
    find = _expression(body[len(_REGEXP) : -1])
    return lambda scope: _rewritten(given.text(scope), find, _new(new, scope))


@template_helper("extract", '{{extract lead.reference pattern="#([0-9]+)"}}')
def extract(usage: Usage) -> Render:
    """All that a regular expression finds in a text, joined by spaces: its first group if it has
    one, else the whole match.
    """  # noqa: D205 - one sentence
    given = usage.only("pattern")
    pattern = usage.required("pattern")
    if not pattern.constant:
        raise ValueError("takes pattern as text in quotes, not a variable")
    body = _pattern_text(pattern)
    if body.startswith(_REGEXP) and body.endswith(")"):
        body = body[len(_REGEXP) : -1]
    find = _expression(body)
    return lambda scope: " ".join(_found(find, given.text(scope)))[:LIMIT]


def _pattern_text(pattern: Argument) -> str:
    body = pattern.text({})
    if not body:
        raise ValueError("needs a pattern that is not empty")
    return body


def _expression(body: str) -> Find:
    return compile_matcher(_DOUBLED.sub(lambda _found: "\\", body))


def _new(new: Argument | None, scope: Scope) -> str:
    return "" if new is None else new.text(scope)


def _replaced_dynamically(given: Argument, pattern: Argument, new: Argument | None) -> Render:
    """Replace what a variable holds: always plain text, whatever it looks like."""
    return lambda scope: _replaced(given.text(scope), pattern.text(scope), _new(new, scope))


def _replaced(text: str, old: str, new: str) -> str:
    if not old:
        return text
    growth = len(new) - len(old)
    if growth <= 0 or len(text) + text.count(old) * growth <= LIMIT:
        return text.replace(old, new)
    return text.replace(old, new, max(LIMIT - len(text), 0) // growth + 1)[:LIMIT]


def _found(find: Find, text: str) -> Iterator[str]:
    for match in find(text):
        found = match.groups[0] if match.groups else match.text
        if found:
            yield found


def _rewritten(text: str, find: Find, new: str) -> str:
    pieces: list[str] = []
    at, room = 0, LIMIT
    for match in find(text):
        pieces += (text[at : match.start], _expanded(new, match))
        room -= len(pieces[-1]) + len(pieces[-2])
        at = match.end
        if room < 0:
            break
    pieces.append(text[at:])
    return "".join(pieces)[:LIMIT]


def _expanded(new: str, match: Match) -> str:
    """Return the replacement with ``$1`` … ``$9``, ``$&`` and ``$$`` put in."""
    if "$" not in new:
        return new
    told, at = [], 0
    while (sign := new.find("$", at)) >= 0:
        told.append(new[at:sign])
        what: Any = _referred(new[sign + 1 : sign + 2], match)
        told.append("$" if what is None else what)
        at = sign + (1 if what is None else 2)
    return ("".join(told) + new[at:])[:LIMIT]


def _referred(sign: str, match: Match) -> str | None:
    if sign == "&":
        return match.text
    if sign == "$":
        return "$"
    if sign.isascii() and sign.isdigit() and 0 < int(sign) <= len(match.groups):
        return match.groups[int(sign) - 1] or ""
    return None
