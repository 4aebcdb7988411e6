"""The edits that make one value of another: as few as there are differences.

What is not changed keeps its spelling and its comments. An item of a list whose id is known is
found again by it wherever it went; one without is what it was only where it is equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pointsman.config.edit import Arrange, Edit, Kept, New, Remove, Set

__all__ = ["Ids", "Path", "matched", "refit"]

Path = tuple[str | int, ...]
Ids = Mapping[Path, str]


def refit(path: Path, old: Any, new: Any, ids: Ids | None = None) -> list[Edit]:
    """Return the edits that make ``new`` of the value ``old``, which is at ``path``.

    ``ids`` are those of items by their path, which need not be written: that of an item that
    changes is written down, so that it stays that item.
    """
    return _refit(path, path, old, new, ids or {})


def matched(
    old: Sequence[Mapping[str, Any]], new: Sequence[Any], known: Sequence[str | None]
) -> list[int | None]:
    """Return which of the old items each new one is: that of its id, else one that is equal."""
    places: list[int | None] = [
        known.index(item["id"]) if _said(item, "id") in known[: len(old)] else None for item in new
    ]
    left = [i for i in range(len(old)) if i not in places]
    for position, item in enumerate(new):
        if places[position] is None and isinstance(item, Mapping):
            place = next((i for i in left if _is_same(old[i], item)), None)
            if place is not None:
                left.remove(place)
                places[position] = place
    return places


def _refit(path: Path, place: Path, old: Any, new: Any, ids: Ids) -> list[Edit]:
    """Return the edits of a value that is at ``path`` now, and was at ``place``."""
    if type(old) is type(new) and old == new:
        return []
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old and new:
        edits: list[Edit] = []
        for name in new:
            if name in old:
                edits += _refit((*path, name), (*place, name), old[name], new[name], ids)
            else:
                edits.append(Set((*path, name), new[name]))
        return [*edits, *(Remove((*path, name)) for name in old if name not in new)]
    if isinstance(old, list) and isinstance(new, list) and old and new:
        known = [ids.get((*place, i)) for i in range(len(old))]
        if all(known) and all(isinstance(item, Mapping) for item in old):
            return _items(path, place, old, new, ids)
        return [Arrange(path, _kept(old, new))]
    return [Set(path, new)]


def _items(
    path: Path, place: Path, old: Sequence[Mapping[str, Any]], new: Sequence[Any], ids: Ids
) -> list[Edit]:
    """Return the edits of a list whose items have ids."""
    kept = matched(old, new, [ids[(*place, i)] for i in range(len(old))])
    edits: list[Edit] = []
    if kept != list(range(len(old))):
        items = [New(item) if i is None else Kept(i) for item, i in zip(new, kept, strict=True)]
        edits.append(Arrange(path, items))
    for position, i in enumerate(kept):
        if i is not None:
            here = (*place, i)
            edits += _item((*path, position), here, old[i], new[position], ids)
    return edits


def _item(
    path: Path, place: Path, old: Mapping[str, Any], new: Mapping[str, Any], ids: Ids
) -> list[Edit]:
    """Return the edits of one item; its id is written only where something else changes."""
    said = {name: value for name, value in new.items() if name != "id"}
    if "id" in old:
        said["id"] = old["id"]
    edits = _refit(path, place, old, said, ids)
    if edits and "id" not in old and "key" not in old:
        edits.append(Set((*path, "id"), ids[place]))
    return edits


def _kept(old: Sequence[Any], new: Sequence[Any]) -> list[Kept | New]:
    """Return the items of a list: those of an earlier one where they are equal."""
    left = list(range(len(old)))
    items: list[Kept | New] = []
    for value in new:
        place = next((i for i in left if old[i] == value), None)
        items.append(New(value) if place is None else Kept(place))
        if place is not None:
            left.remove(place)
    return items


def _said(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else None


def _is_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an item without a known id says what another says, or has its key."""
    if "key" in new and new["key"] == old.get("key"):
        return True
    told = ({k: v for k, v in item.items() if k != "id"} for item in (old, new))
    return "id" not in new and next(told) == next(told)
