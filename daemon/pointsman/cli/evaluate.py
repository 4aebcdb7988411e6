"""``pointsman eval``: try what a flow is made of, without a server.

Each command answers one question from its arguments, or with ``--jsonl`` one a line of standard
input: a line out for every line in, in order, whatever is wrong with one of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pointsman.cli.flow_questions import rule
from pointsman.cli.lines import Lines, Question, answer_lines, write
from pointsman.cli.quick import Quick, QuickGroup
from pointsman.cli.rule_questions import as_object, condition, interpolate
from pointsman.cli.template_questions import template

if TYPE_CHECKING:
    from pointsman.fields.types import FieldType

__all__ = ["evaluate"]

evaluate = typer.Typer(
    cls=QuickGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    help="Try a field type, a rule, a template, a condition, without a server.",
)


@evaluate.callback()
def begin() -> None:
    """Know what is dropped in; reading the settings takes longer than most of these commands."""
    if "POINTSMAN_PLUGINS_DIR" in os.environ or Path("pointsman.toml").is_file():
        from pointsman.cli.told_plugins import known_plugins  # noqa: PLC0415 - see above

        known_plugins()


evaluate.command(cls=Quick)(condition)
evaluate.command(cls=Quick)(interpolate)
evaluate.command(cls=Quick)(template)
evaluate.command(cls=Quick)(rule)


def _types() -> Mapping[str, FieldType]:
    from pointsman.fields.types import field_types  # noqa: PLC0415 - only when it is asked for

    return field_types


def _completed(incomplete: str) -> list[str]:
    return [name for name in _types() if name.startswith(incomplete)]


@evaluate.command(cls=Quick)
def field(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TYPE]",
            autocompletion=_completed,
            help="Field type, such as phone; with --jsonl each line names its own.",
        ),
    ] = None,
    value: Annotated[str | None, typer.Argument(help="What a sender would post.")] = None,
    now: Annotated[
        str | None, typer.Option(help="Read as if it were then: 2026-01-31T09:00:00Z.")
    ] = None,
    masked: Annotated[
        bool, typer.Option("--masked", help="Show the value as events keep it.")
    ] = False,
    jsonl: Lines = False,
) -> None:
    """Tell how a field type reads a value: its normal form and all its attributes.

    A line of --jsonl is {"type": "dob", "input": "6/2/1980", "options": {"now": "..."}}.
    """
    if jsonl:
        answer_lines(lambda question: _field(question, now, masked=masked))
        return
    if name is None:
        raise typer.BadParameter("give a field type, or --jsonl", param_hint="TYPE")
    try:
        answer = _field({"type": name, "input": value}, now, masked=masked)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    write(answer, indent=2)


def _field(question: Question, now: str | None, *, masked: bool) -> Mapping[str, Any]:
    options = as_object(question.get("options") or {}, "options")
    known = _known(question.get("type"))
    then = options.get("now") or now
    value = known.value(question.get("input"), _moment(then) if then else None)
    if value is not None and masked and known.mask is not None:
        value = known.mask(value)
    if value is None:
        return dict.fromkeys(("string", "value", "valid", "raw", "masked"))
    return {
        "string": str(value),
        "value": _number(value.normal),
        "valid": value.valid,
        "raw": _number(value.raw),
        "masked": value.masked,
        **{name: _number(attribute) for name, attribute in value.attributes.items()},
    }


def _known(name: Any) -> FieldType:
    from pointsman.fields.types import field_types  # noqa: PLC0415 - only when it is asked for

    if not isinstance(name, str):
        raise ValueError("type: expected the name of a field type")  # noqa: TRY004 - a line
    if name not in field_types:
        raise ValueError(field_types.explain_missing(name))
    return field_types[name]


def _moment(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(
            f"now: expected a time such as 2026-01-31T09:00:00Z, not {text!r}"
        ) from None


def _number(value: Any) -> Any:
    """Return a value as public JSON has it: whole numbers in digits, nothing for what is none."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    from pointsman.fields.text import in_digits  # noqa: PLC0415 - only when it is asked for

    return in_digits(value)
