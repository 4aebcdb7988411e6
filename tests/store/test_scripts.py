"""Scripts as Redis gets them: what they need of their includes, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pointsman.store import scripts
from pointsman.store.scripts import _pruned, _text, script

FOLDER = Path(scripts.__file__).parent / "scripts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.lua"))
DEFINED = re.compile(r"^local function (\w+)|^local ([A-Z_]+) =", re.MULTILINE)
BLOCK = re.compile(r"(?:if|for|while|local function)\b(?!.*\bend$)")
WORD = re.compile(r"\w+")


def definitions(text: str) -> list[str]:
    return [one or other for one, other in DEFINED.findall(text)]


LIBRARY = {name for path in FOLDER.glob("lib/*.lua") for name in definitions(path.read_text())}


def code(text: str) -> str:
    return re.sub(r"^ *--.*$", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_script_has_what_it_comes_to_and_no_more(name: str) -> None:
    """What a block includes is not known behind it."""
    source = code(script(name).source)
    known, named, around = set[str](), list[str](), list[set[str]]()
    for line in source.splitlines():
        known |= set(definitions(line))
        if BLOCK.match(line):
            around.append(set(known))
        named += WORD.findall(line)
        assert LIBRARY.intersection(WORD.findall(line)) <= known, line
        if line.startswith("end"):
            known = around.pop()
    assert around == []
    assert [one for one in definitions(source) if named.count(one) < 2] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_out_are_whole_definitions(name: str) -> None:
    """Every line that stays is one of the text, in its order, and none of the script's own goes."""
    whole, left = _text(f"{name}.lua").splitlines(), script(name).source.splitlines()
    lines = iter(whole)
    assert all(line in lines for line in left)
    own = [line for line in (FOLDER / f"{name}.lua").read_text().splitlines() if "@" not in line]
    lines = iter(left)
    assert all(line in lines for line in own)


def test_what_only_a_comment_or_something_left_out_names_is_left_out() -> None:
    text = (
        "-- unused() is named here, as in LETTERS\n"
        "local LETTERS = {a = 1,\n  b = 2}\n"
        "local MOST = 3  -- of what is used\n"
        "local function unused()\n\n  return LETTERS\nend\n"
        "\n"
        "local function twice(n)\n  return 2 * math.min(n, MOST)\nend\n"
        "local function caller()\n  -- unused\n  return twice(1)\nend\n"
        "return caller()\n"
    )
    pruned = _pruned(text)
    assert definitions(pruned) == ["MOST", "twice", "caller"]
    assert "b = 2" not in pruned
    assert pruned.endswith("return caller()\n")
    assert _pruned(pruned) == pruned
