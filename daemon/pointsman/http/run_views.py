"""A workflow's run in the words of the API.

What a step did is shown as it was stored: without secrets, and with the newest attempt only. Names
of options are those of the workflow's own page; outputs have the names that placeholders use.
"""

from __future__ import annotations

from typing import Any

from pointsman.config.schema import composed
from pointsman.http.names import camel_keys
from pointsman.http.spelling import to_api
from pointsman.ids import lead_uuid
from pointsman.store.dead_letters import DeadLetter, LostDelivery
from pointsman.store.run_state import Run, StepRecord
from pointsman.store.stored import rfc3339

__all__ = ["letter_details", "letter_row", "lost_row", "run_details", "run_row"]


def run_row(run: Run) -> dict[str, Any]:
    """Return a run as a list has it."""
    return {
        "id": run.id,
        "workflowId": run.workflow_id,
        "workflowName": run.name,
        "version": run.version,
        "triggerModule": run.module,
        "triggerType": run.type,
        "recordId": lead_uuid(run.subject),
        "eventId": run.event,
        "depth": run.depth,
        "generation": run.generation,
        "definition": run.digest,
        "status": run.status,
        "error": run.error,
        "replayOf": run.replay,
        "startedAt": rfc3339(run.created),
        "updatedAt": rfc3339(run.updated),
        "finishedAt": rfc3339(run.finished) if run.finished else None,
        "dueAt": rfc3339(run.due) if run.due and run.status == "waiting" else None,
    }


def run_details(run: Run) -> dict[str, Any]:
    """Return a run with the record that began it and its steps."""
    steps = [_step(run, number) for number in range(1, len(run.steps) + 1)]
    return {**run_row(run), "trigger": camel_keys(run.trigger), "steps": steps}


def letter_row(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as a list has it."""
    run, step = letter.run, letter.step
    return {
        "id": letter.id,
        "runId": run.id,
        "workflowId": run.workflow_id,
        "workflowName": run.name,
        "triggerModule": run.module,
        "recordId": lead_uuid(run.subject),
        "actionType": step.type,
        "sortOrder": letter.number,
        "attempts": step.attempts,
        "error": step.error,
        "runStatus": run.status,
        "failedAt": rfc3339(letter.at),
    }


def lost_row(letter: LostDelivery) -> dict[str, Any]:
    """Return a delivery of a flow that failed for good."""
    told = letter.told
    return {
        "id": letter.id,
        "recordId": lead_uuid(letter.name.lead_id),
        "triggerModule": "leads",
        "flowId": told["flow"],
        "flowName": told["flow_name"],
        "stepId": told["step"],
        "recipient": told["name"],
        "attempts": told["attempts"],
        "error": told["error"],
        "failedAt": rfc3339(letter.at),
    }


def letter_details(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter with what was to be done."""
    return {**letter_row(letter), "step": _step(letter.run, letter.number)}


def _step(run: Run, number: int) -> dict[str, Any]:
    step = run.steps[number - 1]
    return {
        "id": step.id,
        "actionType": step.type,
        "sortOrder": number,
        "status": _status(run, step),
        "attempts": step.attempts,
        "input": None if step.input is None else _config(step),
        "missing": step.missing,
        "output": step.output,
        "error": step.error,
        "startedAt": rfc3339(step.started) if step.started else None,
        "finishedAt": rfc3339(step.finished) if step.finished else None,
    }


def _config(step: StepRecord) -> Any:
    action = {"action_type": step.type, "config": step.input}
    return to_api({"actions": [action]}, composed("workflow"))["actions"][0]["config"]


def _status(run: Run, step: StepRecord) -> str:
    """Return a step's status; what waited when its run was cancelled waits no more."""
    ended = run.status == "cancelled" and step.status == "waiting"
    return "cancelled" if ended else step.status
