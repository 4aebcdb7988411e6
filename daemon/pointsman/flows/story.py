"""The events of one submission, as they are stored: one per step, and the source's at last.

An event's id is the lead's with the step's number behind, so that who has the one finds the other;
that of a delivery proves beside that its recipient was told of it. The variables are told once,
with the source's event, masked; those of a step are these and what the steps before it added. The
event of a pool step is left open at its end: the script that takes the turn closes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from orjson import dumps

from pointsman.calendar import zone
from pointsman.flow import Bid, PluginStep, Recipient
from pointsman.flows.submission import StepResult, Submission
from pointsman.ids import event_id

__all__ = ["delivery_of", "events"]

SOURCE = 0

_DELIVERED = (Recipient, Bid, PluginStep)
_QUARTER = 15 * 60_000


def delivery_of(submission: Submission, step: Recipient | Bid | PluginStep) -> str:
    """Return what a recipient knows its delivery by, however often it is tried."""
    return submission.seal(event_id(submission.lead_id, step.number))


def events(submission: Submission, ended: int) -> list[str | bytes]:
    """Return the JSON of the events of a submission that ended at ``ended``, in their order.

    Before them stands which fields it had, to be counted.
    """
    return [_used(submission), *_steps(submission), _source(submission, ended)]


def _used(submission: Submission) -> str:
    flow = submission.flow
    day = _day(flow.time_zone, submission.at // _QUARTER)
    return f"used {flow.id} {day} {' '.join(submission.data)}"


@lru_cache(maxsize=1024)
def _day(time_zone: str, quarter: int) -> str:
    """Return the day of a zone; all clocks are a number of quarters of an hour apart."""
    return str(zone(time_zone).wall(quarter * _QUARTER).date())


def _steps(submission: Submission) -> Iterator[bytes]:
    for result in submission.results:
        told = dumps(_step(submission, result))
        yield told[:-1] if result.outcome is None else told


def _step(submission: Submission, result: StepResult) -> dict[str, Any]:
    step = result.step
    own = event_id(submission.lead_id, step.number)
    told: dict[str, Any] = {
        "id": submission.seal(own) if isinstance(step, _DELIVERED) else own,
        "type": step.type,
        "at": submission.at,
        "step": step.id,
        "key": step.key,
    }
    if result.outcome is not None:
        told["outcome"] = result.outcome
    if result.reason:
        told["reason"] = result.reason
    if result.price is not None:
        told["price"] = result.price
    if result.appended:
        told["appended"] = result.appended
    if result.told:
        told |= result.told
    return told


def _source(submission: Submission, ended: int) -> bytes:
    lead = {**submission.data, "id": submission.lead_id}
    told: dict[str, Any] = {
        "id": event_id(submission.lead_id, SOURCE),
        "type": "source",
        "at": submission.at,
        "ms": max(0, ended - submission.at),
        "flow": submission.flow.id,
        "source": submission.source.id,
        "outcome": submission.outcome,
        "purchase_price": submission.price,
        "cost": submission.price if submission.outcome == "success" else 0,
        "steps": len(submission.results),
        "vars": submission.told(submission.scope, lead),
    }
    if submission.reason is not None:
        told["reason"] = submission.reason
    if submission.full is not None:
        told["cap_reached"] = submission.full.id
    return dumps(told)
