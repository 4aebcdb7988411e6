"""One change of a YAML text: the characters to cut and the lines to put there.

Knows nothing of what data comes out; :mod:`pointsman.config.edit` plans the change so that only
four cases are left (replace, add a key, insert an item, remove one of several) and checks the
result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from pointsman.config.marks import Node, places, skip
from pointsman.config.writing import manner
from pointsman.errors import Refused

__all__ = ["Splice"]


class Splice:
    """A text with its places; every method returns a new text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root = places(text)
        self._manner = manner(text, self._root)

    def replace(self, path: Sequence[str | int], value: Any) -> str:
        """Write ``value`` at ``path``; the last key may be a new one of its mapping."""
        if self._root is None or self._root.empty:
            return self._lines_after(len(self._text), self._whole(value))
        if not path:
            whole = self._manner.newline.join(self._whole(value))
            return self._put(self._root.start, whole, self._root.end)
        parent = self._node(path[:-1])
        position = self._position(parent, path[-1])
        if position is None:
            return self._add(parent, str(path[-1]), value)
        child = parent.children[position]
        if parent.flow:
            return self._replace_inline(child, value)
        if self._fits(child, value):
            return self._replace_line(parent, position, value)
        return self._replace_block(parent, position, value)

    def insert(self, path: Sequence[str | int], position: int, value: Any) -> str:
        """Write an item before ``position`` of the list at ``path``, which has items."""
        parent = self._node(path)
        if parent.flow:
            written = self._manner.inline(value)
            if position < len(parent.children):
                return self._put(parent.children[position].start, f"{written}, ")
            return self._put(_end(parent, position - 1), f", {written}")
        like = parent.children[max(position - 1, 0)]
        lines = self._item(parent, value, inline=like.flow)
        if position:
            return self._lines_after(_end(parent, position - 1), lines)
        new = self._manner.newline.join([*lines, " " * parent.column]).lstrip(" ")
        return self._put(self._entry(parent, 0), new)

    def arrange(self, path: Sequence[str | int], items: Sequence[tuple[int | None, Any]]) -> str:
        """Write the block list at ``path`` anew, from items that it has (by position) and new ones.

        What it has is moved as it stands, with the comments above and beside it. Comments above the
        first item stay if that one goes: they may be about the whole list.
        """
        parent = self._node(path)
        newline = self._manner.newline
        starts = [self._opened(parent, i) for i in range(len(parent.children))]
        spans = list(pairwise([*starts, self._after(parent)]))
        kept = {old for old, _ in items}
        head = self._text[spans[0][0] : self._line(self._entry(parent, 0))]
        parts = [] if 0 in kept else [head]
        inline = all(child.flow for child in parent.children)
        for old, value in items:
            if old is None:
                parts += [line + newline for line in self._item(parent, value, inline=inline)]
            else:
                part = self._text[slice(*spans[old])]
                parts.append(part if part.endswith("\n") else part + newline)
        written = "".join(parts)
        start, end = spans[0][0], spans[-1][1]
        ended = self._text[end - 1] == "\n"
        return self._put(start, written if ended else written.removesuffix(newline), end)

    def remove(self, path: Sequence[str | int]) -> str:
        """Cut the entry or item at ``path``, which is not the only one there."""
        parent = self._node(path[:-1])
        position = self._position(parent, path[-1])
        if position is None:
            raise _beyond(path)
        start, end = self._entry(parent, position), _end(parent, position)
        if parent.flow:
            return self._remove_inline(parent, position, start, end)
        below = self._next_line(end)
        if not self._text[self._line(start) : start].strip():
            return self._cut(self._line(start), below)
        rest = self._text[below:]
        return self._cut(start, below + len(rest) - len(rest.lstrip()))

    def is_flow(self, path: Sequence[str | int]) -> bool:
        """Tell whether the collection at ``path`` is written on one line, in brackets."""
        return self._node(path).flow

    def _node(self, path: Sequence[str | int]) -> Node:
        node = self._root
        for step in path:
            position = self._position(node, step) if node else None
            if node is None or position is None:
                raise _beyond(path)
            node = node.children[position]
        if node is None or node.kind not in ("mapping", "sequence"):
            raise _beyond(path)
        return node

    @staticmethod
    def _position(node: Node, step: str | int) -> int | None:
        return node.find(step) if isinstance(step, str) else step

    def _entry(self, parent: Node, position: int) -> int:
        """Return where an entry starts: its key, its dash, or in flow style its item."""
        if parent.kind == "mapping":
            return parent.keys[position].start
        if parent.flow:
            return parent.children[position].start
        return skip(self._text, _end(parent, position - 1)) if position else parent.body

    def _item(self, parent: Node, value: Any, *, inline: bool) -> list[str]:
        """Return the lines of a new item of a block list; mappings ``inline`` if its others are."""
        if inline and isinstance(value, Mapping):
            return [f"{' ' * parent.column}- {self._manner.inline(value)}"]
        return self._manner.item(value, parent.column)

    def _opened(self, parent: Node, position: int) -> int:
        """Return where the lines of a block list's item start, its own comments among them."""
        line = self._line(self._entry(parent, position))
        if self._text[line : self._entry(parent, position)].strip():
            raise Refused("the list is written in a way that cannot be edited; edit it by hand")
        above = self._after(parent, position - 1) if position else 0
        start = line
        while start > above:
            previous = self._line(start - 1)
            text = self._text[previous : start - 1]
            indent = len(text) - len(text.lstrip(" "))
            own = not text.strip() if position else False
            if not own and not (text.lstrip().startswith("#") and indent == parent.column):
                break
            start = previous
        return start

    def _after(self, parent: Node, position: int = -1) -> int:
        """Return where the line below an entry starts."""
        return self._next_line(_end(parent, position % len(parent.children)))

    def _opening(self, parent: Node, position: int) -> int:
        """Return where the value may begin: after the colon or the dash."""
        if parent.kind == "mapping":
            return skip(self._text, parent.keys[position].end) + 1
        return self._entry(parent, position) + 1

    def _whole(self, value: Any) -> list[str]:
        many = isinstance(value, (Mapping, list)) and value
        return self._manner.block(value, 0) if many else [self._manner.inline(value)]

    def _replace_inline(self, child: Node, value: Any) -> str:
        written = self._manner.inline(value, child.style)
        if child.empty:
            written = f" {written}" if self._text[child.start - 1] == ":" else f": {written}"
        return self._put(child.start, written, child.end)

    def _replace_line(self, parent: Node, position: int, value: Any) -> str:
        """Write a value on the line of its key or dash."""
        child = parent.children[position]
        opening = self._opening(parent, position)
        quote = child.style if child.style in ("'", '"') else ""
        written = self._manner.inline(value, quote)
        first = self._below(child, opening)
        if first is not None and child.body == first:
            kept = self._text[opening : self._line(first)]
            return self._put(opening, f" {written}{kept}", self._next_line(child.end))
        start = opening if child.empty or child.start == opening else child.start
        gap = " " if start == opening else ""
        return self._put(start, f"{gap}{written}", child.end)

    def _replace_block(self, parent: Node, position: int, value: Any) -> str:
        """Write a collection in lines of its own, below its key or beginning at its dash."""
        child = parent.children[position]
        opening = self._opening(parent, position)
        first = self._below(child, opening)
        alike = child.kind == ("mapping" if isinstance(value, Mapping) else "sequence")
        inset = 2 if parent.kind == "sequence" else self._manner.inset(value)
        compact = parent.kind == "sequence" and first is None
        block = alike and not child.flow
        indent = child.column if block else parent.column + inset
        lines = self._manner.newline.join(self._manner.block(value, indent))
        if first is not None:
            return self._put(self._line(first), lines, child.end)
        if compact:
            return self._put(opening, f" {lines.lstrip(' ')}", child.end)
        stop = self._line_end(child.end)
        tail = self._text[child.end : stop].rstrip()
        return self._put(opening, f"{tail}{self._manner.newline}{lines}", stop)

    def _fits(self, child: Node, value: Any) -> bool:
        return self._manner.fits(value) or (
            child.flow and len(self._manner.inline(value)) <= 2 * (child.end - child.start)
        )

    def _below(self, child: Node, opening: int) -> int | None:
        """Return where a block collection starts if that is on a later line than its key."""
        if child.flow or child.kind not in ("mapping", "sequence"):
            return None
        first = child.keys[0].start if child.keys else child.body
        return first if "\n" in self._text[opening:first] else None

    def _add(self, parent: Node, key: str, value: Any) -> str:
        last = _end(parent, len(parent.children) - 1)
        if parent.flow:
            return self._put(last, f", {self._manner.inline(key)}: {self._manner.inline(value)}")
        return self._lines_after(last, self._manner.block({key: value}, parent.column))

    def _remove_inline(self, parent: Node, position: int, start: int, end: int) -> str:
        comma = skip(self._text, end)
        if self._text[comma] == ",":
            rest = self._text[comma + 1 :]
            end = comma + 1 + len(rest) - len(rest.lstrip(" "))
        elif position:
            before = _end(parent, position - 1)
            start = start if "#" in self._text[before:start] else before
        line, below = self._line(start), self._next_line(end)
        if below > end and not (self._text[line:start] + self._text[end:below]).strip():
            return self._cut(line, below)
        return self._cut(start, end)

    def _line(self, position: int) -> int:
        return self._text.rfind("\n", 0, position) + 1

    def _line_end(self, position: int) -> int:
        newline = self._text.find("\n", position)
        if newline < 0:
            return len(self._text)
        return newline - (newline > position and self._text[newline - 1] == "\r")

    def _next_line(self, position: int) -> int:
        newline = self._text.find("\n", position)
        return len(self._text) if newline < 0 else newline + 1

    def _lines_after(self, position: int, lines: list[str]) -> str:
        """Put lines below the line of ``position``; a file without a last break keeps none."""
        newline = self._manner.newline
        written = newline.join(lines)
        below = self._next_line(position)
        if below and self._text[below - 1] != "\n":
            return self._put(below, newline + written)
        return self._put(below, written + newline)

    def _put(self, start: int, written: str, end: int | None = None) -> str:
        return self._text[:start] + written + self._text[start if end is None else end :]

    def _cut(self, start: int, end: int) -> str:
        return self._put(start, "", end)


def _end(parent: Node, position: int) -> int:
    """Return where an entry ends; a key without a value ends itself."""
    end = parent.children[position].end
    return max(end, parent.keys[position].end) if parent.keys else end


def _beyond(path: Sequence[str | int]) -> Refused:
    where = ".".join(map(str, path))
    return Refused(
        f"'{where}' comes through an anchor or a merge; edit the file by hand",
        status=HTTPStatus.CONFLICT,
        code="CONFLICT",
    )
