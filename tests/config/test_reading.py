from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pointsman.config.reading import MAX_BYTES, Positions, read

ALIASES = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n".encode()
    for i in range(9)
)


def messages(raw: bytes) -> list[str]:
    document = read(raw)
    assert document.faults
    assert document.data is None
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in document.faults]


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 50_000,
        b"a: " + b"{a: " * 20_000,
        b"- " * 100_000,
        b"[" * 50_000 + b"x:y",
        b"\n".join(b" " * depth + b"a:" for depth in range(500)),
    ],
    ids=["lists", "objects", "dashes", "for-the-slow-parser", "lines"],
)
def test_deep_nesting_is_a_finding_at_once(raw: bytes) -> None:
    """The C parser would take the process with it."""
    begun = time.perf_counter()

    assert messages(raw)[0].endswith("nested deeper than 64 levels")
    assert time.perf_counter() - begun < 2


def test_nesting_within_the_limit_is_data() -> None:
    depth = 60
    data = read(b"a: " + b"[" * depth + b"]" * depth).data["a"]

    for _ in range(depth - 1):
        data = data[0]
    assert data == []


def test_aliases_that_expand_to_millions_are_a_finding() -> None:
    begun = time.perf_counter()

    assert "aliases expand to more than 100000 values" in messages(ALIASES)[0]
    assert time.perf_counter() - begun < 2


def test_aliases_and_merges_are_plain_copies() -> None:
    data = read(b"""\
x-all: &all {source: webhook, is_active: true}
one: {<<: *all, is_active: false}
two: {<<: [{source: meta}, *all], name: b}
""").data

    assert data["one"] == {"source": "webhook", "is_active": False}
    assert data["two"] == {"source": "meta", "is_active": True, "name": "b"}


def test_a_file_over_256_kib_is_a_finding() -> None:
    assert messages(b"a: b\n" + b"#" * MAX_BYTES) == ["1:1: larger than 256 KiB; split the file"]


def test_numbers_beyond_what_json_carries_are_findings() -> None:
    raw = b"a: " + b"9" * 5_000 + b"\nb: 9223372036854775808\nc: -.inf\n"

    assert [m.partition(":")[0] for m in messages(raw)] == ["1", "2", "3"]


def test_text_is_read_by_the_rules_of_yaml_1_2() -> None:
    data = read(b"a: on\nb: 010\nc: 2027-01-31\nd: 1_000\ne: ~\nf: yes\ng: 0x1F\n").data

    expected = {"a": "on", "b": 10, "c": "2027-01-31", "d": 1000, "e": None, "f": "yes", "g": 31}
    assert data == expected


def test_a_colon_in_a_flow_list_is_text() -> None:
    """The C parser alone refuses what YAML 1.2 allows."""
    raw = b"scopes: [leads:read, a]\nat: {url: https://example.com/x}\n"

    assert read(raw).data == {"scopes": ["leads:read", "a"], "at": {"url": "https://example.com/x"}}
    assert Positions(raw).of(("at", "url")) == (2, 11)


def test_positions_are_those_of_value_key_and_nearest_enclosing_value() -> None:
    positions = Positions(b"x: &p\n  a: 1\nlist:\n  - {<<: *p, b: 2}\n")

    assert positions.of(("list", 0, "b")) == (4, 17)
    assert positions.of(("list", 0, "a")) == (2, 6)
    assert positions.of(("list", 0), "b") == (4, 14)
    assert positions.of(("list", 7, "z")) == (4, 3)


def test_half_a_character_is_a_finding() -> None:
    assert messages(b'a: [b:c, "\\ud800"]') == ["1:10: an escape stands for half a character"]


@given(st.binary(max_size=300))
def test_no_bytes_raise(raw: bytes) -> None:
    document = read(raw)
    assert not (document.faults and document.data)


YAML_BITS = st.lists(
    st.sampled_from(
        [
            "a",
            ": ",
            "- ",
            "\n",
            "  ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "&a ",
            "*a",
            "!!int ",
            "'",
            '"',
            "|",
            "? ",
            "<<",
            "#",
            "%YAML 1.1",
            "---",
            "...",
            "\t",
            "1",
            ".nan",
            "~",
            "é",
            "x:y",
            "\r",
            "\x85",
            "!",
            ">",
            "@",
            "`",
            "=",
            "2027-01-01",
            "0x",
            "-",
            "!!bool ",
            "!!str ",
        ]
    ),
    max_size=40,
).map("".join)


@given(YAML_BITS)
def test_nothing_that_looks_like_yaml_raises(text: str) -> None:
    document = read(text.encode())
    if not document.faults:
        Positions(text.encode()).of(("a", 0, "a"), "a")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: float(f"{x:.6g}") % 1e6)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc_xyz", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_as_json_is_read_back(value: Any) -> None:
    raw = json.dumps({"value": value}, ensure_ascii=False).encode()

    assert read(raw).data == {"value": value}


@given(JSON)
def test_a_plain_document_reads_as_the_library_reads_it(value: Any) -> None:
    raw = json.dumps({"value": value}, indent=1, ensure_ascii=False).encode()

    assert read(raw).data == YAML(typ="safe", pure=True).load(raw)
