"""Regular expressions and globs in bounded time."""

from __future__ import annotations

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.patterns import compile_glob, compile_pattern, compile_regex, split_regex


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("*@{gmail,yahoo}.com", "Ada@Yahoo.com", True),
        ("*@{gmail,yahoo}.com", "ada@yahoo.community", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[a-c]x", "Bx", True),
        ("[!a-c]x", "bx", False),
        ("[!a-c]x", "zx", True),
        ("[^a]x", "^x", True),
        ("[]", "[]", True),
        ("[abc", "[abc", True),
        ("{x", "{x", True),
        ("}x{", "}x{", True),
        ("a,b", "a,b", True),
        ("{a,{b,c}d}", "cd", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("a.b", "axb", False),
        ("a^$.(b|c)+", "a^$.(b|c)+", True),
        ("*", "", True),
        ("*", "two\nlines", True),
        ("", "", True),
        ("", "x", False),
        ("x\0y", "x\0y", True),
        ("\u00c9*", "\u00e9a", True),
        ("/^TX$/i", "tx", True),
        ("/^TX$/", "tx", False),
        ("/a/", "bab", True),
        (r"/a\/b/", "a/b", True),
        ("/^x$/m", "y\nx", True),
        ("/a.b/s", "a\nb", True),
        ("/a.b/gu", "a\nb", False),
        ("/x|y/i", "Y", True),
        ("/path/to", "/path/to", True),
        ("//", "//", True),
    ],
)
def test_a_pattern_is_a_regular_expression_or_a_glob(
    written: str, text: str, expected: bool
) -> None:
    """A glob fits the whole text in any case; a regular expression has the flags that it says."""
    assert compile_pattern(written).found(text) is expected


@pytest.mark.parametrize(
    ("body", "flags", "message"),
    [
        ("(", "", "cannot be read: missing )"),
        ("a(?=b)", "", "lookaround is not supported"),
        ("(?<!a)b", "i", "lookaround is not supported"),
        (r"(a)\1", "", "cannot be read: invalid escape sequence"),
        ("a{1001}", "", "cannot be read: invalid repetition size"),
        ("(a?){500}", "", "too large"),
        ("x" * 1001, "", "longer than 1000 characters"),
        ("a", "x", "unknown flag 'x' (known: i, m, s)"),
        ("\ud800", "", "is no text"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_told(body: str, flags: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        compile_regex(body, flags)


def test_a_regular_expression_is_written_between_slashes() -> None:
    assert split_regex("/a/b/gi") == ("a/b", "gi")
    assert split_regex("/a/x") is None
    assert split_regex("a") is None


def test_matches_are_found_from_left_to_right_even_in_broken_text() -> None:
    numbers = compile_regex("[0-9]+")
    found = numbers.search("a\ud800 12")

    assert [match.group() for match in numbers.matches("1 \ud800 22\u00e9333")] == [
        "1",
        "22",
        "333",
    ]
    assert (found.group(), found.start()) == ("12", 3)
    assert numbers.search("none") is None
    assert numbers.found("\ud8005")


def test_the_cost_of_all_matches_together_is_bounded() -> None:
    """D5: each match of this looks at the whole rest of the text."""
    pattern = compile_regex("(?:a.*b)|a")
    started = time.process_time()

    found = sum(1 for _ in pattern.matches("a" * 65_000))

    assert 0 < found < 65_000
    assert time.process_time() - started < 1


def test_a_text_that_is_too_long_for_its_pattern_does_not_match() -> None:
    large = compile_regex("(?:a|b|c){300}d")
    text = "a" * 65_000 + "d"

    assert not large.found(text)
    assert large.search(text) is None
    assert compile_regex("d$").found(text)


@given(st.text("ab*?.(", max_size=8), st.text("ab.(", max_size=8))
def test_globs_are_those_of_every_shell(glob: str, text: str) -> None:
    assert compile_glob(glob).found(text) is fnmatch.fnmatchcase(text, glob)
