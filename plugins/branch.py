"""``branch``: go on with one of two lists of actions."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from pointsman.model import Snapshot
from pointsman.plugin import ActionContext, Branch, Options, action
from pointsman.rules.conditions import compile_filters

__all__ = ["BranchOptions", "branch"]

Actions = tuple[dict[str, Any], ...]


class BranchOptions(Options):
    """Options of ``branch``."""

    conditions: dict[str, Any] = Field(
        description="What decides: logic and conditions as in trigger_filters, nested if need be.",
        json_schema_extra={"x-filters": True},
    )
    then: Actions = Field(
        default=(),
        description="Actions to go on with if the conditions hold.",
        json_schema_extra={"x-actions": True},
    )
    else_: Actions = Field(
        default=(),
        alias="else",
        description="Actions to go on with if they do not.",
        json_schema_extra={"x-actions": True},
    )

    @field_validator("conditions")
    @classmethod
    def _right(cls, conditions: dict[str, Any]) -> dict[str, Any]:
        wrong: list[str] = []
        compile_filters(conditions, lambda path, told: wrong.append(_at(path, told)), changes=False)
        if wrong:
            raise ValueError("; ".join(wrong))
        return conditions


@action("branch", quick=True)
async def branch(options: BranchOptions, context: ActionContext) -> Branch:
    """Go on with one of two lists of actions, and then with what follows.

    The conditions see the record as the event left it, and what earlier actions gave as
    ``steps.1.status``; their values may hold placeholders. Operators about a change are for
    ``trigger_filters`` only. Actions inside are steps of the run like others: they count on after
    the branch, those under ``then`` first, and branches can hold branches. The steps that were not
    taken are shown as ``skipped``.

    Output: ``branch``, the list that was taken: ``then`` or ``else``.
    """
    outputs = {str(number): output for number, output in enumerate(context.steps, start=1)}
    check = compile_filters(options.conditions, lambda _path, _told: None, changes=False)
    holds = check(Snapshot({**context.trigger, "steps": outputs}))
    return Branch("then" if holds else "else")


def _at(path: tuple[str | int, ...], told: str) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{place.lstrip('.')}: {told}" if place else told
