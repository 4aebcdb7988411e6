"""One rule of a flow, compiled: what it reaches, what it tests, and why it would not hold.

A right side with a template in it is read for every lead; what cannot be read then holds for the
negative operators only, as a missing value does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pointsman.fields.types import FieldType
from pointsman.registry import nearest
from pointsman.rules import lead_operators as _lead_operators  # noqa: F401 - registers them
from pointsman.rules.moments import clock
from pointsman.rules.operators import Operator, rule_operators
from pointsman.rules.readings import Reading, reading
from pointsman.rules.reasons import reason
from pointsman.rules.subjects import Report, Subject, Variables, compile_subject
from pointsman.rules.templates import compile_flow_template
from pointsman.rules.variables import Scope, plain

__all__ = ["Rule", "allowed", "compile_rule"]

Path = tuple[str | int, ...]
Check = Callable[[Scope], bool]
Given = Callable[[Scope], Any]

_RULE = frozenset({"id", "lhv", "op", "rhv", "rule_set"})
_RECENT = re.compile(r"(is (?:not )?within the last) (.+)", re.IGNORECASE)
_EARLY, _LATE = datetime(2001, 2, 3, 4, 5, tzinfo=UTC), datetime(2032, 11, 12, 13, 14, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``reach`` gives what it looks at and ``expected`` what it is compared with."""

    path: Path
    lhv: str
    op: str
    reason: str
    reach: Given
    expected: Given
    check: Check


def allowed(kind: FieldType | None) -> list[str]:
    """Return the operators that fit a type; all of them fit what may be anything."""
    return [
        name
        for name, operator in sorted(rule_operators.items())
        if kind is None or operator.family in ("blank", *kind.operators)
    ]


def compile_rule(
    document: Mapping[str, Any], variables: Variables, report: Report, path: Path
) -> Rule:
    """Compile one rule; one that is wrong is reported, and never holds."""
    for key in sorted(map(str, document.keys() - _RULE)):
        report((*path, key), "is not a part of a rule (known: lhv, op, rhv, rule_set, id)")
    subject = compile_subject(document.get("lhv"), variables, report, (*path, "lhv"))
    op, rhv = _operator_of(document)
    operator = _known(op, None if subject is None else subject.kind, report, (*path, "op"))
    if subject is None or operator is None:
        return Rule(path, str(document.get("lhv")), op, "", _nothing, _nothing, _never)
    at = (*path, "rhv") if "rhv" in document else path
    given = None if operator.takes == "nothing" else _rendered(rhv, report, at)
    check = _check(
        operator, subject, rhv, given, lambda told: report(at, f"'{operator.spelled}' {told}")
    )
    told = reason(subject.name, op, rhv)
    shown = given or (lambda _scope: rhv)
    return Rule(path, str(document["lhv"]), op, told, subject.reach, shown, check)


def _operator_of(document: Mapping[str, Any]) -> tuple[str, Any]:
    """Return a rule's operator and right side; ``is within the last 30 days`` holds both."""
    op, rhv = " ".join(str(document.get("op", "")).split()), document.get("rhv")
    found = _RECENT.fullmatch(op)
    if found is None:
        return op.lower(), rhv
    is_whole = rhv is None or found[2][0].isdigit() or "{{" in found[2]
    return found[1].lower(), found[2] if is_whole else f"{rhv} {found[2]}"


def _known(op: str, kind: FieldType | None, report: Report, path: Path) -> Operator | None:
    """Return an operator, if it is one and fits the type."""
    found, fitting = rule_operators.get(op), allowed(kind)
    if op in fitting:
        return found
    told = f"unknown operator '{op}'"
    if found is not None and kind is not None:
        told = f"'{op}' does not fit the type {kind.name}"
    report(path, f"{told}{nearest(op, fitting)} (known: {', '.join(fitting)})")
    return None


def _rendered(rhv: Any, report: Report, path: Path) -> Given | None:
    """Return what renders the right side, if there is a template in it."""
    if isinstance(rhv, str) and "{{" in rhv:
        template = compile_flow_template(rhv, report, path)
        return lambda scope: plain(template.render(scope))
    if not isinstance(rhv, list | tuple):
        return None
    items = {
        place: compile_flow_template(item, report, (*path, place))
        for place, item in enumerate(rhv)
        if isinstance(item, str) and "{{" in item
    }
    if not items:
        return None
    return lambda scope: [
        plain(items[place].render(scope)) if place in items else item
        for place, item in enumerate(rhv)
    ]


def _check(
    operator: Operator,
    subject: Subject,
    rhv: Any,
    given: Given | None,
    refuse: Callable[[str], None],
) -> Check:
    read, reach = reading(operator.family, subject.kind), subject.reach
    if given is not None:
        return _later(operator, reach, given, read)
    if operator.takes == "nothing" and rhv not in (None, "", []):
        refuse("takes no rhv; remove it")
        return _never
    if operator.takes != "nothing" and rhv is None:
        refuse("needs a value to compare with, as rhv")
        return _never
    try:
        early = read.expected(rhv, _EARLY)
        if read.timed and read.expected(rhv, _LATE) != early:
            return _later(operator, reach, lambda _scope: rhv, read)
        test, actual = operator.build(early, True), read.actual
    except ValueError as error:
        refuse(str(error))
        return _never
    return lambda scope: test(actual(reach(scope)))


def _later(operator: Operator, reach: Given, given: Given, read: Reading) -> Check:
    """Return a check whose right side is read for every lead."""
    build, actual, expected = operator.build, read.actual, read.expected

    def check(scope: Scope) -> bool:
        try:
            test = build(expected(given(scope), clock(scope)), True)
        except ValueError:
            return operator.negative
        return test(actual(reach(scope)))

    return check


def _never(_scope: Scope) -> bool:
    return False


def _nothing(_scope: Scope) -> None:
    return None
