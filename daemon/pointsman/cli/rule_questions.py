"""``pointsman eval condition`` and ``pointsman eval interpolate``: rules tried on a record.

What a file would be refused for is an error here too, so a rule that answers is one that loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from pointsman.cli.lines import Answer, Lines, Question, answer_lines, as_json, write

__all__ = ["as_object", "condition", "interpolate", "located", "object_in"]

_NAMED = ("workflow", "organization", "env")
_FEW = 4
"""Digits that no step's number has."""

_WHOLE = "The question, as a line of --jsonl."


def condition(
    question: Annotated[str | None, typer.Argument(metavar="[QUESTION]", help=_WHOLE)] = None,
    jsonl: Lines = False,
) -> None:
    """Tell whether a record passes the filters of a workflow.

    A question is {"filters": {"logic": "AND", "conditions": [...]}, "current": {...},
    "previous": {...}}; without "previous" the record is a new one. The answer is {"passes": true}.
    """
    _answer(_passes, question, jsonl=jsonl)


def interpolate(
    question: Annotated[str | None, typer.Argument(metavar="[QUESTION]", help=_WHOLE)] = None,
    jsonl: Lines = False,
) -> None:
    """Tell what placeholders become.

    A question is {"template": "Hi {{trigger.first_name}}", "trigger": {...}, "steps": [...]}, where
    steps are the outputs of earlier actions; "workflow", "organization", "env" and "now" can be
    given too. The answer is {"result": "Hi Ada"}.
    """
    _answer(_rendered, question, jsonl=jsonl)


def _answer(answer: Any, question: str | None, *, jsonl: bool) -> None:
    if jsonl:
        answer_lines(answer)
        return
    if question is None:
        raise typer.BadParameter("give a question, or --jsonl", param_hint="QUESTION")
    try:
        asked = as_json(question)
        write(answer(as_object(asked, "the question")))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="QUESTION") from error


def _passes(question: Question) -> Answer:
    from pointsman.model import Snapshot  # noqa: PLC0415 - only when it is asked for
    from pointsman.rules.conditions import compile_filters  # noqa: PLC0415 - as above

    problems: list[str] = []
    previous = question.get("previous")
    snapshot = Snapshot(
        as_object(question.get("current"), "current"),
        None if previous is None else as_object(previous, "previous"),
    )
    check = compile_filters(
        question.get("filters"),
        lambda path, message: problems.append(located(path, message)),
        ("filters",),
    )
    if problems:
        raise ValueError("; ".join(problems))
    return {"passes": check(snapshot)}


def _rendered(question: Question) -> Answer:
    from pointsman.rules.interpolate import (  # noqa: PLC0415 - only when it is asked for
        compile_template,
        template_problems,
    )

    if "template" not in question:
        raise ValueError("template: is missing")
    template, steps = question["template"], _steps(question.get("steps"))
    if problems := template_problems(template, None):
        raise ValueError(
            "; ".join(located(("template", *path), message) for path, message in problems)
        )
    scope = {
        "trigger": as_object(question.get("trigger", {}), "trigger"),
        "steps": steps,
        "now": question.get("now") or datetime.now(UTC).isoformat(timespec="milliseconds"),
        **{name: as_object(question.get(name, {}), name) for name in _NAMED},
    }
    return {"result": compile_template(template).render(scope)[0]}


def _steps(told: Any) -> Sequence[Any]:
    """Return outputs in order, from a list or from an object by number."""
    if isinstance(told, Mapping):
        numbers = [int(key) for key in told if key.isascii() and key.isdigit() and len(key) < _FEW]
        return [told.get(str(number)) for number in range(1, max(numbers, default=0) + 1)]
    if told is not None and not isinstance(told, list):
        raise ValueError("steps: expected a list of outputs")
    return told or ()


def as_object(value: Any, name: str) -> Mapping[str, Any]:
    """Return a value that must be an object; raises ``ValueError`` with its name for others."""
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected an object")  # noqa: TRY004 - a line, not a bug
    return value


def object_in(question: Question, name: str) -> Mapping[str, Any]:
    """Return an object of a question, an empty one if it says nothing of it."""
    found = question.get(name)
    return {} if found is None else as_object(found, name)


def located(path: Sequence[str | int], message: str) -> str:
    """Return a message with its place: ``filters.conditions[0].value: needs a list``."""
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return f"{place}: {message}"
