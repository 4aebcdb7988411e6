"""Every failure that was seen in comparable systems has a test that names it in its docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NAMED = re.compile(r"\b[RCLD]\d{1,2}\b")
RANGE = re.compile(r"\b([RCLD])(\d{1,2}) to [RCLD](\d{1,2})\b")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
WANTED = [
    *(f"R{n}" for n in range(1, 24)),
    *(f"C{n}" for n in range(1, 5)),
    *(f"D{n}" for n in range(1, 11)),
    *(f"L{n}" for n in range(1, 17)),
]


def named(docstring: str) -> Iterator[str]:
    """Yield the failures that a docstring names; a range names all between as well."""
    yield from NAMED.findall(docstring)
    for kind, first, last in RANGE.findall(docstring):
        yield from (f"{kind}{n}" for n in range(int(first), int(last)))


def written() -> Iterator[tuple[str, str]]:
    """Yield the name and docstring of every test."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, _FUNCTIONS) and node.name.startswith("test_"):
                yield f"{path.relative_to(TESTS)}::{node.name}", ast.get_docstring(node) or ""


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """Tests by the failure that they name."""
    by_name: dict[str, list[str]] = {}
    for test, docstring in written():
        for failure in set(named(docstring)):
            by_name.setdefault(failure, []).append(test)
    return by_name


@pytest.mark.parametrize("failure", WANTED)
def test_a_failure_that_was_seen_elsewhere_has_its_test(
    failure: str, found: dict[str, list[str]]
) -> None:
    """The long model test names many at once, so it is not enough alone."""
    own = [test for test in found.get(failure, []) if "behaves_as_its_model" not in test]
    assert own, f"no test names {failure}"
