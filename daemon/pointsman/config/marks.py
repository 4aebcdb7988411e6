"""A YAML text as a tree of places: which characters each key, value and item covers.

Made from the parser's events, not from composed nodes: an alias has its own place here instead of
its anchor's. Block collections have no end mark worth the name (the parser tells where the next
token starts, comments later), so an end is always that of the last thing inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from pointsman.config.reading import parser, read
from pointsman.errors import ConfigError, Problem

__all__ = ["Node", "parse", "places", "skip"]

_KEEP = re.compile(r"[|>][0-9-]*\+")
_BREAKS = " \t\r\n"


@dataclass(slots=True)
class Node:
    """One value in its text: ``kind`` is ``scalar``, ``alias``, ``mapping`` or ``sequence``.

    ``start`` includes an anchor or tag, ``body`` does not. ``children`` are the values,
    ``keys`` (of a mapping) the nodes of its keys, in the same order.
    """

    kind: str
    start: int
    end: int
    body: int
    column: int
    text: str = ""
    style: str = ""
    flow: bool = False
    keys: list[Node] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing is written where the value would be (a null)."""
        return self.kind == "scalar" and self.start == self.end

    def find(self, key: str) -> int | None:
        """Return the position of a key of this mapping."""
        return next((i for i, node in enumerate(self.keys) if node.text == key), None)


def parse(text: str, name: str = "<text>") -> Any:
    """Return the data of a YAML text, ``None`` if nothing is written in it.

    Raises ``ConfigError`` with the place of what is wrong.
    """
    written = (line.strip() for line in text.splitlines())
    if not any(line and not line.startswith("#") for line in written):
        return None
    document = read(text.encode())
    if document.faults:
        raise ConfigError(
            Problem(name, fault.line, fault.column, fault.pointer, fault.message)
            for fault in document.faults
        )
    return document.data


def places(text: str) -> Node | None:
    """Return the tree of a ``text`` that :func:`parse` accepts, ``None`` if it holds nothing."""
    events = iter(parser(text.encode()).parse(text))
    for event in events:
        if isinstance(event, DocumentStartEvent):
            return _node(text, next(events), events)
    return None


def skip(text: str, position: int) -> int:
    """Return where the next thing that is neither blank nor comment starts."""
    while position < len(text):
        if text[position] in _BREAKS:
            position += 1
        elif text[position] == "#" and (not position or text[position - 1] in _BREAKS):
            newline = text.find("\n", position)
            position = len(text) if newline < 0 else newline
        else:
            break
    return position


def _node(text: str, event: Any, events: Iterator[Any]) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent):
        return Node("alias", start, end, start, event.start_mark.column)
    body = _body(text, start, end, marked=bool(event.anchor or event.tag))
    if isinstance(event, ScalarEvent):
        style = str(event.style or "")
        end = _scalar_end(text, body, end) if style in ("|", ">") else end
        column = event.start_mark.column
        return Node("scalar", start, end, body, column, text=event.value, style=style)
    kind = "mapping" if isinstance(event, MappingStartEvent) else "sequence"
    node = Node(kind, start, end, body, 0, flow=bool(event.flow_style))
    _fill(node, text, events)
    return node


def _fill(node: Node, text: str, events: Iterator[Any]) -> None:
    """Read the children of a collection up to its end event."""
    for event in events:
        if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            break
        child = _node(text, event, events)
        if node.kind == "mapping":
            node.keys.append(child)
            child = _node(text, next(events), events)
            if child.empty:
                child.start = child.end = child.body = _after_colon(text, node.keys[-1].end)
        node.children.append(child)
    first = node.keys[0].start if node.keys else node.body
    node.end = event.end_mark.index if node.flow else max(node.children[-1].end, first)
    node.column = first - (text.rfind("\n", 0, first) + 1)


def _body(text: str, start: int, end: int, *, marked: bool) -> int:
    """Return where the value itself starts, after its anchor and tag."""
    position = start
    while marked and position < len(text) and text[position] in "&!":
        found = re.compile(r"\S+").match(text, position)
        position = skip(text, found.end() if found else end)
    return position


def _scalar_end(text: str, body: int, end: int) -> int:
    """Return where a block scalar's last line ends; with ``+`` its blank lines belong to it."""
    if not _KEEP.match(text, body):
        return body + len(text[body:end].rstrip(_BREAKS))
    return end - 1 if text[end - 1] == "\n" else end


def _after_colon(text: str, key_end: int) -> int:
    """Return where a value that is not there would be written."""
    colon = skip(text, key_end)
    return colon + 1 if text[colon : colon + 1] == ":" else key_end
