"""``{{math "lead.loan / lead.value * 100"}}``: expressions, compiled once to closures.

An expression is text in quotes, written by the author of the flow; one that a lead brings is never
evaluated. Its size and its depth are bounded, and there are no loops, so its time is too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from pointsman.fields.text import in_digits
from pointsman.registry import nearest
from pointsman.rules.templates.calculus import (
    BINARY,
    CONSTANTS,
    FUNCTIONS,
    UNARY,
    as_float,
    is_true,
)
from pointsman.rules.templates.helpers import Render, Usage, template_helper
from pointsman.rules.variables import Scope, compile_variable, plain

__all__ = ["compile_expression", "math_helper"]

LONGEST = 1_000
_MOST_TOKENS = 300
_DEEPEST = 50
_WORDS = {*UNARY, *FUNCTIONS, "and", "or", "not", "if"} - {"random"}
"""Names that no variable has; ``random`` is one, ``random()`` a function."""

_TOKEN = re.compile(
    r"\s*+(?:(?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]{1,3})?+)"
    r"|(?P<text>'[^']*+'|\"[^\"]*+\")"
    r"|(?P<name>[A-Za-z_]\w*+(?:\.\w++|\[[0-9]{1,9}\])*+)"
    r"|(?P<sign>\|\||&&|==|!=|>=|<=|[-+*/%^()<>!?:,]))",
    re.ASCII,
)
_INDEX = re.compile(r"\[([0-9]+)\]")

Reach = Callable[[Scope], Any]
Token = tuple[str, str]


@template_helper("math", '{{math "lead.loan / lead.value * 100" format="0.0"}}')
def math_helper(usage: Usage) -> Render:
    """The result of an expression, a number; nothing where it has none. Operators are `+ - * / % ^
    !` (a factorial), `== != >= <= > <`, `and or not`, `||` (puts texts together) and `x ? y : z`;
    functions are `abs ceil floor round roundTo min max sqrt pow exp log fac pyt random if` and
    those of trigonometry. With `format` (and `locale`) it becomes text as `{{format}}` writes
    numbers; `dataType="String"` makes it text too.
    """  # noqa: D205 - one sentence
    from pointsman.rules.templates.formatting import number_writer  # noqa: PLC0415 - its neighbour

    given = usage.only("format", "locale", "dataType")
    if not given.constant or not isinstance(given.value(), str):
        raise ValueError("takes its expression as text in quotes; variables stand in it by name")
    evaluate = compile_expression(given.value())
    write = number_writer(usage)

    def calculate(scope: Scope) -> Any:
        found = _result(evaluate(scope))
        return found if write is None or found is None else write(found, scope)

    return calculate


def compile_expression(text: str) -> Reach:
    """Return what evaluates an expression; raise ``ValueError`` for one that is wrong."""
    if len(text) > LONGEST:
        raise ValueError(f"has an expression of more than {LONGEST} characters")
    parser = _Parser(_tokens(text))
    reach = parser.ternary()
    parser.end()
    return reach


def _result(value: Any) -> int | float | None:
    if isinstance(value, str):
        value = as_float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return in_digits(value)


def _tokens(text: str) -> list[Token]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"cannot read its expression at '{text[at : at + 20].strip()}'")
        kind = found.lastgroup or ""
        tokens.append((kind, found[kind]))
        at = found.end()
    if len(tokens) > _MOST_TOKENS:
        raise ValueError(f"has an expression of more than {_MOST_TOKENS} parts")
    return [*tokens, ("end", "its end")]


class _Parser:
    """Reads tokens by descent: the loosest operator first."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def end(self) -> None:
        if self._next()[0] != "end":
            raise ValueError(f"does not expect '{self._next()[1]}' there")

    def ternary(self) -> Reach:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"has an expression of more than {_DEEPEST} levels")
        condition = self._either()
        if self._took("?"):
            then = self.ternary()
            self._need(":")
            otherwise = self.ternary()
            self._depth -= 1
            return lambda scope: (then if is_true(condition(scope)) else otherwise)(scope)
        self._depth -= 1
        return condition

    def _either(self) -> Reach:
        left = self._both()
        while self._took("or"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Reach:
        left = self._binary(0)
        while self._took("and") or self._took("&&"):
            left = _and(left, self._binary(0))
        return left

    def _binary(self, level: int) -> Reach:
        if level == len(BINARY) - 1:
            return self._signed()
        left = self._binary(level + 1)
        while (sign := self._next()[1]) in BINARY[level] and self._next()[0] == "sign":
            self._at += 1
            left = _operated(BINARY[level][sign], left, self._binary(level + 1))
        return left

    def _signed(self) -> Reach:
        """Read a sign, ``not``, or a function without parentheses, before a power."""
        kind, word = self._next()
        if kind == "sign" and word in ("-", "+"):
            self._at += 1
            return _single((lambda n: -n) if word == "-" else (lambda n: n), self._deeper())
        if word == "not":
            self._at += 1
            inner = self._deeper()
            return lambda scope: not is_true(inner(scope))
        if word in UNARY and self._tokens[self._at + 1][1] != "(":
            self._at += 1
            return _single(UNARY[word], self._deeper())
        return self._power()

    def _deeper(self) -> Reach:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"has an expression of more than {_DEEPEST} levels")
        inner = self._signed()
        self._depth -= 1
        return inner

    def _power(self) -> Reach:
        base = self._postfix()
        if self._took("^"):
            return _operated(BINARY[-1]["^"], base, self._deeper())
        return base

    def _postfix(self) -> Reach:
        found = self._atom()
        while self._took("!"):
            found = _single(FUNCTIONS["fac"][2], found)
        return found

    def _atom(self) -> Reach:
        kind, word = self._next()
        self._at += 1
        if kind == "number":
            return _constant(float(word))
        if kind == "text":
            return _constant(word[1:-1])
        if kind == "name":
            return self._call(word) if self._took("(") else _named(word)
        if word == "(":
            inner = self.ternary()
            self._need(")")
            return inner
        raise ValueError(f"expects a value, not {word if kind == 'end' else repr(word)}")

    def _call(self, name: str) -> Reach:
        given: list[Reach] = []
        while not self._took(")"):
            if given:
                self._need(",")
            given.append(self.ternary())
        return _called(name, given)

    def _next(self) -> Token:
        return self._tokens[self._at]

    def _took(self, word: str) -> bool:
        kind, next_word = self._next()
        took = next_word == word and kind in ("sign", "name")
        self._at += took
        return took

    def _need(self, word: str) -> None:
        if not self._took(word):
            raise ValueError(f"expects '{word}' instead of '{self._next()[1]}'")


def _constant(value: Any) -> Reach:
    return lambda _scope: value


def _named(name: str) -> Reach:
    if name in CONSTANTS:
        return _constant(CONSTANTS[name])
    if name in _WORDS:
        raise ValueError(f"expects a value after '{name}'")
    reach = compile_variable(_INDEX.sub(r".\1", name))
    return lambda scope: plain(reach(scope))


def _called(name: str, given: list[Reach]) -> Reach:
    if name == "if":
        if len(given) != 3:  # noqa: PLR2004 - condition, then, otherwise
            raise ValueError("expects three values in if(…)")
        condition, then, otherwise = given
        return lambda scope: (then if is_true(condition(scope)) else otherwise)(scope)
    if name in UNARY:
        least, most, function = 1, 1, UNARY[name]
    elif name in FUNCTIONS:
        least, most, function = FUNCTIONS[name]
    else:
        known = sorted((*UNARY, *FUNCTIONS, "if"))
        raise ValueError(f"has an unknown function '{name}'{nearest(name, known)}")
    if not least <= len(given) <= most:
        count = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"expects {count} value(s) in {name}(…), not {len(given)}")
    return lambda scope: function(*[as_float(reach(scope)) for reach in given])


def _single(function: Callable[[float], float], inner: Reach) -> Reach:
    return lambda scope: function(as_float(inner(scope)))


def _operated(operator: Callable[[Any, Any], Any], left: Reach, right: Reach) -> Reach:
    return lambda scope: operator(left(scope), right(scope))


def _or(left: Reach, right: Reach) -> Reach:
    return lambda scope: is_true(left(scope)) or is_true(right(scope))


def _and(left: Reach, right: Reach) -> Reach:
    return lambda scope: is_true(left(scope)) and is_true(right(scope))
