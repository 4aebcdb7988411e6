"""A recipient's answer as a document: JSON, XML, HTML or plain text, searched by paths.

What is wrong with a body makes it plain text, and what is wrong with a path makes it find nothing:
nothing here raises, whatever a peer sends. XML has no DTD, no entities and no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol

import orjson

from pointsman.patterns import Pattern, compile_regex, split_regex
from pointsman.recipients.given import text_of
from pointsman.recipients.markup import HtmlDocument, XmlDocument

__all__ = ["Document", "JsonDocument", "TextDocument", "read_document", "term_pattern"]

LONGEST = 1 << 20
_DEEPEST = 20
_MOST_ITEMS = 1_000
_MOST_FOUND = 100
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_CHARSETS = re.compile(
    r"(?:us-)?ascii|utf-?8|utf-?16(?:le|be)?|latin-?1|iso-8859-\d{1,2}|(?:windows-|cp)125\d"
    r"|shift_jis|euc-(?:jp|kr)|gb(?:2312|k|18030)|big5|koi8-[ru]",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[A-Za-z!/][^>]*>")


class Document(Protocol):
    """A body that was read; ``text`` is all of it."""

    text: str

    def found(self, path: str) -> list[str]:
        """Return the values at a path as text."""

    def searched(self, path: str) -> list[str]:
        """Return what a search at a path looks through."""

    def appended(self) -> dict[str, Any]:
        """Return what is added to the lead's variables."""


class TextDocument:
    """Plain text, in which paths are regular expressions."""

    def __init__(self, text: str) -> None:
        self.text = text

    def found(self, path: str) -> list[str]:
        """Return the first group of the first match, or all of it."""
        pattern = term_pattern(path)
        match = None if pattern is None else pattern.search(self.text)
        if match is None:
            return []
        return [(match.group(1) if match.groups() else match.group()) or ""]

    def searched(self, _path: str) -> list[str]:
        """Return the whole text: there is nothing that a path could lead to."""
        return [self.text]

    def appended(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


class JsonDocument:
    """A JSON value, in which paths are dotted and ``*`` is any key; a list is at ``array``."""

    def __init__(self, text: str, value: Any) -> None:
        self.text = text
        self._value = {"array": value} if isinstance(value, list) else value

    def found(self, path: str) -> list[str]:
        """Return the texts, numbers and booleans at a path, those in a list one by one."""
        values = islice(_at(self._value, path.split(".")), _MOST_FOUND)
        return [text_of(value) for value in _flat(values) if not isinstance(value, dict)]

    def searched(self, path: str) -> list[str]:
        """Return the same, and objects as their JSON."""
        values = islice(_at(self._value, path.split(".")), _MOST_FOUND)
        return [
            orjson.dumps(value).decode() if isinstance(value, dict) else text_of(value)
            for value in _flat(values)
        ]

    def appended(self) -> dict[str, Any]:
        """Return the whole document, with quotes around keys that are places in a list."""
        pruned = _pruned(self._value)
        return pruned if isinstance(pruned, dict) else {}


def read_document(body: bytes, content_type: str) -> Document:
    """Return a body as what its content type says that it is, or as text."""
    kind = content_type.partition(";")[0].strip().lower()
    text = _decoded(body[:LONGEST], content_type)
    if kind.endswith(("/json", "+json")):
        try:
            return JsonDocument(text, orjson.loads(text))
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return TextDocument(text)
    if kind in ("text/xml", "application/xml") or kind.endswith("+xml"):
        return XmlDocument.read(text, body[:LONGEST]) or TextDocument(text)
    if kind == "text/html" and _TAG.search(text):
        return HtmlDocument.read(text) or TextDocument(text)
    return TextDocument(text)


@lru_cache(maxsize=256)
def term_pattern(term: str) -> Pattern | None:
    """Return the pattern of a term, any case; ``None`` for one that cannot be read."""
    body, flags = split_regex(term) or (term, "")
    try:
        return compile_regex(body, flags if "i" in flags else flags + "i")
    except ValueError:
        return None


def _decoded(body: bytes, content_type: str) -> str:
    declared = _CHARSET.search(content_type)
    charset = declared[1] if declared and _CHARSETS.fullmatch(declared[1]) else "utf-8"
    try:
        return body.decode(charset, "replace").removeprefix("\ufeff")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def _at(value: Any, parts: list[str]) -> Iterator[Any]:
    """Yield the values at a dotted path; each step goes through all that a star names."""
    level = [value]
    for part in parts:
        level = list(islice((item for held in level for item in _step(held, part)), _MOST_ITEMS))
    yield from level


def _step(value: Any, part: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if part == "*":
            yield from value.values()
        elif part in value:
            yield value[part]
        elif part[:1] == part[-1:] == "'" and part[1:-1] in value:
            yield value[part[1:-1]]
    elif isinstance(value, list):
        if part == "*":
            yield from value
        elif part.isascii() and part.isdigit() and int(part[:9]) < len(value):
            yield value[int(part[:9])]


def _flat(values: Iterator[Any]) -> Iterator[Any]:
    for value in values:
        yield from (item for item in (value if isinstance(value, list) else [value]))


def _pruned(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict):
        if depth >= _DEEPEST:
            return {}
        items = islice(value.items(), _MOST_ITEMS)
        return {_key(key): _pruned(item, depth + 1) for key, item in items}
    if isinstance(value, list):
        return [] if depth >= _DEEPEST else [_pruned(i, depth + 1) for i in value[:_MOST_ITEMS]]
    return value


def _key(key: str) -> str:
    return f"'{key}'" if key.isascii() and key.isdigit() else key
