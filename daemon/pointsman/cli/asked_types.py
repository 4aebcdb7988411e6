"""The field types that a question names, and its variables read by them.

``types`` names a lead's fields by their ids, with or without ``lead.`` before them. In the question
of a template it may name any other variable too: ``{"dob": "dob"}`` is a field of the lead, or a
variable of that name if the lead has no such field.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pointsman.cli.rule_questions import as_object

__all__ = ["named_types", "standard_types", "typed_variables"]

_LEAD = "lead."


@cache
def standard_types() -> Mapping[str, str]:
    """Return the types of the standard fields."""
    from pointsman.fields.standard import standard_fields  # noqa: PLC0415 - only when asked for
    from pointsman.fields.types import field_types  # noqa: PLC0415 - as above

    return {name: kind for name, kind in standard_fields().items() if kind in field_types}


def named_types(given: Any) -> Mapping[str, str]:
    """Return types by field id; raises ``ValueError`` for one that is none."""
    from pointsman.fields.types import field_types  # noqa: PLC0415 - only when it is asked for

    types = as_object(given, "types")
    for name, kind in types.items():
        if not isinstance(kind, str):
            raise ValueError(f"types.{name}: expected the name of a field type")  # noqa: TRY004
        if kind not in field_types:
            raise ValueError(f"types.{name}: {field_types.explain_missing(kind)}")
    return {name.removeprefix(_LEAD): kind for name, kind in types.items()}


def typed_variables(variables: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """Return variables with those typed that ``types`` names; a dotted name is taken apart.

    ``now`` is there too: when the lead was sent, if that is told.
    """
    from pointsman.rules.moments import clock  # noqa: PLC0415 - only when it is asked for
    from pointsman.rules.variables import typed_lead  # noqa: PLC0415 - as above

    scope = _nested(variables)
    now = clock(scope)
    told = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    scope.setdefault("now", told)
    lead = scope.get("lead")
    for name, kind in types.items():
        root, _, rest = name.partition(".")
        in_lead = isinstance(lead, dict) and (name in lead or root in lead)
        if in_lead or root not in scope:
            continue
        if not rest:
            scope = typed_lead(scope, {name: kind}, now)
        elif isinstance(scope[root], dict):
            scope[root] = typed_lead(scope[root], {rest: kind}, now)
    if types and lead is not None:
        scope["lead"] = typed_lead(as_object(lead, "vars.lead"), types, now)
    return scope


def _nested(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables by their roots: ``{"lead.state": "TX"}`` is the state of a lead."""
    scope = {name: value for name, value in variables.items() if "." not in name}
    for name, value in variables.items():
        root, dot, rest = name.partition(".")
        holder = scope.get(root, {})
        if dot and isinstance(holder, dict):
            scope[root] = {rest: value, **holder}
    return scope
