"""The left side of a rule: a variable or a template, and the field type of what it gives.

A variable is looked up, not printed. Its type is known where the rule is compiled, so an operator
or an attribute that the type has not is told to the author and not found out by a lead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.fields.types import FieldType, field_types
from pointsman.registry import nearest
from pointsman.rules.templates import compile_flow_template
from pointsman.rules.variables import Scope, compile_variable

__all__ = ["Report", "Subject", "Variables", "compile_subject"]

Path = tuple[str | int, ...]
Report = Callable[[Path, str], None]

_ALONE = re.compile(r"\s*\{\{\s*([A-Za-z0-9_.'-]+)\s*\}\}\s*")
_ROOTS = {
    "submission.timestamp": "time",
    "submission.ip": "ip",
    "random": "number",
    "price": "number",
    "purchase_price": "number",
    "feedback.timestamp": "time",
}
"""Types of variables that are nobody's fields."""


@dataclass(frozen=True, slots=True)
class Variables:
    """What is known of the variables: types by field id, and the ids that there are, if known."""

    types: Mapping[str, str]
    declared: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A left side; ``kind`` is ``None`` for what may be anything, ``name`` is what it is called."""

    reach: Callable[[Scope], Any]
    name: str
    kind: FieldType | None = None


def compile_subject(
    written: Any, variables: Variables, report: Report, path: Path
) -> Subject | None:
    """Return the left side of a rule; what is wrong with it is reported, and gives ``None``."""
    if not isinstance(written, str) or not written.strip():
        report(path, "expected a variable such as lead.state, or a template")
        return None
    alone = _ALONE.fullmatch(written)
    text = alone[1] if alone else written.strip()
    try:
        if "{{" in text:
            return Subject(_printed(written, report, path), text)
        return Subject(compile_variable(text), text, _kind_of(text, variables))
    except ValueError as error:
        report(path, str(error))
        return None


def _printed(written: str, report: Report, path: Path) -> Callable[[Scope], Any]:
    """Return what renders a template; raises ``ValueError`` for a wrong one."""
    wrong: list[str] = []
    template = compile_flow_template(written, lambda _path, message: wrong.append(message), path)
    for message in wrong[1:]:
        report(path, message)
    if wrong:
        raise ValueError(wrong[0])
    return template.render


def _kind_of(text: str, variables: Variables) -> FieldType | None:
    """Return the type of a variable; raises ``ValueError`` for one that cannot be there."""
    root, _, rest = text.partition(".")
    if root != "lead" or not rest:
        return field_types.get(_ROOTS.get(text, ""))
    parts = rest.split(".")
    for at in range(len(parts), 0, -1):
        name = ".".join(parts[:at])
        if name in variables.types:
            return _kind_below(name, variables.types[name], parts[at:])
    _check_declared(rest, parts[0], variables)
    return None


def _kind_below(name: str, kind: str, below: list[str]) -> FieldType | None:
    """Return the type of an attribute of a field, or of an item if the field has several."""
    known = field_types.get(kind)
    below = below[1:] if below and below[0].isdigit() else below
    if known is None or not below:
        return known
    attributes = {**known.attributes, "normal": kind}
    if "valid" in known.operators:
        attributes["valid"] = "boolean"
    if len(below) > 1 or below[0] not in attributes:
        attribute = ".".join(below)
        raise ValueError(
            f"'{name}' is of type {kind}, which has no attribute '{attribute}'"
            f"{nearest(attribute, list(attributes))} (known: {', '.join(sorted(attributes))})"
        )
    return field_types[attributes[below[0]]]


def _check_declared(rest: str, first: str, variables: Variables) -> None:
    declared = variables.declared
    if declared is None or first == "id" or rest in declared or first in declared:
        return
    raise ValueError(
        f"'{rest}' is not a field of this flow{nearest(rest, list(declared))}; "
        "name it under 'fields'"
    )
