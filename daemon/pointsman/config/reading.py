"""One file's bytes to plain data, or to findings with line and column.

The C parser is fast but dies of deep nesting, so bytes pass ``_fault_of_bytes`` and
``_fault_of_depth`` before they are composed. It also knows only YAML 1.1's flow lists, in which
``[leads:read]`` is an error; files that have such a thing are read by the slow one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, Event
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from pointsman.config.building import MAX_DEPTH, MERGE, TOO_DEEP, build
from pointsman.config.faults import Fault, fault_of

__all__ = ["MAX_BYTES", "Document", "Positions", "parser", "read"]

MAX_BYTES = 256 * 1024
_SHALLOW = 1_000
"""Nesting up to here is harmless to the C parser (20,000 levels are, 50,000 are not)."""

_COLON_INSIDE = re.compile(rb"[^\s:\"']:[^\s,\]}]")


@dataclass(frozen=True, slots=True)
class Document:
    """The data of one file; whoever gets it must not change it. With faults there is no data."""

    data: Any
    faults: tuple[Fault, ...] = ()


def read(raw: bytes) -> Document:
    """Return the data of a file's bytes, or everything that keeps them from being data."""
    fault = _fault_of_bytes(raw) or _fault_of_depth(raw)
    if fault:
        return Document(None, (fault,))
    try:
        node = parser(raw).compose(raw)
    except YAMLError as error:
        return Document(None, (fault_of(error, raw),))
    if node is None:
        return Document(None, (Fault(1, 1, "", "the file is empty"),))
    data, faults = build(node)
    return Document(None, faults) if faults else Document(data)


def parser(raw: bytes) -> YAML:
    """Return what parses these bytes: C, or pure Python if C refuses a colon in a flow list."""
    if (b"[" in raw or b"{" in raw) and _COLON_INSIDE.search(raw):
        try:
            for _, depth in _events(YAML(typ="safe"), raw):
                if depth > MAX_DEPTH:
                    break
        except MarkedYAMLError as error:
            if "unexpected ':'" in str(error.problem):
                return YAML(typ="safe", pure=True)
        except YAMLError:
            pass
    return YAML(typ="safe")


class Positions:
    """Where things are in a file that was read without faults; composed at the first question."""

    __slots__ = ("_raw", "_root")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._root: Node | None = None

    def of(self, path: Sequence[str | int], key: str | None = None) -> tuple[int, int]:
        """Return line and column of the value at ``path``, or of its ``key``.

        A value that is not there is found at the nearest enclosing one.
        """
        node = self._root = self._root or parser(self._raw).compose(self._raw)
        for part in path:
            inner = _child(node, part)
            if inner is None:
                break
            node = inner
        if key is not None and isinstance(node, MappingNode):
            node = next((name for name, _ in node.value if name.value == key), node)
        return node.start_mark.line + 1, node.start_mark.column + 1


def _fault_of_bytes(raw: bytes) -> Fault | None:
    if len(raw) > MAX_BYTES:
        return Fault(1, 1, "", f"larger than {MAX_BYTES // 1024} KiB; split the file")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, start = before.count(b"\n") + 1, before.rfind(b"\n") + 1
        column = len(before[start:].decode("utf-8")) + 1
        byte = raw[error.start]
        return Fault(line, column, "", f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8")
    return None


def _fault_of_depth(raw: bytes) -> Fault | None:
    """Refuse nesting that the C composer would not survive, stopping where it is too deep."""
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets + 2 * max(map(len, raw.split(b"\n"))) < _SHALLOW:
        return None
    try:
        for event, depth in _events(parser(raw), raw):
            if depth > MAX_DEPTH:
                mark = event.start_mark
                return Fault(mark.line + 1, mark.column + 1, "", TOO_DEEP)
    except YAMLError as error:
        return fault_of(error, raw)
    return None


def _events(yaml: YAML, raw: bytes) -> Iterator[tuple[Event, int]]:
    """Yield each event with the depth that it leaves."""
    depth = 0
    for event in yaml.parse(raw):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        yield event, depth


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        child: Node = node.value[part]
        return child
    if isinstance(node, MappingNode):
        return next((value for name, value in _pairs(node) if name == part), None)
    return None


def _pairs(node: MappingNode) -> Iterator[tuple[str, Node]]:
    """Return keys and values of a mapping, merged ones last."""
    merges: list[Node] = []
    for name, value in node.value:
        if str(name.tag) == MERGE:
            merges += value.value if isinstance(value, SequenceNode) else [value]
        else:
            yield name.value, value
    for source in merges:
        if isinstance(source, MappingNode):
            yield from _pairs(source)
