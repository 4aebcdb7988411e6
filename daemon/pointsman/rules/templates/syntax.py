"""What a template says: text, ``{{…}}`` and ``{{#if …}}``, read into nodes.

In ``{{…}}`` stands a variable, a literal, or a helper with arguments and named options; a helper in
parentheses can be an argument. Where a tag begins and ends is told by
:mod:`pointsman.rules.templates.pieces`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pointsman.rules.templates.pieces import STRING, WrongTemplate, pieces

__all__ = ["Call", "Choice", "Expression", "Literal", "Node", "Variable", "WrongTemplate", "parse"]

LONGEST = 64 * 1024
_DEEPEST = 16

_TOKEN = re.compile(
    rf"\s*+(?:(?P<string>{STRING})|(?P<number>-?[0-9]++(?:\.[0-9]++)?+)(?=[\s()]|$)"
    r"|(?P<option>[A-Za-z_][A-Za-z0-9_]*+)\s*+=|(?P<bracket>[()])"
    r"|(?P<variable>(?:[A-Za-z0-9_-]|\[[^\[\]]{1,100}\])(?:[A-Za-z0-9_.-]|\[[^\[\]]{1,100}\]|'[0-9]+')*+))",
    re.ASCII,
)
_INDEX = re.compile(r"\.?\[([^\[\]]*)\]")
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it is written; text between placeholders too."""

    value: Any


@dataclass(frozen=True, slots=True)
class Variable:
    """The name of a variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A helper with what it gets."""

    name: str
    arguments: Sequence[Expression] = ()
    options: dict[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two lists of nodes."""

    condition: Expression
    then: Sequence[Node]
    otherwise: Sequence[Node]


Expression = Literal | Variable | Call
Node = Expression | Choice


@dataclass(slots=True)
class _Block:
    """An ``{{#if}}`` that is still open; what is read goes to ``nodes``."""

    negated: bool
    condition: Expression
    chained: bool = False
    then: list[Node] | None = None
    nodes: list[Node] = field(default_factory=list)

    def turn(self) -> None:
        if self.then is not None:
            raise WrongTemplate("has two '{{else}}' for one '{{#if}}'")
        self.then, self.nodes = self.nodes, []

    def end(self) -> Choice:
        first, second = (self.nodes, ()) if self.then is None else (self.then, self.nodes)
        if self.negated:
            return Choice(self.condition, second, first)
        return Choice(self.condition, first, second)


def parse(text: str) -> list[Node]:
    """Return the nodes of a template; raise ``WrongTemplate`` for one that is wrong."""
    if len(text) > LONGEST:
        raise WrongTemplate(f"is longer than {LONGEST // 1024} KiB")
    reader = _Reader()
    for piece in pieces(text):
        if isinstance(piece, str):
            reader.text(piece)
        else:
            reader.tag(piece[0].strip())
    return reader.end()


class _Reader:
    """Builds nodes from pieces; knows which blocks are open."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._open: list[_Block] = []

    def text(self, text: str) -> None:
        if text:
            self._here().append(Literal(text))

    def tag(self, inside: str) -> None:
        if inside.startswith("#"):
            self._begin(inside[1:].strip())
        elif inside.startswith("/"):
            self._close(inside[1:].strip())
        elif inside == "^" or inside.partition(" ")[0] == "else":
            self._turn(inside.partition(" ")[2].strip())
        else:
            self._here().append(_expression(inside.removeprefix("&")))

    def end(self) -> list[Node]:
        if self._open:
            name = "unless" if self._open[-1].negated else "if"
            raise WrongTemplate(f"has a '{{{{#{name}}}}}' that is not closed by '{{{{/{name}}}}}'")
        return self._nodes

    def _here(self) -> list[Node]:
        return self._open[-1].nodes if self._open else self._nodes

    def _begin(self, inside: str, *, chained: bool = False) -> None:
        name, _, condition = inside.partition(" ")
        if name not in ("if", "unless"):
            raise WrongTemplate(f"has an unknown block '{{{{#{name}}}}}' (known: if, unless)")
        if not condition.strip():
            raise WrongTemplate(f"says '{{{{#{name}}}}}' of nothing; write {{{{#{name} lead.x}}}}")
        if len(self._open) >= _DEEPEST:
            raise WrongTemplate(f"has blocks in blocks, more than {_DEEPEST} deep")
        read = _arguments(condition)
        if len(read.arguments) != 1 or read.options:
            raise WrongTemplate(
                f"compares in '{{{{#{name} {condition}}}}}'; it takes one variable, use rules for "
                "comparisons"
            )
        self._open.append(_Block(name == "unless", read.arguments[0], chained))

    def _turn(self, inside: str) -> None:
        if not self._open:
            raise WrongTemplate("has an '{{else}}' outside of '{{#if}}'")
        self._open[-1].turn()
        if inside:
            self._begin(inside, chained=True)

    def _close(self, name: str) -> None:
        while self._open and self._open[-1].chained:
            self._fold()
        if not self._open or name != ("unless" if self._open[-1].negated else "if"):
            raise WrongTemplate(f"closes '{{{{/{name}}}}}', which is not open there")
        self._fold()

    def _fold(self) -> None:
        choice = self._open.pop().end()
        self._here().append(choice)


def _expression(inside: str) -> Expression:
    read = _arguments(inside)
    if not read.arguments:
        raise WrongTemplate("has '{{}}' with nothing in it; write a variable such as lead.email")
    first, *others = read.arguments
    if not others and not read.options:
        return first
    if not isinstance(first, Variable):
        raise WrongTemplate(f"has '{{{{{inside[:60]}}}}}', which begins with no helper's name")
    return Call(first.name, others, read.options)


@dataclass(slots=True)
class _Arguments:
    arguments: list[Expression] = field(default_factory=list)
    options: dict[str, Expression] = field(default_factory=dict)
    option: str | None = None

    def add(self, expression: Expression) -> None:
        if self.option is not None:
            self.options[self.option], self.option = expression, None
        elif self.options:
            raise WrongTemplate("has a value after an option; options come last")
        else:
            self.arguments.append(expression)


def _arguments(inside: str) -> _Arguments:
    """Return what stands in a tag; helpers in parentheses are read with a stack."""
    stack, at = [_Arguments()], 0
    while at < len(inside):
        found = _TOKEN.match(inside, at)
        if found is None:
            raise WrongTemplate(f"cannot be read at '{inside[at : at + 30].strip()}'")
        at = found.end()
        _take(found, stack)
        while at < len(inside) and inside[at].isspace():
            at += 1
    if len(stack) > 1:
        raise WrongTemplate("has a '(' that is not closed")
    if stack[0].option is not None:
        raise WrongTemplate(f"gives '{stack[0].option}=' no value")
    return stack[0]


def _take(found: re.Match[str], stack: list[_Arguments]) -> None:
    here = stack[-1]
    if found["option"]:
        if here.option is not None:
            raise WrongTemplate(f"gives '{here.option}=' no value")
        here.option = found["option"]
    elif found["bracket"] == "(":
        if len(stack) > _DEEPEST:
            raise WrongTemplate(f"has helpers in helpers, more than {_DEEPEST} deep")
        stack.append(_Arguments())
    elif found["bracket"]:
        if len(stack) == 1:
            raise WrongTemplate("has a ')' without its '('")
        stack.pop()
        stack[-1].add(_inner(here))
    else:
        here.add(_single(found))


def _inner(read: _Arguments) -> Expression:
    if read.option is not None:
        raise WrongTemplate(f"gives '{read.option}=' no value")
    if not read.arguments or not isinstance(read.arguments[0], Variable):
        raise WrongTemplate("has parentheses without a helper in them")
    return Call(read.arguments[0].name, read.arguments[1:], read.options)


def _single(found: re.Match[str]) -> Expression:
    if (text := found["string"]) is not None:
        return Literal(text[1:-1].replace("\\" + text[0], text[0]))
    if (number := found["number"]) is not None:
        return Literal(float(number) if "." in number else int(number[:300]))
    name = found["variable"]
    if name in _CONSTANTS:
        return Literal(_CONSTANTS[name])
    path = _INDEX.sub(lambda index: f".{index[1]}", name).lstrip(".")
    return Variable(path.removeprefix("this."))
