"""``pointsman eval template``: a template of a flow tried on variables.

What a flow's file would be refused for is an error here too, so a template that answers is one
that loads.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer

from pointsman.cli.asked_types import named_types, standard_types, typed_variables
from pointsman.cli.lines import Answer, Lines, Question, answer_lines, named_json, write
from pointsman.cli.rule_questions import object_in

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
    {"template": "...", "vars": {...}, "types": {...}}, and what has no type there is as it is;
    types can name other variables than the lead's fields too. The answer is {"result": "512"}.
    """
    if jsonl:
        answer_lines(_rendered)
        return
    if text is None:
        raise typer.BadParameter("give a template, or --jsonl", param_hint="TEMPLATE")
    try:
        known = standard_types() if types is None else named_json(types, "--types")
        asked = {"template": text, "vars": named_json(variables, "--vars"), "types": known}
        write(_rendered(asked), indent=2)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(str(error)) from error


def _rendered(question: Question) -> Answer:
    from pointsman.rules.templates import (  # noqa: PLC0415 - only when it is asked for
        compile_flow_template,
    )
    from pointsman.rules.variables import plain  # noqa: PLC0415 - as above

    text = question.get("template")
    if not isinstance(text, str):
        raise ValueError("template: expected text")  # noqa: TRY004 - a line, not a bug
    problems: list[str] = []
    compiled = compile_flow_template(text, lambda _path, message: problems.append(message))
    if problems:
        raise ValueError("; ".join(problems))
    types = named_types(object_in(question, "types"))
    scope = typed_variables(object_in(question, "vars"), types)
    return {"result": _writable(plain(compiled.render(scope)))}


def _writable(value: Any) -> Any:
    """Return a value with nothing in place of what JSON cannot write."""
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _writable(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
