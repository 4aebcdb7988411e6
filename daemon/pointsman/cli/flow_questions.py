"""``pointsman eval rule``: rules of flows tried on a lead.

What a file would be refused for is an error here too, so a rule that answers is one that loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pointsman.cli.asked_types import named_types, standard_types
from pointsman.cli.lines import Answer, Lines, Question, answer_lines, as_json, named_json, write
from pointsman.cli.rule_questions import as_object, located, object_in

__all__ = ["rule"]


def rule(
    document: Annotated[
        str | None,
        typer.Argument(metavar="[RULE]", help="A rule or a set of rules, in JSON."),
    ] = None,
    lead: Annotated[
        str | None, typer.Option(metavar="FILE", help="JSON of the lead: a file, or as it is.")
    ] = None,
    types: Annotated[
        str | None,
        typer.Option(metavar="FILE", help='Types of its fields: \'{"roof_age": "number"}\'.'),
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
    its fields have the types that it names and no other, or those of the standard fields if it has
    no "types". Any other variables that rules can look up may stand beside these.
    """
    if jsonl:
        answer_lines(lambda question: _answer(question, traced=trace))
        return
    if document is None:
        raise typer.BadParameter("give a rule, or --jsonl", param_hint="RULE")
    try:
        asked = {
            "rule": as_json(document),
            "lead": named_json(lead, "--lead"),
            "types": {**standard_types(), **as_object(named_json(types, "--types"), "--types")},
        }
        answer = _answer(asked, traced=trace)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(str(error), param_hint="RULE") from error
    write(answer, indent=2)


def _answer(question: Question, *, traced: bool) -> Answer:
    from pointsman.rules.rulesets import compile_rules  # noqa: PLC0415 - only when it is asked for

    if "rule" not in question:
        raise ValueError("rule: is missing")
    asked = question.get("types")
    types = standard_types() if asked is None else named_types(asked)
    problems: list[str] = []
    rules = compile_rules(
        question["rule"],
        lambda path, message: problems.append(located(path, message)),
        ("rule",),
        types=types,
    )
    if problems:
        raise ValueError("; ".join(problems))
    scope = _scope(question, types)
    answer = {"passes": rules.passes(scope), "reason": rules.why(scope) or None}
    if not traced:
        return answer
    return {**answer, "trace": [_step(step) for step in rules.trace(scope)]}


def _scope(question: Question, types: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the variables of a question, with the lead's fields typed."""
    from pointsman.rules.moments import clock, is_moment  # noqa: PLC0415 - only when asked for
    from pointsman.rules.variables import typed_lead  # noqa: PLC0415 - as above

    lead = object_in(question, "lead")
    sent = object_in(question, "submission").get("timestamp")
    if sent is not None and not is_moment(sent):
        raise ValueError(
            f"submission.timestamp: expected a time such as 2026-01-31T09:00:00Z, not {sent!r}"
        )
    scope = {name: value for name, value in question.items() if name not in ("rule", "types")}
    there = {root for name in lead for root in (name, name.partition(".")[0])}
    here = {name: types[name] for name in types if {name, name.partition(".")[0]} & there}
    return {**scope, "lead": typed_lead(lead, here, clock(scope))}


def _step(step: Any) -> Answer:
    return {
        "path": located(step.path, "").rstrip(": "),
        "lhv": step.lhv,
        "op": step.op,
        "actual": step.actual,
        "expected": step.expected,
        "result": step.result,
    }
