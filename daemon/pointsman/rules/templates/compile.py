"""From a template's text to closures over a scope.

A template that is exactly one placeholder keeps the type of its value, a typed lead value
included; anything more is text. What a placeholder stands for is put in as it is, neither escaped
nor looked at again, so ``{{`` in a lead's data stays the text it is. A variable that leads nowhere
is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pointsman.rules.paths import MISSING
from pointsman.rules.templates import arithmetic, formatting, hashing, words
from pointsman.rules.templates.helpers import LIMIT, Argument, Render, Usage, helpers
from pointsman.rules.templates.syntax import (
    Call,
    Choice,
    Expression,
    Literal,
    Node,
    Variable,
    WrongTemplate,
    parse,
)
from pointsman.rules.variables import Lookup, Scope, compile_variable, plain, text_of

__all__ = ["HELPER_MODULES", "FlowTemplate", "Report", "compile_flow_template"]

HELPER_MODULES = (arithmetic, formatting, hashing, words)
"""Imported, so that their helpers are known."""

MOST_HELPERS = 500
"""In one template: what bounds its time, as each of them looks at a bounded text."""

Path = tuple[str | int, ...]
Report = Callable[[Path, str], None]


class FlowTemplate:
    """A compiled template; rendering one never raises.

    ``constant`` is the text of a template without placeholders; ``variables`` names what the
    others ask for.
    """

    __slots__ = ("_render", "constant", "variables")

    def __init__(
        self, render: Render, constant: str | None = None, variables: Sequence[str] = ()
    ) -> None:
        self._render = render
        self.constant = constant
        self.variables = variables

    def render(self, scope: Scope) -> Any:
        """Return the value; that of a lone placeholder keeps its type, ``""`` if it is missing."""
        found = self._render(scope)
        if isinstance(found, str):
            return found if len(found) <= LIMIT else found[:LIMIT]
        return "" if found is MISSING else found

    def text(self, scope: Scope) -> str:
        """Return the value as text."""
        return text_of(self._render(scope))[:LIMIT]


def compile_flow_template(text: str, report: Report, path: Path = ()) -> FlowTemplate:
    """Compile a template; what is wrong is reported, and the template then renders nothing."""
    if "{{" not in text:
        return FlowTemplate(lambda _scope: text, text)
    try:
        nodes = parse(text)
        _check_cost(nodes)
        render = _whole(nodes)
    except WrongTemplate as error:
        report(path, f"the template {error}")
        return FlowTemplate(lambda _scope: "")
    names = tuple(dict.fromkeys(name for node in nodes for name in _names(node)))
    return FlowTemplate(render, variables=names)


def _whole(nodes: Sequence[Node]) -> Render:
    if len(nodes) == 1 and not isinstance(nodes[0], Choice):
        return _argument(nodes[0]).reach
    return _joined(nodes)


def _joined(nodes: Sequence[Node]) -> Callable[[Scope], str]:
    parts = [_part(node) for node in nodes]
    if len(parts) == 1:
        return parts[0]

    def joined(scope: Scope) -> str:
        told, room = [], LIMIT
        for part in parts:
            told.append(part(scope))
            room -= len(told[-1])
            if room < 0:
                break
        return "".join(told)[:LIMIT]

    return joined


def _part(node: Node) -> Callable[[Scope], str]:
    if isinstance(node, Choice):
        return _chosen(node)
    if isinstance(node, Literal):
        text = text_of(node.value)
        return lambda _scope: text
    reach = _argument(node).reach
    return lambda scope: text_of(reach(scope))


def _chosen(choice: Choice) -> Callable[[Scope], str]:
    condition = _argument(choice.condition).reach
    then, otherwise = _joined(choice.then), _joined(choice.otherwise)
    return lambda scope: (then if _holds(condition(scope)) else otherwise)(scope)


def _holds(value: Any) -> bool:
    """Return whether there is something: not missing, false, zero, empty text or an empty list."""
    value = plain(value)
    return bool(value) if not isinstance(value, dict) else True


def _argument(expression: Expression) -> Argument:
    if isinstance(expression, Literal):
        value = expression.value
        return Argument(lambda _scope: value, constant=True)
    if isinstance(expression, Variable):
        return Argument(_reach(expression.name), constant=False, name=expression.name)
    return Argument(_called(expression), constant=False)


def _reach(name: str) -> Lookup:
    if name in helpers:
        raise WrongTemplate(f"gives '{name}' nothing to work on; write {helpers[name].example}")
    try:
        return compile_variable(name)
    except ValueError as error:
        raise WrongTemplate(f"has a placeholder that is wrong: {error}") from None


def _called(call: Call) -> Lookup:
    if call.name not in helpers:
        raise WrongTemplate(f"has an {helpers.explain_missing(call.name)}")
    helper = helpers[call.name]
    usage = Usage(
        [_argument(argument) for argument in call.arguments],
        {name: _argument(option) for name, option in call.options.items()},
    )
    try:
        return helper.build(usage)
    except WrongTemplate:
        raise
    except ValueError as error:
        raise WrongTemplate(
            f"has a helper that cannot work: '{call.name}' {error}; it is written {helper.example}"
        ) from None


def _check_cost(nodes: Sequence[Node]) -> None:
    if sum(map(_cost, nodes)) > MOST_HELPERS:
        raise WrongTemplate(f"uses more than {MOST_HELPERS} helpers; a whirlpool counts as 100")


def _cost(node: Node) -> int:
    """Return what a node and the helpers in it cost."""
    own = 0
    if isinstance(node, Call):
        known = helpers.get(node.name)
        own = known.cost if known else 1
    return own + sum(map(_cost, _inside(node)))


def _names(node: Node) -> Iterator[str]:
    if isinstance(node, Variable):
        yield node.name
    for inner in _inside(node):
        yield from _names(inner)


def _inside(node: Node) -> Sequence[Node]:
    """Return the nodes that a node is made of, in the order in which they stand."""
    if isinstance(node, Call):
        return (*node.arguments, *node.options.values())
    if isinstance(node, Choice):
        return (node.condition, *node.then, *node.otherwise)
    return ()
