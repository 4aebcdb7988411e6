"""The grammar of an address in a message header, RFC 5322 with its older forms.

Everything is read once from left to right, so the time is in proportion to the length.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["mailbox"]

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
_GAP = re.compile(r"(?:[ \t]|\r\n(?=[ \t]))+")
_QUOTED = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"', re.DOTALL)
_LITERAL = re.compile(r"\[[^\[\]\\\x80-\U0010ffff\r\n]*\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_IN_COMMENT = re.compile(r"[^()\\\x80-\U0010ffff]+")


class _Token(NamedTuple):
    kind: str
    text: str


Tokens = list[_Token]
_END = _Token("end", "")


def mailbox(text: str) -> tuple[str, str] | None:
    """Return user and domain of one address, of a group the first; ``None`` if it is none."""
    tokens = _tokens(text)
    return _Reader(tokens).address() if tokens else None


def _tokens(text: str) -> Tokens | None:
    """Return words and marks without white space and comments, ``None`` at what is neither."""
    tokens: Tokens = []
    place = 0
    while place < len(text):
        if text[place] == "(":
            end = _comment_end(text, place)
            if end is None:
                return None
            place = end
            continue
        if gap := _GAP.match(text, place):
            place = gap.end()
            continue
        found = _token(text, place)
        if found is None:
            return None
        token, place = found
        tokens.append(token)
    return tokens


def _token(text: str, place: int) -> tuple[_Token, int] | None:
    if atom := _ATOM.match(text, place):
        return _Token("atom", atom[0]), atom.end()
    if quoted := _QUOTED.match(text, place):
        return _Token("quoted", '"' + _ESCAPE.sub(r"\1", quoted[1]) + '"'), quoted.end()
    if literal := _LITERAL.match(text, place):
        return _Token("literal", literal[0]), literal.end()
    mark = text[place]
    return (_Token(mark, mark), place + 1) if mark in "@.<>:;," else None


def _comment_end(text: str, place: int) -> int | None:
    """Return the place after a comment, which may hold comments."""
    depth = 0
    while place < len(text):
        character = text[place]
        depth += (character == "(") - (character == ")")
        if inside := _IN_COMMENT.match(text, place):
            place = inside.end()
        elif character in "()":
            place += 1
        elif character == "\\":
            place += 2
        else:
            return None
        if depth == 0:
            return place
    return None


class _Reader:
    """Reads the grammar; every method returns ``None`` where the text does not fit."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._place = 0

    def address(self) -> tuple[str, str] | None:
        if self._is_group():
            self._place += 1
            found = self._mailboxes()
            return found if self._skip(";") and self._kind() == "end" else None
        self._place = 0
        found = self._mailbox()
        return found if self._kind() == "end" else None

    def _is_group(self) -> bool:
        self._words()
        return self._place > 0 and self._kind() == ":"

    def _mailboxes(self) -> tuple[str, str] | None:
        first = self._mailbox()
        while first and self._skip(","):
            if self._mailbox() is None:
                return None
        return first

    def _mailbox(self) -> tuple[str, str] | None:
        start = self._place
        self._words()
        if not self._skip("<"):
            self._place = start
            return self._plain()
        if self._kind() == "@" and not self._route():
            return None
        found = self._plain()
        return found if self._skip(">") else None

    def _route(self) -> bool:
        """Pass over ``@relay,@relay:``."""
        while self._skip("@"):
            if self._domain() is None:
                return False
            self._skip(",")
        return self._skip(":")

    def _plain(self) -> tuple[str, str] | None:
        user = self._dotted("atom", "quoted")
        if user is None or not self._skip("@"):
            return None
        domain = self._domain()
        return (user, domain) if domain is not None else None

    def _domain(self) -> str | None:
        if self._kind() == "literal":
            return self._take().text
        return self._dotted("atom")

    def _dotted(self, *kinds: str) -> str | None:
        parts = []
        while self._kind() in kinds:
            parts.append(self._take().text)
            if not self._skip("."):
                return ".".join(parts)
        return None

    def _words(self) -> None:
        while self._kind() in {"atom", "quoted"}:
            self._place += 1

    def _kind(self) -> str:
        return (self._tokens[self._place] if self._place < len(self._tokens) else _END).kind

    def _take(self) -> _Token:
        self._place += 1
        return self._tokens[self._place - 1]

    def _skip(self, kind: str) -> bool:
        found = self._kind() == kind
        self._place += found
        return found
