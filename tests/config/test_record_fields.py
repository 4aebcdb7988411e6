"""A name that no record of the module has is found at load."""

from __future__ import annotations

import re
from pathlib import Path

from trees import findings, write

TASKS = """\
name: Tasks
trigger_module: tasks
trigger_type: task_updated
trigger_filters:
  conditions:
    - {field: dueDate, operator: any_change}
    - {logic: OR, conditions: [{field: titel, operator: is_empty}]}
actions:
  - action_type: add_tag
    config: {tags: ["{{trigger.titel}}", "{{trigger.customFields.mine}} {{trigger.isOverdue}}"]}
  - action_type: branch
    config:
      conditions: {conditions: [{field: steps.1.added, operator: is_empty}]}
      then: [{action_type: add_tag, config: {tag: "{{trigger.nothing | default: 'x'}}"}}]
"""
LEADS = """\
name: Leads
trigger_module: leads
trigger_type: lead_created
trigger_filters: {conditions: [{field: utm_source, operator: equals, value: x}]}
actions:
  - action_type: add_tag
    config: {tags: ["{{trigger.firstName}}", "{{trigger.phone1}}", "{{trigger.shoe_size}}"]}
"""


def test_a_field_that_no_record_of_the_module_has_is_an_error(tmp_path: Path) -> None:
    found = findings(write(tmp_path, {"workflows/t.yaml": TASKS}))

    assert [
        re.sub(r"^.*?yaml|: .*?: ", " ", each).split("; one of your own is ") for each in found
    ] == [
        [
            " :7:40 tasks have no field 'titel'; did you mean 'title'?",
            "custom_fields.titel (warning)",
        ],
        [" :10:21 tasks have no field 'titel'; did you mean 'title'?", "custom_fields.titel"],
        [" :14:51 tasks have no field 'nothing'", "custom_fields.nothing"],
    ]


def test_of_leads_which_keep_what_they_came_with_it_is_a_warning(tmp_path: Path) -> None:
    found = findings(write(tmp_path, {"workflows/l.yaml": LEADS}))

    assert [each.rpartition(" is ")[2] for each in found] == [
        "custom_fields.utm_source (warning)",
        "custom_fields.shoe_size (warning)",
    ]
