"""``pointsman explain --event``: which workflows an event would start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pointsman.cli import main
from trees import write

WORKFLOW = """\
name: {name}
trigger_module: tasks
trigger_type: task_updated
is_active: {active}
trigger_filters:
  conditions:
    - {{field: status, operator: changed_to, value: done}}
    - {{field: created_by, operator: equals, value: api}}
actions: [{{action_type: add_tag, config: {{tag: a}}}}]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(
        tmp_path / "config",
        {
            "workflows/done.yaml": WORKFLOW.format(name="Done", active="true"),
            "workflows/off.yaml": WORKFLOW.format(name="Off", active="false"),
        },
    )


def explain(root: Path, event: str, record: Any, previous: Any = None, *more: str) -> Result:
    files = [root.parent / "now.json", root.parent / "before.json"]
    for file, told in zip(files, (record, previous), strict=True):
        file.write_text(json.dumps(told))
    arguments = ["explain", str(files[0]), "--event", event, "--config-dir", str(root), *more]
    if previous is not None:
        arguments += ["--previous", str(files[1])]
    return CliRunner().invoke(main, arguments)


DONE = {"title": "T", "status": "done", "createdBy": "api", "id": "x"}


def test_it_tells_which_workflows_start_and_why_others_do_not(root: Path) -> None:
    starts = explain(root, "task_updated", DONE, {**DONE, "status": "open"})
    same = explain(root, "task_updated", DONE, DONE)
    none = explain(root, "task_overdue", DONE)

    assert starts.exit_code == 0, starts.output
    assert starts.output.splitlines() == [
        "task_updated of acme's tasks",
        "-> Done (workflows/done.yaml)",
        "   Off (workflows/off.yaml): it is switched off",
    ]
    assert "Done (workflows/done.yaml): its filters do not hold" in same.output
    assert none.output.splitlines()[-1] == "No workflow waits for it"


def test_it_answers_as_json_too(root: Path) -> None:
    told = json.loads(explain(root, "task_updated", DONE, None, "--format", "json").output)

    assert (told["module"], [one["starts"] for one in told["workflows"]]) == (
        "tasks",
        [True, False],
    )


def test_what_is_no_event_or_no_record_is_told(root: Path) -> None:
    unknown = explain(root, "task_upset", DONE)
    wrong = explain(root, "task_updated", {"title": 5})

    assert unknown.exit_code == 2
    assert "task_updated" in unknown.output
    assert (wrong.exit_code, wrong.output) == (1, "refused: title: must be text\n")
