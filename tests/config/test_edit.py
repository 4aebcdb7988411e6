"""Edits of YAML text: right data, and not one other byte changed."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pointsman.config.edit import (
    Append,
    Arrange,
    Edit,
    Insert,
    Kept,
    New,
    Remove,
    Set,
    applied,
    read,
    rewrite,
    splice,
)
from pointsman.config.marks import parse
from pointsman.errors import ConfigError, Refused

TEXT = """\
# The organization.
id: acme   # never change this

members:   # people
  # the founder
  - id: 1  # one
    handle: anna

  - {id: 2, handle: bo}   # two
api_keys: []   # none yet
# the rest
flow: {a: 1, b: [1, 2, 3]}
long:
  [
    one, # first
    two
  ]
note: |
  line
"""


def changed(text: str, *edits: Edit) -> tuple[list[str], list[str]]:
    """Return the lines that went and the lines that came; all others must have stayed."""
    before, after = text.splitlines(), splice(text, edits).splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return before, after


def test_a_scalar_is_replaced_and_its_comment_stays() -> None:
    assert changed(TEXT, Set(("id",), "bolt")) == (
        ["id: acme   # never change this"],
        ["id: bolt   # never change this"],
    )


def test_an_item_is_appended_in_the_style_of_its_neighbour() -> None:
    assert changed(TEXT, Append(("members",), {"id": 3, "handle": "cy"})) == (
        [],
        ["  - {id: 3, handle: cy}"],
    )


def test_an_empty_list_becomes_lines_below_its_key() -> None:
    assert changed(TEXT, Append(("api_keys",), {"name": "Site A", "scopes": ["leads:write"]})) == (
        ["api_keys: []   # none yet"],
        ["api_keys:   # none yet", "  - name: Site A", '    scopes: ["leads:write"]'],
    )


def test_the_only_item_removed_leaves_an_empty_list() -> None:
    text = "a: 1\nlist:  # why\n  - x: 1\n    y: 2\nb: 2\n"

    assert splice(text, [Remove(("list", 0))]) == "a: 1\nlist: []  # why\nb: 2\n"


def test_an_item_between_comments_is_removed_alone() -> None:
    assert changed(TEXT, Remove(("members", 0))) == (["  - id: 1  # one", "    handle: anna"], [])


def test_the_first_key_of_an_item_gives_its_place_to_the_next() -> None:
    assert changed(TEXT, Remove(("members", 0, "id"))) == (
        ["  - id: 1  # one", "    handle: anna"],
        ["  - handle: anna"],
    )


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (Remove(("flow", "b", 0)), "flow: {a: 1, b: [2, 3]}"),
        (Remove(("flow", "b", 2)), "flow: {a: 1, b: [1, 2]}"),
        (Remove(("flow", "a")), "flow: {b: [1, 2, 3]}"),
        (Insert(("flow", "b", 1), "x"), "flow: {a: 1, b: [1, x, 2, 3]}"),
        (Append(("flow", "b"), "x, y"), 'flow: {a: 1, b: [1, 2, 3, "x, y"]}'),
        (Set(("flow", "c"), {"d": None}), "flow: {a: 1, b: [1, 2, 3], c: {d: null}}"),
    ],
)
def test_flow_style_stays_flow_style(edit: Edit, line: str) -> None:
    assert changed(TEXT, edit) == (["flow: {a: 1, b: [1, 2, 3]}"], [line])


def test_a_comment_inside_a_flow_list_outlives_its_neighbours() -> None:
    assert "# first" in splice(TEXT, [Remove(("long", 1))])
    assert "# first" in splice(TEXT, [Remove(("long", 0))])


def test_missing_keys_on_the_way_are_made() -> None:
    assert changed(TEXT, Set(("intake", "auth"), "key")) == ([], ["intake:", "  auth: key"])
    assert changed(TEXT, Append(("lists", "deep"), 1)) == ([], ["lists:", "  deep: [1]"])


def test_text_that_yaml_would_read_otherwise_is_quoted() -> None:
    for value in ("true", "No", "1.5", "~", "a: b", "- a", "# a", "", " a", "x\ny", "2026-01-01"):
        text = splice("a: plain\n", [Set(("a",), value)])

        assert parse(text) == {"a": value}
        assert '"' in text


def test_the_quotes_of_a_replaced_value_and_of_the_file_are_copied() -> None:
    text = "a: 'one'\nb: 'two'\nc: three\n"

    assert splice(text, [Set(("a",), "four")]) == "a: 'four'\nb: 'two'\nc: three\n"
    assert splice(text, [Set(("c",), "it's 4:")]).endswith("c: 'it''s 4:'\n")


def test_windows_line_breaks_and_a_missing_last_one_stay() -> None:
    assert splice("a:\r\n  - 1\r\n", [Append(("a",), 2)]) == "a:\r\n  - 1\r\n  - 2\r\n"
    assert splice("a:\n- 1", [Append(("a",), 2)]) == "a:\n- 1\n- 2"
    assert splice("a: 1 # x", [Set(("b",), {"c": [{"d": 1}]})]) == (
        "a: 1 # x\nb:\n  c:\n    - d: 1"
    )


def test_the_indentation_of_the_file_is_copied() -> None:
    text = "pools:\n    a:\n        x: 1\nlist:\n- 1\n"

    assert splice(text, [Set(("pools", "b"), {"k": {"z": [{"q": 1}]}})]) == (
        "pools:\n    a:\n        x: 1\n    b:\n        k:\n            z:\n            - q: 1\n"
        "list:\n- 1\n"
    )


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "{}\n", "null\n"])
def test_an_empty_file_takes_its_first_key(text: str) -> None:
    after = splice(text, [Set(("a",), {"b": 1})])

    assert parse(after) == {"a": {"b": 1}}
    assert after.startswith(text.partition("{")[0].partition("null")[0])


def test_an_anchor_that_others_use_is_not_touched() -> None:
    text = "x-one: &one\n  a: 1\nb: *one\nc:\n  <<: *one\n  d: 1\n"

    assert splice(text, [Set(("b",), 2)]) == text.replace("b: *one", "b: 2")
    for edit in (
        Set(("x-one", "a"), 2),
        Set(("b", "a"), 2),
        Remove(("c", "a")),
        Remove(("x-one",)),
    ):
        with pytest.raises(Refused, match="by hand"):
            splice(text, [edit])


@pytest.mark.parametrize(
    "edit",
    [
        Remove(("nope",)),
        Remove(("members", 9)),
        Set(("members", 9), 1),
        Set(("id", "x"), 1),
        Set(("members", "x"), 1),
        Append(("id",), 1),
        Insert(("members", 3), 1),
        Set(("flow", 0), 1),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error(edit: Edit) -> None:
    with pytest.raises(LookupError):
        splice(TEXT, [edit])


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2\n", "a: 1\n---\nb: 2\n", "[" * 100])
def test_a_text_that_is_no_yaml_is_told_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=r"here\.yaml:\d+:\d+: "):
        splice(text, [Set(("b",), 1)], "here.yaml")


def test_several_edits_are_made_in_order() -> None:
    after = splice(
        TEXT, [Append(("api_keys",), {"name": "a"}), Remove(("api_keys", 0)), Set((), 1)]
    )

    assert parse(after) == 1


def test_a_file_is_replaced_at_once_with_its_mode_kept(tmp_path: Path) -> None:
    path = tmp_path / "organization.yaml"
    path.write_bytes(b"a: 1\r\n")
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)

    rewrite(link, read(link), "a: 2\r\n")

    assert path.read_bytes() == b"a: 2\r\n"
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "organization.yaml"
    path.write_text("a: 2\n")

    with pytest.raises(Refused, match="changed since it was read") as refused:
        rewrite(path, "a: 1\n", "a: 3\n")

    assert refused.value.status == 409
    assert path.read_text() == "a: 2\n"


# --- The law: parse(splice(text, edit)) == applied(parse(text), edit), and nothing else changed.

NAMES = st.sampled_from(["a", "b", "name", "it's", "x y", "true", "ü", "é:", "1", "-"])
STRINGS = st.one_of(
    NAMES,
    st.text(max_size=12).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(-1e18, 1e18),
    STRINGS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


class Writer:
    """Writes data as YAML by hand, in every style that the draws come up with."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def tail(self) -> str:
        return str(self.pick("", "", "  # why", " # - a: [b]"))

    def entry(self, key: str, value: Any, indent: int) -> list[str]:
        head = f"{' ' * indent}{scalar(key)}{self.pick('', '', ' ')}:"
        if not isinstance(value, (dict, list)) or not value or self.pick(True, False, False):
            return self.line(head, value, indent)
        deeper = indent + (self.pick(0, 2, 3) if isinstance(value, list) else self.pick(2, 4))
        return [head + self.tail(), *self.gap(deeper), *self.block(value, deeper)]

    def line(self, head: str, value: Any, indent: int) -> list[str]:
        if value is None and self.pick(True, False):
            return [head + self.tail()]
        plain = isinstance(value, str) and value in ("a", "b", "name", "ü")
        if plain and self.pick(True, False, False):
            return [f"{head} {self.pick('|', '>', '|-', '|+')}", " " * (indent + 2) + value]
        return [f"{head} {self.flow(value, indent)}{self.tail()}"]

    def gap(self, indent: int) -> list[str]:
        return list(self.pick([], [], [], [""], [" " * indent + "# note"], ["# far left", ""]))

    def block(self, value: Any, indent: int) -> list[str]:
        lines: list[str] = []
        for item in value.items() if isinstance(value, dict) else value:
            lines += self.gap(indent) if lines else []
            one = isinstance(value, dict)
            lines += self.entry(item[0], item[1], indent) if one else self.item(item, indent)
        return lines

    def item(self, value: Any, indent: int) -> list[str]:
        dash = " " * indent + "-"
        if not isinstance(value, (dict, list)) or not value or self.pick(True, False, False):
            return self.line(dash, value, indent)
        if self.pick(True, False, False):
            return [dash + self.tail(), *self.block(value, indent + 2)]
        first, *rest = self.block(value, indent + 2)
        return [f"{dash} {first.lstrip()}", *rest]

    def flow(self, value: Any, indent: int) -> str:
        if not isinstance(value, (dict, list)):
            return scalar(value)
        gap = self.pick("", "", " ", "\n" + " " * (indent + 2), f" # x\n{' ' * (indent + 2)}")
        if isinstance(value, dict):
            inner = [f"{scalar(k)}: {self.flow(v, indent)}" for k, v in value.items()]
        else:
            inner = [self.flow(item, indent) for item in value]
        last = self.pick("", "", ",") if inner else ""
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        return f"{opening}{gap}{f', {gap}'.join(inner)}{last}{gap}{closing}"


def scalar(value: Any) -> str:
    """Return a scalar as an independent hand would write it: all text but a few in quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.17e}"
    if value in ("a", "b", "name", "ü"):
        return str(value)
    return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'


@st.composite
def cases(draw: Any) -> tuple[list[str], int, str, Edit]:
    """Return the texts of several top-level entries, and an edit below one of them."""
    data: dict[str, Any] = draw(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
    writer = Writer(draw)
    entries = ["\n".join([*writer.gap(0), *writer.entry(k, v, 0)]) + "\n" for k, v in data.items()]
    position = draw(st.integers(0, len(entries) - 1))
    path: tuple[str | int, ...] = (list(data)[position],)
    value = data[list(data)[position]]
    while isinstance(value, (dict, list)) and value and draw(st.integers(0, 3)):
        step = draw(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
        path, value = (*path, step), value[step]
    kinds: list[Edit] = [Set(path, draw(VALUES))]
    if len(path) > 1:
        kinds.append(Remove(path))
    if isinstance(value, list) or value is None:
        kinds.append(Append(path, draw(VALUES)))
    if isinstance(value, list):
        kinds.append(Insert((*path, draw(st.integers(0, len(value)))), draw(VALUES)))
    if isinstance(value, dict) or value is None:
        kinds.append(Set((*path, draw(NAMES)), draw(VALUES)))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return entries, position, newline, draw(st.sampled_from(kinds))


@settings(deadline=None, max_examples=300)
@given(cases())
def test_an_edit_gives_the_intended_data_and_leaves_all_else(
    case: tuple[list[str], int, str, Edit],
) -> None:
    """``parse(splice(t, e)) == applied(parse(t), e)``; the other entries stay byte for byte."""
    entries, position, newline, edit = case
    texts = [entry.replace("\n", newline) for entry in entries]
    before, text, after = "".join(texts[:position]), "".join(texts), "".join(texts[position + 1 :])

    edited = splice(text, [edit])

    assert parse(edited) == applied(parse(text), edit)
    assert edited.startswith(before)
    assert edited.endswith(after)


@settings(deadline=None, max_examples=100)
@given(cases())
def test_a_file_without_a_last_line_break_is_edited_too(
    case: tuple[list[str], int, str, Edit],
) -> None:
    *_, edit = case
    text = "".join(case[0]).rstrip("\n")
    # With its line break a block of text is another text: such a file is refused, see below.
    assume(parse(text) == parse(f"{text}\n"))

    edited = splice(text, [edit])

    assert parse(edited) == applied(parse(text), edit)


def test_a_block_of_text_at_the_end_without_a_line_break_is_not_given_one() -> None:
    with pytest.raises(Refused, match="edit the file by hand"):
        splice("a:\n- |\n  b", [Append(("a",), "c")])


# --- Lists put in another order

PEOPLE = """\
people:   # who
  # the founder
  - ada   # first

  # about bo
  - name: bo
    # bo's weight
    weight: 3
  - eve
# the end
next: 1
"""


def test_items_move_with_what_is_written_about_them() -> None:
    after = splice(PEOPLE, [Arrange(("people",), [Kept(2), New("max"), Kept(1), Kept(0)])])

    assert (
        after
        == """\
people:   # who
  - eve
  - max

  # about bo
  - name: bo
    # bo's weight
    weight: 3
  # the founder
  - ada   # first
# the end
next: 1
"""
    )


def test_comments_above_the_first_item_stay_without_it() -> None:
    after = splice(PEOPLE, [Arrange(("people",), [Kept(2)])])

    assert after == "people:   # who\n  # the founder\n  - eve\n# the end\nnext: 1\n"


@pytest.mark.parametrize(
    ("text", "items", "expected"),
    [
        ("a: [1, {b: 2}, 3] # c\n", [Kept(2), New("x"), Kept(1)], "a: [3, x, {b: 2}] # c\n"),
        ("a: [1, 2, 3] # c\n", [Kept(1)], "a: [2] # c\n"),
        ("a: [1]\n", [], "a: []\n"),
        ("a: []\n", [New(1)], "a: [1]\n"),
        ("b: 1\n", [New(1)], "b: 1\na: [1]\n"),
        ("a:\n- 1\n- 2 # two", [Kept(1), Kept(0)], "a:\n- 2 # two\n- 1"),
        ("a:\r\n- 1\r\n- 2\r\n", [Kept(1), New(3), Kept(0)], "a:\r\n- 2\r\n- 3\r\n- 1\r\n"),
        ("a:\n  - {b: 1}\n", [New({"b": 2}), Kept(0)], "a:\n  - {b: 2}\n  - {b: 1}\n"),
        ("a:\n  - |\n    x\n  - 1\n", [Kept(1), Kept(0)], "a:\n  - 1\n  - |\n    x\n"),
    ],
)
def test_a_list_in_any_style_is_arranged(text: str, items: Any, expected: str) -> None:
    assert splice(text, [Arrange(("a",), items)]) == expected


def test_an_anchor_cannot_move_below_its_alias() -> None:
    with pytest.raises(Refused, match="edit the file by hand"):
        splice("a:\n  - &x {b: 1}\n  - *x\n", [Arrange(("a",), [Kept(1), Kept(0)])])


@given(data=st.data())
def test_arranging_gives_exactly_the_list_that_is_meant(data: st.DataObject) -> None:
    old = data.draw(st.lists(VALUES, min_size=1, max_size=4))
    text = splice("x: 1 # kept\n", [Set(("a",), old)])
    kept = data.draw(st.lists(st.integers(0, len(old) - 1), unique=True, max_size=4))
    items: list[Kept | New] = [Kept(position) for position in kept]
    items += [New(value) for value in data.draw(st.lists(VALUES, max_size=2))]

    after = splice(text, [Arrange(("a",), items)])

    wanted = [old[item.position] if isinstance(item, Kept) else item.value for item in items]
    assert parse(after) == {"x": 1, "a": wanted}
    assert after.startswith("x: 1 # kept\n")
