"""``pointsman eval template``: a template of a flow tried on variables.

What a flow's file would be refused for is an error here too, so a template that answers is one
that loads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pointsman.cli.lines import Answer, Lines, Question, answer_lines, as_json, write
from pointsman.cli.rule_questions import as_object

__all__ = ["template"]


def template(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEMPLATE]", help="The template, such as '{{lead.phone_1.area}}'."),
    ] = None,
    variables: Annotated[
        str | None,
        typer.Option("--vars", metavar="FILE", help="JSON of the variables: a file, or as it is."),
    ] = None,
    types: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="JSON of the lead's field types: a file, or as it is."),
    ] = None,
    jsonl: Lines = False,
) -> None:
    """Tell what a template of a flow becomes.

    Variables are {"lead": {"phone_1": "..."}, "submission": {...}, ...}; the lead's fields have the
    types of the standard fields unless --types says {"phone_1": "phone"}. A line of --jsonl is
    {"template": "...", "vars": {...}, "types": {...}}, and what has no type there is as it is. The
    answer is {"result": "512"}.
    """
    if jsonl:
        answer_lines(_rendered)
        return
    if text is None:
        raise typer.BadParameter("give a template, or --jsonl", param_hint="TEMPLATE")
    try:
        known = _standard() if types is None else _given(types, "--types")
        asked = {"template": text, "vars": _given(variables, "--vars"), "types": known}
        write(_rendered(asked), indent=2)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(str(error)) from error


def _standard() -> Mapping[str, str]:
    from pointsman.fields.standard import standard_fields  # noqa: PLC0415 - only when asked for
    from pointsman.fields.types import field_types  # noqa: PLC0415 - as above

    return {name: kind for name, kind in standard_fields().items() if kind in field_types}


def _given(told: str | None, option: str) -> Any:
    """Return what an option says, in the file that it names or itself."""
    if told is None:
        return {}
    try:
        text = told if told.lstrip().startswith("{") else Path(told).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{option}: {told}: {error}") from None
    try:
        return as_json(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def _rendered(question: Question) -> Answer:
    from pointsman.rules.templates import (  # noqa: PLC0415 - only when it is asked for
        compile_flow_template,
    )
    from pointsman.rules.variables import plain, typed_lead  # noqa: PLC0415 - as above

    text = question.get("template")
    if not isinstance(text, str):
        raise ValueError("template: expected text")  # noqa: TRY004 - a line, not a bug
    problems: list[str] = []
    compiled = compile_flow_template(text, lambda _path, message: problems.append(message))
    if problems:
        raise ValueError("; ".join(problems))
    scope: dict[str, Any] = {"now": datetime.now(UTC).isoformat(timespec="milliseconds")}
    scope |= _object(question, "vars")
    types = _object(question, "types")
    if types and scope.get("lead") is not None:
        scope["lead"] = typed_lead(as_object(scope["lead"], "vars.lead"), types)
    return {"result": _writable(plain(compiled.render(scope)))}


def _object(question: Question, name: str) -> Mapping[str, Any]:
    found = question.get(name)
    return {} if found is None else as_object(found, name)


def _writable(value: Any) -> Any:
    """Return a value with nothing in place of what JSON cannot write."""
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _writable(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
