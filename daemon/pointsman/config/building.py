"""Plain data from composed nodes: text, whole and finite numbers, booleans, null, lists, objects.

Stricter than YAML where it must be: keys are text and unique, tags are the plain ones, and aliases
are built anew each time and counted, so that a few bytes cannot become gigabytes. A date stays the
text that was written.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pointsman.config.faults import Fault, Path, fault_at

__all__ = ["MAX_DEPTH", "MERGE", "TOO_DEEP", "build"]

MAX_DEPTH = 64
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_MAX_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_TEXT = (f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}value")

_SURROGATE = re.compile("[\ud800-\udfff]")

MERGE = f"{_TAG}merge"
"""Tag of the key ``<<``."""


def build(root: Node) -> tuple[Any, tuple[Fault, ...]]:
    """Return the data of a document, and everything that is not allowed in it."""
    builder = _Build()
    data = builder.value(root, ())
    return data, tuple(builder.faults)


class _Build:
    """Plain data from composed nodes; notes every fault and goes on."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: Node, path: Path) -> Any:
        """Return the data of a node; aliases are built anew each time, and counted."""
        self._count += 1
        if self._count > _MAX_VALUES:
            if self._count == _MAX_VALUES + 1:
                self._fault(node, path, f"aliases expand to more than {_MAX_VALUES} values")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            return self._fault(node, path, "an alias refers to what it is part of")
        if len(path) >= MAX_DEPTH:
            return self._fault(node, path, TOO_DEEP)
        self._open.add(id(node))
        built = self._collection(node, path)
        self._open.remove(id(node))
        return built

    def _collection(self, node: Node, path: Path) -> Any:
        tag = str(node.tag)
        if isinstance(node, SequenceNode) and tag == f"{_TAG}seq":
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, MappingNode) and tag == f"{_TAG}map":
            return self._mapping(node, path)
        return self._fault(node, path, _unknown_tag(node))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        built: dict[str, Any] = {}
        for name, value in node.value:
            if str(name.tag) == MERGE:
                merged |= self._merged(value, path)
            elif not isinstance(name, ScalarNode) or str(name.tag) not in _TEXT:
                self._fault(name, path, "a key must be text; put it in quotes")
            elif self._text(name, path) is None:
                continue
            elif name.value in built:
                self._fault(name, (*path, name.value), f"the key '{name.value}' is here twice")
            else:
                built[name.value] = self.value(value, (*path, name.value))
        return {**merged, **built} if merged else built

    def _merged(self, node: Node, path: Path) -> dict[str, Any]:
        """Return what ``<<`` brings in; of several, the earlier wins."""
        sources = node.value if isinstance(node, SequenceNode) else [node]
        result: dict[str, Any] = {}
        for source in sources:
            built = self.value(source, path)
            if isinstance(built, dict):
                result = {**built, **result}
            else:
                self._fault(source, path, "'<<' takes an object or a list of objects")
        return result

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        if node.tag in _TEXT:
            return self._text(node, path)
        if kind in ("int", "float", "bool", "null"):
            try:
                value = getattr(_scalars(), f"construct_yaml_{kind}")(node)
            except (ValueError, LookupError):
                return self._fault(node, path, f"'{node.value[:40]}' is no {kind}")
            if kind in ("int", "float") and (not math.isfinite(value) or abs(value) >= 2**63):
                return self._fault(node, path, f"'{node.value[:40]}' is no number of 64 bits")
            return value
        return self._fault(node, path, _unknown_tag(node))

    def _text(self, node: ScalarNode, path: Path) -> str | None:
        text: str = node.value
        if not text.isascii() and _SURROGATE.search(text):
            self._fault(node, path, "an escape stands for half a character")
            return None
        return text

    def _fault(self, node: Node, path: Path, message: str) -> None:
        self.faults.append(fault_at(node, path, message))


def _unknown_tag(node: Node) -> str:
    tag = str(node.tag).replace(_TAG, "!!")
    return f"the tag '{tag}' is not allowed; write plain text, numbers, lists and objects"


@cache
def _scalars() -> SafeConstructor:
    """Return what reads plain scalars by the rules of YAML 1.2."""
    constructor: SafeConstructor = YAML(typ="safe", pure=True).constructor
    return constructor
