"""A template's text, split into texts and the insides of its tags.

Text is read in one pass. Braces inside of quotes are text, so ``"regexp(h.{3})"`` ends nothing. A
block's tag or a comment that stands alone on its line takes the line with it, so that a body of
several lines gets no empty ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["STRING", "WrongTemplate", "pieces"]

STRING = r"\"(?:\\\"|[^\"])*+\"|'(?:\\'|[^'])*+'"
"""A text in either kind of quotes, as a regular expression."""

_TAG = re.compile(
    r"\{\{(?P<before>~?)(?:!--.*?--(?P<comment>~?)\}\}|"
    rf"(?P<raw>\{{?)(?P<inside>(?:{STRING}|\[[^\[\]]*+\]|[^{{}}\"'\[~]|~(?!\}}))*+)"
    r"\}?(?P<after>~?)\}\})",
    re.DOTALL,
)


class WrongTemplate(ValueError):
    """A template that cannot be read; the message says why."""


def pieces(text: str) -> Iterator[str | tuple[str]]:
    """Yield texts, and the insides of tags as tuples."""
    at, strip = 0, False
    while (start := text.find("{{", at)) >= 0:
        found = _TAG.match(text, start)
        if found is None:
            raise WrongTemplate(
                f"begins '{text[start : start + 30]}' and does not end it; close it with '}}}}', "
                "and its quotes"
            )
        signs = _backslashes(text, at, start)
        first, last = (start - bool(signs), found.end()) if signs else _line(text, found)
        before = text[at:first]
        before = before.lstrip() if strip else before
        strip = bool(found["after"] or found["comment"])
        yield before.rstrip() if found["before"] else before
        if signs == 1:
            yield found[0]
        elif found["inside"] is not None and not found["inside"].startswith("!"):
            yield (found["inside"],)
        at = last
    yield text[at:].lstrip() if strip else text[at:]


def _backslashes(text: str, at: int, start: int) -> int:
    """Return how many there are before a tag: one makes it text, two are one and a tag."""
    before = text[max(at, start - 2) : start]
    return len(before) - len(before.rstrip("\\"))


def _line(text: str, found: re.Match[str]) -> tuple[int, int]:
    """Return where a tag begins and ends; if it stands alone on its line, where that does."""
    start, end = found.span()
    inside = (found["inside"] or "!").strip()
    if inside[:1] not in ("#", "/", "!", "^") and inside.partition(" ")[0] != "else":
        return start, end
    first, newline = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    last = len(text) if newline < 0 else newline + 1
    is_alone = not text[first:start].strip() and not text[end:last].strip()
    return (first, last) if is_alone else (start, end)
