"""The calls about workflows, their runs and dead letters as data."""

from __future__ import annotations

from pointsman.http.api_schemas import listed, ref
from pointsman.http.operation import PAGED, Operation
from pointsman.modules import MODULES
from pointsman.store.run_search import STATUSES

__all__ = ["WORKFLOW_OPERATIONS"]

_WORKFLOWS = "/api/v1/workflows"
_WORKFLOW = f"{_WORKFLOWS}/{{id}}"
_RUN = f"{_WORKFLOWS}/runs/{{id}}"
_LETTERS = "/api/v1/dead-letters"
_LETTER = f"{_LETTERS}/{{id}}"
_READ = "workflows:read"
_WRITE = "workflows:write"
_OF_RUN = {
    name: {"id": "$response.body#/data/0/id"}
    for name in ("getRun", "cancelRun", "retryRun", "replayRun")
}
_OF_LETTER = {
    name: {"id": "$response.body#/data/0/id"}
    for name in ("getDeadLetter", "retryDeadLetter", "discardDeadLetter")
}
_OF_WORKFLOW = {
    name: {"id": "$response.body#/id"}
    for name in ("getWorkflow", "updateWorkflow", "toggleWorkflow", "deleteWorkflow")
}


def _change(name: str, summary: str, status: int = 200) -> Operation:
    """Return the call that does something to a run."""
    path, answer = f"{_RUN}/{name}", ref("RunDetails")
    return Operation("post", path, f"{name}Run", summary, _WRITE, answer, status, errors=(404, 409))


_CRUD = (
    Operation(
        "get",
        _WORKFLOWS,
        "listWorkflows",
        "List workflows, newest first.",
        _READ,
        listed("Workflow"),
        query={**PAGED, "module": {"enum": list(MODULES)}},
    ),
    Operation(
        "post",
        _WORKFLOWS,
        "createWorkflow",
        "Make a workflow.",
        _WRITE,
        ref("Workflow"),
        201,
        body=ref("WorkflowCreate"),
        errors=(409,),
        links=_OF_WORKFLOW,
    ),
    Operation(
        "get",
        _WORKFLOW,
        "getWorkflow",
        "Read a workflow with its actions.",
        _READ,
        ref("Workflow"),
        errors=(404,),
    ),
    Operation(
        "put",
        _WORKFLOW,
        "updateWorkflow",
        "Change a workflow; what the body leaves out stays as it is.",
        _WRITE,
        ref("Workflow"),
        body=ref("WorkflowUpdate"),
        errors=(404, 409),
    ),
    Operation(
        "patch",
        f"{_WORKFLOW}/toggle",
        "toggleWorkflow",
        "Switch a workflow on or off; without a body, to the other side.",
        _WRITE,
        ref("Workflow"),
        body=ref("WorkflowToggle"),
        needs_body=False,
        errors=(404, 409),
    ),
    Operation(
        "delete",
        _WORKFLOW,
        "deleteWorkflow",
        "Remove a workflow. Open runs go on, and what it did stays on record.",
        _WRITE,
        ref("Deleted"),
        errors=(404, 409),
    ),
)

_RUNS = (
    Operation(
        "get",
        f"{_WORKFLOWS}/{{id}}/runs",
        "listRuns",
        "List a workflow's runs, newest first.",
        _READ,
        listed("Run"),
        query=PAGED,
        errors=(404,),
        links=_OF_RUN,
    ),
    Operation(
        "get",
        f"{_WORKFLOWS}/runs",
        "searchRuns",
        "List runs across workflows, newest first.",
        _READ,
        listed("Run"),
        query={
            **PAGED,
            "status": {"enum": list(STATUSES)},
            "workflowId": {"type": "string", "description": "Runs of this workflow only."},
        },
        links=_OF_RUN,
    ),
    Operation(
        "get",
        _RUN,
        "getRun",
        "Read a run with its steps.",
        _READ,
        ref("RunDetails"),
        errors=(404,),
    ),
    _change("cancel", "End a run; a step under way may end, and nothing follows it."),
    _change("retry", "Let a failed run go on from the step that it failed at."),
    _change("replay", "Begin a run anew, on its workflow as it is now.", 201),
)

_DEAD = (
    Operation(
        "get",
        _LETTERS,
        "listDeadLetters",
        "List steps of workflows and deliveries of flows that failed for good, newest first.",
        "deadletters:read",
        listed("DeadLetter"),
        query=PAGED,
        links=_OF_LETTER,
    ),
    Operation(
        "get",
        _LETTER,
        "getDeadLetter",
        "Read a dead letter with what was to be done.",
        "deadletters:read",
        ref("DeadLetterDetails"),
        errors=(404,),
    ),
    Operation(
        "post",
        f"{_LETTER}/retry",
        "retryDeadLetter",
        "Do the step again; a run that failed at it goes on. Deliveries are tried in the "
        "background.",
        "deadletters:write",
        {"anyOf": [ref("RunDetails"), ref("LostDelivery")]},
        errors=(404, 409),
    ),
    Operation(
        "delete",
        _LETTER,
        "discardDeadLetter",
        "Forget a dead letter; its run, or its lead's events, stay on record.",
        "deadletters:write",
        ref("Discarded"),
        errors=(404,),
    ),
)

WORKFLOW_OPERATIONS = (*_CRUD, *_RUNS, *_DEAD)
"""The calls, in the order in which the page shows them."""
