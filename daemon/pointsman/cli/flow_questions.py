"""``pointsman eval rule``: rules of flows tried on a lead.

What a file would be refused for is an error here too, so a rule that answers is one that loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pointsman.cli.lines import Answer, Lines, Question, answer_lines, as_json, write
from pointsman.cli.rule_questions import as_object, located

__all__ = ["rule"]


def rule(
    document: Annotated[
        str | None,
        typer.Argument(metavar="[RULE]", help="A rule or a set of rules, in JSON."),
    ] = None,
    lead: Annotated[
        Path | None,
        typer.Option(help="File of the lead: a JSON object.", exists=True, dir_okay=False),
    ] = None,
    types: Annotated[
        str | None, typer.Option(help='Types of its fields: \'{"roof_age": "number"}\'.')
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Tell how each rule was evaluated.")
    ] = False,
    jsonl: Lines = False,
) -> None:
    """Tell whether a lead passes the rules of a flow, and why it does not.

    RULE is {"lhv": "lead.state", "op": "is equal to", "rhv": "TX"}, or {"op": "or", "rules":
    [...]}. The answer is {"passes": false, "reason": "lead.state must be equal to TX"}.
    Fields have the types of the standard fields unless --types says otherwise. A line of --jsonl is
    {"rule": {...}, "lead": {...}, "types": {...}, "submission": {"timestamp": "...", "ip": "..."}};
    any other variables that rules can look up may stand beside these.
    """
    if jsonl:
        answer_lines(lambda question: _answer(question, traced=trace))
        return
    if document is None:
        raise typer.BadParameter("give a rule, or --jsonl", param_hint="RULE")
    question: dict[str, Any] = {"lead": {}}
    try:
        question["rule"] = as_json(document)
        if types is not None:
            question["types"] = as_json(types)
        if lead is not None:
            question["lead"] = as_json(lead.read_bytes())
        answer = _answer(question, traced=trace)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(str(error), param_hint="RULE") from error
    write(answer, indent=2)


def _answer(question: Question, *, traced: bool) -> Answer:
    from pointsman.fields.standard import standard_fields  # noqa: PLC0415 - only when asked for
    from pointsman.rules.rulesets import compile_rules  # noqa: PLC0415 - as above

    if "rule" not in question:
        raise ValueError("rule: is missing")
    types = _types(_given(question, "types"))
    problems: list[str] = []
    rules = compile_rules(
        question["rule"],
        lambda path, message: problems.append(located(path, message)),
        ("rule",),
        types={**standard_fields(), **types},
    )
    if problems:
        raise ValueError("; ".join(problems))
    scope = _scope(question, types)
    answer = {"passes": rules.passes(scope), "reason": rules.why(scope) or None}
    if not traced:
        return answer
    return {**answer, "trace": [_step(step) for step in rules.trace(scope)]}


def _given(question: Question, name: str) -> Any:
    found = question.get(name)
    return {} if found is None else found


def _types(given: Any) -> Mapping[str, str]:
    types = as_object(given, "types")
    for name, kind in types.items():
        if not isinstance(kind, str):
            raise ValueError(f"types.{name}: expected the name of a field type")  # noqa: TRY004
    return types


def _scope(question: Question, types: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the variables of a question, with the lead's fields typed."""
    from pointsman.fields.standard import standard_fields  # noqa: PLC0415 - only when asked for
    from pointsman.fields.types import field_types  # noqa: PLC0415 - as above
    from pointsman.rules.moments import clock, is_moment  # noqa: PLC0415 - as above
    from pointsman.rules.variables import typed_lead  # noqa: PLC0415 - as above

    lead = as_object(_given(question, "lead"), "lead")
    sent = as_object(_given(question, "submission"), "submission").get("timestamp")
    if sent is not None and not is_moment(sent):
        raise ValueError(
            f"submission.timestamp: expected a time such as 2026-01-31T09:00:00Z, not {sent!r}"
        )
    known = {name: kind for name, kind in standard_fields().items() if name in lead}
    known = {name: kind for name, kind in known.items() if kind in field_types}
    scope = {name: value for name, value in question.items() if name not in ("rule", "types")}
    return {**scope, "lead": typed_lead(lead, {**known, **types}, clock(scope))}


def _step(step: Any) -> Answer:
    return {
        "path": located(step.path, "").rstrip(": "),
        "lhv": step.lhv,
        "op": step.op,
        "actual": step.actual,
        "expected": step.expected,
        "result": step.result,
    }
