"""Rules of flows: ``{lhv, op, rhv}`` and ``{op: and|or, rules: [...]}``, nested.

They are compiled once a load; no rule at all holds for every lead. Evaluation never fails and is
bounded, whatever a lead holds. Why rules do not hold, and the trace of how they were evaluated, are
worked out only when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.fields.types import Mask, field_types, masked
from pointsman.rules.reasons import any_of
from pointsman.rules.single import Rule, compile_rule
from pointsman.rules.subjects import Report, Variables
from pointsman.rules.variables import Scope, lone_field, plain

__all__ = ["Rules", "Step", "compile_rules"]

Path = tuple[str | int, ...]
Check = Callable[[Scope], bool]

_SET = frozenset({"id", "op", "rules"})
_NOT_BLANK = "is not blank"
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One rule as it was evaluated; what must not be stored in the clear is masked."""

    path: Path
    lhv: str
    op: str
    actual: Any
    expected: Any
    result: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """Rules of which all must hold, or ``some`` one."""

    parts: Sequence[Rule | _Group]
    some: bool = False


class Rules:
    """Compiled rules. Implements :class:`pointsman.flow.RuleSet`."""

    __slots__ = ("_check", "_masks", "_root")

    def __init__(self, root: Rule | _Group, masks: Mapping[str, Mask]) -> None:
        self._root = root
        self._check = _check(root)
        self._masks = masks

    def passes(self, scope: Scope) -> bool:
        """Return whether they hold."""
        return self._check(scope)

    def why(self, scope: Scope) -> str:
        """Return why they do not hold, "" where they do."""
        return _why(self._root, scope)

    def demands(self) -> frozenset[str]:
        """Return the fields that must not be blank."""
        return frozenset(_demanded(self._root))

    def trace(self, scope: Scope) -> list[Step]:
        """Return the rules that decided, in the order in which they were evaluated."""
        lead = scope.get("lead")
        shown = dict(scope)
        if isinstance(lead, Mapping):
            shown["lead"] = {name: masked(lead[name], self._masks.get(name)) for name in lead}
        return list(_trace(self._root, scope, shown))


def _demanded(part: Rule | _Group) -> Iterator[str]:
    if isinstance(part, _Group):
        if not part.some:
            for below in part.parts:
                yield from _demanded(below)
    elif part.op == _NOT_BLANK and (field := lone_field(part.lhv)):
        yield field


def compile_rules(
    document: Any,
    report: Report,
    path: Path = (),
    types: Mapping[str, str] | None = None,
    *,
    declared: Collection[str] | None = None,
) -> Rules:
    """Compile a rule or a set of rules; report what is wrong with it below ``path``.

    ``types`` is the type of every field by its id. A variable of a field that is not ``declared``
    is reported too, unless nothing is known of that.
    """
    variables = Variables(types or {}, declared)
    masks = {
        name: known.mask
        for name, kind in variables.types.items()
        if (known := field_types.get(kind)) is not None and known.mask is not None
    }
    return Rules(_compile(document, variables, report, path, 0), masks)


def _compile(
    document: Any, variables: Variables, report: Report, path: Path, depth: int
) -> Rule | _Group:
    if document is None or document == {}:
        return _Group(())
    if not isinstance(document, Mapping):
        report(path, "expected a rule {lhv, op, rhv}, or a set of rules {op, rules}")
        return _Group(())
    if depth > _DEEPEST:
        report(path, f"rules are nested deeper than {_DEEPEST} levels")
        return _Group(())
    if "rules" in document or "lhv" not in document:
        return _compile_set(document, variables, report, path, depth)
    rule = compile_rule(document, variables, report, path)
    if not document.get("rule_set"):
        return rule
    below = (*path, "rule_set")
    return _Group((rule, _compile(document["rule_set"], variables, report, below, depth + 1)))


def _compile_set(
    document: Mapping[str, Any], variables: Variables, report: Report, path: Path, depth: int
) -> _Group:
    for key in sorted(map(str, document.keys() - _SET)):
        report((*path, key), "is not a part of a set of rules (known: op, rules, id)")
    rules, op = document.get("rules"), document.get("op") or "and"
    some = str(op).strip().lower()
    if some not in ("and", "or"):
        report((*path, "op"), f"expected and or or, not {op!r}")
    if not isinstance(rules, list | tuple):
        report((*path, "rules"), "expected a list of rules")
        return _Group(())
    parts = [
        _compile(rule, variables, report, (*path, "rules", place), depth + 1)
        for place, rule in enumerate(rules)
    ]
    return _Group(parts, some == "or" and bool(parts))


def _check(node: Rule | _Group) -> Check:
    if isinstance(node, Rule):
        return node.check
    checks = [_check(part) for part in node.parts]
    if len(checks) == 1:
        return checks[0]
    return _any(checks) if node.some else _all(checks)


def _all(checks: Sequence[Check]) -> Check:
    def every(scope: Scope) -> bool:
        for check in checks:  # noqa: SIM110 - all() with a generator costs twice as much
            if not check(scope):
                return False
        return True

    return every


def _any(checks: Sequence[Check]) -> Check:
    def some(scope: Scope) -> bool:
        for check in checks:  # noqa: SIM110 - any() with a generator costs twice as much
            if check(scope):
                return True
        return False

    return some


def _why(node: Rule | _Group, scope: Scope) -> str:
    if isinstance(node, Rule):
        return "" if node.check(scope) else node.reason
    reasons = []
    for part in node.parts:
        told = _why(part, scope)
        if bool(told) is not node.some:
            return told
        reasons.append(told)
    return any_of(reasons) if node.some else ""


def _trace(node: Rule | _Group, scope: Scope, shown: Scope) -> Iterator[Step]:
    """Yield the steps up to the one that decides; ``shown`` is the scope as it may be seen."""
    if isinstance(node, Rule):
        actual, expected = _told(node.reach(shown)), node.expected(shown)
        result = node.check(scope)
        yield Step(node.path, node.lhv, node.op, actual, expected, result)
        return
    for part in node.parts:
        yield from _trace(part, scope, shown)
        if _check(part)(scope) is node.some:
            return


def _told(value: Any) -> Any:
    return [_told(item) for item in value] if isinstance(value, list) else plain(value)
