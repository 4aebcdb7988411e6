"""``wait``: let time pass before the next action."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from pointsman.calendar import DAY_MINUTES, Schedule, standing
from pointsman.plugin import ActionContext, ActionError, Options, Sleep, action
from pointsman.rules.durations import LONGEST, Duration, length
from pointsman.rules.values import moment

__all__ = ["WaitOptions", "wait"]

_NEXT = "next_business_hours"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_STEPS = 1000

Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class WaitOptions(Options):
    """Options of ``wait``: ``duration`` or ``until``."""

    duration: Duration | None = Field(
        default=None,
        description="How long, in weeks, days, hours, minutes and seconds: 2h, 1d 12h, 90s.",
    )
    until: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        default=None,
        description="Until when: a day or time such as 2026-07-01T09:00:00Z, or "
        "next_business_hours.",
    )
    days: tuple[Day, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"),
        min_length=1,
        max_length=7,
        description="Days of business; for next_business_hours.",
    )
    opens: Clock = Field(default="09:00", description="When business begins on each of them.")
    closes: Clock = Field(default="17:00", description="When business ends.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.duration is None) == (self.until is None):
            raise ValueError("give 'duration' or 'until', and only one of them")
        if _minutes(self.opens) >= _minutes(self.closes):
            raise ValueError("'opens' must be before 'closes'")
        return self


@action("wait", quick=True)
async def wait(options: WaitOptions, context: ActionContext) -> Sleep | dict[str, Any]:
    """Let time pass before the next action.

    ``duration`` counts from when the run came to this step. ``until`` takes a time, as in
    ``until: "{{trigger.due_date}}"`` (a day begins at midnight in the organization's time zone, and
    a time without a zone is in it), or ``next_business_hours``: at once within business hours, else
    when they begin next, in the organization's time zone. What is past already is not waited for;
    more than 366 days are refused.

    A wait survives restarts, reloads and the loss of the daemon that began it, and a run that waits
    takes no memory and no time of any daemon. It goes on with the workflow as it was.

    Output: ``until``, the time that was waited for.
    """
    until = _until(options, context)
    if until - context.now > LONGEST:
        raise ActionError(f"{until.isoformat()} is more than {LONGEST.days} days away")
    if until > datetime.now(UTC):
        return Sleep(until)
    return {"until": until.astimezone(UTC).isoformat(timespec="seconds")}


def _until(options: WaitOptions, context: ActionContext) -> datetime:
    if options.duration is not None:
        return context.now + length(options.duration)
    if options.until == _NEXT:
        return _business(options, context)
    found = moment(options.until, context.time_zone)
    if found is None:
        raise ActionError(
            f"cannot wait until '{options.until}'; expected a time such as 2026-07-01T09:00:00Z, "
            f"or {_NEXT}"
        )
    return found


def _business(options: WaitOptions, context: ActionContext) -> datetime:
    """Return when business hours are on, from when the step began."""
    opening = ((_minutes(options.opens), _minutes(options.closes)),)
    hours = tuple(opening if day in options.days else () for day in _DAYS)
    schedule = Schedule(context.time_zone, hours)
    at = int(context.now.timestamp() * 1000)
    for _ in range(_MOST_STEPS):
        found = standing([schedule], at)
        if found.reason is None:
            break
        at = found.until
    return datetime.fromtimestamp(at / 1000, UTC)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return min(int(hours) * 60 + int(minutes), DAY_MINUTES)
