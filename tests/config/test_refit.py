"""Edits that make one value of another: always right, and never more than needed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pointsman.config.edit import splice
from pointsman.config.marks import parse
from pointsman.config.refit import Path, refit
from pointsman.config.writing import Manner

NAMES = st.sampled_from(["a", "b", "c", "rule_set"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["x", "no", "1", "a b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)
PARTS = st.dictionaries(st.sampled_from(["p", "q"]), SCALARS, min_size=1)
IDS = ["one", "two", "three"]


def written(document: Any) -> str:
    return "\n".join(Manner().block(document, 0)) + "\n"


@given(DOCUMENTS, DOCUMENTS)
def test_what_comes_out_is_what_was_wanted(old: Any, new: Any) -> None:
    text = splice(written(old), refit((), old, new)) if old != new else written(old)

    assert parse(text, "x") == new


@given(st.lists(PARTS, min_size=1, max_size=3), st.data())
def test_items_with_ids_stay_themselves_wherever_they_go(old: Any, data: st.DataObject) -> None:
    """An id is written where its item changes; one that only moves keeps its text."""
    ids: dict[Path, str] = {("steps", i): IDS[i] for i in range(len(old))}
    known = [{**part, "id": IDS[i]} for i, part in enumerate(old)]
    new = data.draw(st.permutations(known))
    changed = data.draw(st.sampled_from(range(len(new))))
    new[changed] = {**new[changed], "p": "changed"}

    text = splice(written({"steps": old}), refit(("steps",), old, new, ids))

    after = parse(text, "x")["steps"]
    assert [{k: v for k, v in part.items() if k != "id"} for part in after] == [
        {k: v for k, v in part.items() if k != "id"} for part in new
    ]
    assert [part.get("id") for part in after] == [
        new[changed]["id"] if i == changed else None for i in range(len(new))
    ]
