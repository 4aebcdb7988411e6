"""JSON values as YAML text, in the manner of the file that they go into.

A plain scalar is written only where YAML 1.1 and 1.2 both read it as that string, in block and in
flow: other readers of the files are not ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.config.marks import Node

__all__ = ["Manner", "manner"]

_PLAIN = re.compile(r"[^\W\d_][\w./+-]*(?:[ @][\w./+()-]+)*")
_RESERVED = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Manner:
    """How a file is written: its line break, indentation, quotes, and place of dashes."""

    newline: str = "\n"
    step: int = 2
    dash: int = 2
    quote: str = '"'

    def inline(self, value: Any, quote: str = "") -> str:
        """Return ``value`` on one line; collections in flow style."""
        if isinstance(value, Mapping):
            pairs = (f"{self.inline(str(k))}: {self.inline(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        if isinstance(value, str):
            return _string(value, quote, self.quote)
        if isinstance(value, Sequence):
            return f"[{', '.join(map(self.inline, value))}]"
        return _constant(value)

    def block(self, value: Any, indent: int) -> list[str]:
        """Return the lines of a collection in block style at column ``indent``."""
        pad = " " * indent
        if isinstance(value, Mapping):
            return [
                line
                for key, item in value.items()
                for line in self._entry(f"{pad}{self.inline(str(key))}:", item, indent)
            ]
        return [line for item in value for line in self.item(item, indent)]

    def item(self, value: Any, indent: int) -> list[str]:
        """Return the lines of one item of a block sequence whose dashes are at ``indent``."""
        pad = " " * indent
        if self.fits(value):
            return [f"{pad}- {self.inline(value)}"]
        first, *rest = self.block(value, indent + 2)
        return [f"{pad}- {first.lstrip(' ')}", *rest]

    def _entry(self, head: str, value: Any, indent: int) -> list[str]:
        if self.fits(value):
            return [f"{head} {self.inline(value)}"]
        return [head, *self.block(value, indent + self.inset(value))]

    def inset(self, value: Any) -> int:
        """Return how far inside its key a collection starts."""
        return self.step if isinstance(value, Mapping) else self.dash

    def fits(self, value: Any) -> bool:
        """Whether ``value`` is written on its key's line: scalars, and short lists of scalars."""
        if isinstance(value, Mapping):
            return not value
        if isinstance(value, str) or not isinstance(value, Sequence):
            return True
        plain = not any(isinstance(item, (Mapping, list, tuple)) for item in value)
        return plain and len(self.inline(value)) <= _WIDTH


def manner(text: str, root: Node | None) -> Manner:
    """Return how ``text`` is written, from the first example of each habit."""
    break_at = text.find("\n")
    newline = "\r\n" if break_at > 0 and text[break_at - 1] == "\r" else "\n"
    found: dict[str, int] = {}
    quotes = {"'": 0, '"': 0}
    stack = [root] if root else []
    while stack:
        node = stack.pop()
        stack += reversed([*node.keys, *node.children])
        if node.style in quotes:
            quotes[node.style] += 1
        if node.kind == "mapping" and not node.flow:
            _insets(node, text, found)
    quote = "'" if quotes["'"] > quotes['"'] else '"'
    return Manner(newline, found.get("mapping", 2), found.get("sequence", 2), quote)


def _insets(node: Node, text: str, found: dict[str, int]) -> None:
    for key, child in zip(node.keys, node.children, strict=True):
        below = child.keys or child.children
        if below and not child.flow and "\n" in text[key.end : below[0].start]:
            found.setdefault(child.kind, child.column - node.column)


def _constant(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return _number(value)
    raise TypeError(f"{value!r} has no place in a configuration file; expected a JSON value")


def _number(value: float) -> str:
    """YAML 1.1 wants a point and a signed exponent in a float: ``1.0e+16``, not ``1e16``."""
    digits, exponent, power = repr(value).partition("e")
    if not exponent:
        return digits
    point = "" if "." in digits else ".0"
    return f"{digits}{point}e{power if power[0] in '+-' else '+' + power}"


def _string(value: str, quote: str, fallback: str) -> str:
    """Return a string plain where that is safe and no ``quote`` is asked for."""
    if not quote and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    if (quote or fallback) == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else _wide(code)  # noqa: PLR2004 - one byte


def _wide(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - two bytes
