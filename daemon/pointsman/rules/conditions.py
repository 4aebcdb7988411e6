"""Filters: ``{logic: AND|OR, conditions: [...]}``, nested, compiled once a load to closures.

No condition at all matches everything, in a nested group too. What the compiled function costs is
paid for every event of the trigger's type, so nothing is looked up or decided there that can be
decided here. Conditions about a change see the record before, which a new record does not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pointsman.model import Snapshot
from pointsman.rules.operators import NEVER, operators
from pointsman.rules.paths import PATH, compile_path
from pointsman.rules.values import is_blank

__all__ = ["Report", "compile_filters"]

Fields = Mapping[str, Any]
Check = Callable[[Fields, Fields | None], bool]
Path = tuple[str | int, ...]
Report = Callable[[Path, str], None]

_GROUP = frozenset({"logic", "conditions"})
_DEEPEST = 100
_FIELD = re.compile(PATH)


def compile_filters(
    document: Any, report: Report, path: Path = (), *, changes: bool = True
) -> Callable[[Snapshot], bool]:
    """Return whether a snapshot passes the filters; report what is wrong below ``path``.

    Without ``changes``, operators about a change are wrong too.
    """
    if document is None:
        return lambda _snapshot: True
    if _is_deeper(document, _DEEPEST):
        report(path, f"conditions are nested deeper than {_DEEPEST} levels")
        return lambda _snapshot: False
    if not changes:
        _report_changes(document, report, path)
    check = _group(document, report, path)
    return lambda snapshot: check(snapshot.current, snapshot.previous)


def _group(document: Any, report: Report, path: Path) -> Check:
    if not isinstance(document, Mapping) or document.keys() - _GROUP:
        report(path, "expected an object of 'logic' and 'conditions'")
        return _never
    conditions, logic = document.get("conditions", ()), document.get("logic", "AND")
    if not isinstance(conditions, list | tuple):
        report((*path, "conditions"), "expected a list of conditions")
        return _never
    if logic not in ("AND", "OR"):
        report((*path, "logic"), f"expected AND or OR, not {logic!r}")
    checks = [
        _part(part, report, (*path, "conditions", place)) for place, part in enumerate(conditions)
    ]
    if not checks:
        return lambda _now, _before: True
    if len(checks) == 1:
        return checks[0]
    return _any(checks) if logic == "OR" else _all(checks)


def _is_deeper(document: Any, depth: int) -> bool:
    """Return whether groups are nested deeper; level by level, as they may exceed a stack."""
    level = [document]
    for _ in range(depth):
        level = [part for each in level for part in _parts(each)]
    return bool(level)


def _parts(document: Any) -> Sequence[Any]:
    parts = document.get("conditions") if isinstance(document, Mapping) else None
    return parts if isinstance(parts, list | tuple) else ()


def _part(document: Any, report: Report, path: Path) -> Check:
    is_condition = isinstance(document, Mapping) and "conditions" not in document
    return (_condition if is_condition else _group)(document, report, path)


def _report_changes(document: Any, report: Report, path: Path) -> None:
    """Report the operators that need the record before an event."""
    for place, part in enumerate(_parts(document)):
        found = operators.get(str(part.get("operator"))) if isinstance(part, Mapping) else None
        at: Path = (*path, "conditions", place)
        if found is not None and found.of_change:
            report((*at, "operator"), f"'{found.name}' is for trigger_filters only")
        _report_changes(part, report, at)


def _never(_now: Fields, _before: Fields | None) -> bool:
    return False


def _all(checks: Sequence[Check]) -> Check:
    def every(now: Fields, before: Fields | None) -> bool:
        for check in checks:  # noqa: SIM110 - all() with a generator costs twice as much
            if not check(now, before):
                return False
        return True

    return every


def _any(checks: Sequence[Check]) -> Check:
    def some(now: Fields, before: Fields | None) -> bool:
        for check in checks:  # noqa: SIM110 - any() with a generator costs twice as much
            if check(now, before):
                return True
        return False

    return some


def _condition(document: Fields, report: Report, path: Path) -> Check:
    name, field = str(document.get("operator", "")), str(document.get("field", ""))
    if not _FIELD.fullmatch(field):
        report((*path, "field"), f"'{field}' is not a field path such as 'custom_fields.budget'")
        return _never
    if name not in operators:
        report((*path, "operator"), operators.explain_missing(name))
        return _never
    found = operators[name]
    if problem := _value_problem(found.takes, document):
        report((*path, "value") if "value" in document else path, f"'{name}' {problem}")
        return _never
    try:
        test = found.build(document.get("value"), bool(document.get("ignore_case", False)))
    except ValueError as error:
        report((*path, "value"), f"'{name}' cannot take this value: {error}")
        return _never
    reach = compile_path(field)
    if found.of_change:
        return lambda now, before: test(NEVER if before is None else reach(before), reach(now))
    return lambda now, _before: test(reach(now))


def _value_problem(takes: str, document: Fields) -> str | None:
    """Return what is wrong with a condition's value for an operator that ``takes`` this."""
    value = document.get("value")
    if takes == "nothing":
        return None if is_blank(value) else "takes no value; remove it"
    if "value" not in document:
        return "needs a value"
    if takes == "list" and not isinstance(value, list):
        return f"takes a list, not {value!r}; write [{value}]"
    return None
