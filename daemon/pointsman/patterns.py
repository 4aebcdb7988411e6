"""Patterns that people write: regular expressions and globs, matched in linear time.

RE2 does the matching, so no pattern and no text make it backtrack; what it has not are lookaround
and back references. What a match may cost is bounded all the same: a pattern has a largest size,
and a text that is too long for its pattern does not match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

__all__ = ["LONGEST", "Pattern", "compile_glob", "compile_pattern", "compile_regex", "split_regex"]

LONGEST: Final = 1_000
"""Characters of a pattern."""

_LARGEST = 1_000
"""Instructions of a compiled pattern; a repetition such as ``{500}`` counts that often."""

_STEPS = 10_000_000
"""Instructions times characters, for one match: 0.1 s at the very worst."""

_MEMORY = 1 << 19

_WRITTEN = re.compile(r"/(.+)/([gimsu]*)", re.DOTALL)
_FLAGS = frozenset("gimsu")
_KEPT = "ims"
_LONE = re.compile("[\ud800-\udfff]")
_GLOB = re.compile(r"\\(.)|\[(!?)(\]?[^\]]*)\]|(.)", re.DOTALL)
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_IN_CLASS = re.compile(r"[\\\[\]^]")
_WILD = {"*": ".*", "?": ".", "{": "(?:", "}": ")"}


class Pattern:
    """A compiled pattern."""

    __slots__ = ("_regexp", "_room")

    def __init__(self, regexp: Any) -> None:
        self._regexp = regexp
        self._room = _STEPS // max(regexp.programsize, 1)

    def found(self, text: str) -> bool:
        """Return whether the pattern is somewhere in ``text``."""
        if len(text) > self._room:
            return False
        return self._regexp.search(text.encode("utf-8", "replace")) is not None

    def search(self, text: str, at: int = 0) -> Any:
        """Return the first match from ``at`` on, like :meth:`re.Pattern.search`."""
        if len(text) > self._room:
            return None
        return self._regexp.search(_LONE.sub("?", text), at)

    def matches(self, text: str) -> Iterator[Any]:
        """Yield the matches from left to right, as long as they cost no more than one may."""
        if len(text) > self._room:
            return
        cost = 0
        for match in self._regexp.finditer(_LONE.sub("?", text)):
            yield match
            cost += len(text) - match.start()
            if cost > self._room:
                return


def compile_pattern(text: str) -> Pattern:
    """Compile what a rule says: a regular expression if it is ``/…/flags``, else a glob.

    Raises ``ValueError`` with what is wrong with it.
    """
    written = split_regex(text)
    return compile_glob(text) if written is None else compile_regex(*written)


def split_regex(text: str) -> tuple[str, str] | None:
    """Return body and flags of ``/…/flags``; ``None`` for a text that is not written so."""
    found = _WRITTEN.fullmatch(text)
    return (found[1], found[2]) if found else None


def compile_glob(text: str) -> Pattern:
    """Compile a glob, which must fit the whole text in any case.

    ``*`` is any text, ``?`` one character, ``[abc]`` one of these, ``[!abc]`` none of them,
    ``{a,b}`` either; a backslash makes the next character an ordinary one.
    """
    return compile_regex(rf"\A(?:{_regex_of(text)})\z", "is")


@lru_cache(maxsize=64)
def compile_regex(body: str, flags: str = "") -> Pattern:
    """Compile a regular expression with flags out of ``gimsu``, of which g and u change nothing.

    Raises ``ValueError`` with what is wrong with it.
    """
    import re2  # noqa: PLC0415 - a library of C++, loaded when a pattern is there

    if len(body) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    if unknown := set(flags) - _FLAGS:
        raise ValueError(f"has the unknown flag '{min(unknown)}' (known: i, m, s)")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    kept = "".join(flag for flag in _KEPT if flag in flags)
    try:
        regexp = re2.compile(f"(?{kept}:{body})" if kept else body, options)
    except re2.error as error:
        raise ValueError(f"cannot be read: {_told(error)}") from None
    except UnicodeEncodeError:
        raise ValueError("is no text") from None
    if regexp.programsize > _LARGEST:
        raise ValueError("is too large; its repetitions count as often as they may repeat")
    return Pattern(regexp)


def _regex_of(glob: str) -> str:
    told: list[str] = []
    depth = 0
    braces = _balanced(glob)
    for escaped, negated, inside, plain in _GLOB.findall(glob):
        if inside:
            safe = _IN_CLASS.sub(r"\\\g<0>", inside)
            told.append(f"[{'^' if negated else ''}{safe}]")
        elif plain in ("{", "}") and braces:
            depth += 1 if plain == "{" else -1
            told.append(_WILD[plain])
        elif plain == "," and depth:
            told.append("|")
        elif plain in ("*", "?"):
            told.append(_WILD[plain])
        else:
            told.append(_SPECIAL.sub(r"\\\g<0>", escaped or plain or f"[{negated}]"))
    return "".join(told)


def _balanced(glob: str) -> bool:
    """Return whether every brace that is an ordinary character has its other one."""
    depth = 0
    for *_, plain in _GLOB.findall(glob):
        depth += {"{": 1, "}": -1}.get(plain, 0)
        if depth < 0:
            return False
    return depth == 0


def _told(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "(?=" in text or "(?!" in text or "(?<" in text:
        return f"{text} (lookaround is not supported)"
    return text
