"""``pointsman test``: rule tests on real files, run by the real scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pointsman.cli import main

FILES = {
    "organization.yaml": """\
name: Acme
integrations: {lead_webhook: {enabled: true}}
members:
  - {handle: anna, name: Anna}
  - {handle: bo, name: Bo, active: false}
  - {handle: cy, name: Cy}
""",
    "fields.yaml": "fields:\n  - {id: email, type: email, required: true}\n",
    "pools/rest.yaml": """\
name: Rest
participants: [anna, bo, cy]
connections: [{source: webhook}]
""",
    "pools/idle.yaml": """\
name: Idle
participants: [bo]
connections: [{source_key: idle}]
""",
    "workflows/tag-owned.yaml": """\
name: Tag owned
trigger_module: leads
trigger_type: lead_assigned
trigger_filters:
  conditions: [{field: city, operator: equals, value: Oslo}]
actions: [{action_type: add_tag, config: {tag: owned}}]
""",
    "workflows/tag-early.yaml": """\
name: Tag early
trigger_module: leads
trigger_type: lead_created
trigger_filters:
  conditions:
    - {field: created_at, operator: equals, value: "2026-03-02T09:30:00Z"}
actions: [{action_type: add_tag, config: {tag: early}}]
""",
}
RIGHT = """\
tests:
  - name: after Anna comes Cy, since Bo is inactive
    lead: {email: a@example.com, city: Oslo}
    clock: 2026-03-02T09:30:00Z
    pools: {rest: {next: bo}}
    expect:
      assigned: true
      pool: rest
      person: cy
      events: [lead_created, lead_assigned]
      workflows: [tag-owned, tag-early]
  - name: every test begins anew
    lead: {email: b@example.com}
    expect: {person: anna, workflows: []}
  - name: nobody may be served
    lead: {email: b@example.com}
    intake: {source_key: idle}
    expect: {assigned: false, reason: no_eligible_participant, events: [lead_created]}
"""
WRONG = """\
tests:
  - name: Bo gets it
    lead: {email: a@example.com}
    expect:
      person: bo
      events: [lead_created]
      workflows: [tag-owned]
  - name: a lead without an email
    lead: {city: Oslo}
    expect: {assigned: true}
  - name: a pointer to nobody
    lead: {email: a@example.com}
    pools: {idle: {next: anna}}
    expect: {assigned: true}
  - name: Anna gets it
    lead: {email: a@example.com}
    expect: {person: anna}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A configuration directory without rule tests."""
    for name, text in FILES.items():
        path = tmp_path / "config" / "acme" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "config" / "acme" / "tests").mkdir()
    return tmp_path / "config"


def run(root: Path, tests: str, *arguments: str) -> Result:
    (root / "acme" / "tests" / "routing.yaml").write_text(tests)
    return CliRunner().invoke(main, ["test", str(root), *arguments])


def test_what_is_as_expected_passes(root: Path) -> None:
    """Pool state, clock, events and workflows are the test's own, each time from the start."""
    answer = run(root, RIGHT)

    assert answer.exit_code == 0, answer.output
    assert answer.stdout.count("pass  ") == 3
    assert answer.stderr == "3 passed, 0 failed\n"


def test_what_is_not_is_told_with_file_line_expected_and_found(root: Path) -> None:
    answer = run(root, WRONG)

    assert answer.exit_code == 1
    file = root / "acme" / "tests" / "routing.yaml"
    assert answer.stdout.splitlines() == [
        f"FAIL  {file}:2: Bo gets it",
        "      person: expected bo, found anna",
        "      events: expected lead_created, found lead_created, lead_assigned",
        "      workflows: expected tag-owned, found none",
        f"FAIL  {file}:8: a lead without an email",
        "      lead: expected taken, found refused: email: is required and must not be blank",
        f"FAIL  {file}:11: a pointer to nobody",
        "      pools.idle.next: expected a participant's handle, found 'anna' (known: bo)",
        f"pass  {file}:15: Anna gets it",
    ]
    assert answer.stderr == "1 passed, 3 failed\n"


FLOW = """\
name: Bought
sources:
  - key: shop
    mappings: [{property: email, value: "{{mail}}"}]
    pricing: {prices: [{amount: 5}]}
fields: [email, city]
acceptance_criteria: {rule_set: {op: and, rules: [{lhv: lead.email, op: is not blank}]}}
steps:
  - key: crm
    type: recipient
    integration:
      module_id: json
      mappings:
        - {property: url, value: "https://crm.example/in"}
        - {property: outcome_search_term, value: yes}
  - key: theirs
    type: filter
    rule_set: {op: and, rules: [{lhv: crm.outcome, op: is equal to, rhv: success}]}
    outcome: success
    reason: sold
  - {key: ours, type: pool, pool: rest}
"""
SUBMITTED = """\
tests:
  - name: who takes it has it
    submit: {flow: bought, source: shop}
    lead: {mail: a@example.com}
    answers: {"https://crm.example/": {body: {said: "yes"}}}
    expect: {outcome: success, reason: sold, price: 5, assigned: false, steps: {crm: success}}
  - name: else it is ours
    submit: {flow: bought, source: shop}
    lead: {mail: a@example.com}
    answers: {"https://crm.example/": {status: 500}}
    expect: {outcome: success, reason: null, person: anna, steps: {crm: error, ours: success}}
  - name: what is wrong is told
    submit: {flow: bought, source: shop}
    lead: {city: Oslo}
    expect: {outcome: success, price: 5, steps: {ours: success}}
  - name: no answer is told
    submit: {flow: bought, source: shop}
    lead: {mail: a@example.com}
    expect: {steps: {crm: success}}
  - name: no such source
    submit: {flow: bought, source: shops}
    lead: {}
    expect: {outcome: success}
"""


def test_a_lead_is_posted_to_a_flow_and_recipients_answer_as_the_test_says(root: Path) -> None:
    """Outcome, reason, price and steps are held against what was expected."""
    (root / "acme/flows").mkdir()
    (root / "acme/flows/bought.yaml").write_text(FLOW)

    answer = run(root, SUBMITTED)

    file = root / "acme" / "tests" / "routing.yaml"
    unknown = "'shops'; did you mean 'shop'? (known: shop)"
    assert answer.stdout.splitlines() == [
        f"pass  {file}:2: who takes it has it",
        f"pass  {file}:7: else it is ours",
        f"FAIL  {file}:12: what is wrong is told",
        "      outcome: expected success, found failure",
        "      price: expected 5, found 0",
        "      steps.ours: expected success, found not reached",
        f"FAIL  {file}:16: no answer is told",
        "      steps.crm: expected success, found error",
        f"FAIL  {file}:20: no such source",
        f"      submit.source: expected a source of the flow, found {unknown}",
    ]


def test_a_test_names_flows_that_are_there_and_one_way_in(root: Path) -> None:
    wrong = """\
tests:
  - name: neither
    submit: {flow: bough, source: shop}
    intake: {source_key: idle}
    lead: {}
    expect: {outcome: success}
"""
    answer = run(root, wrong)

    assert answer.exit_code == 1
    assert "no flow 'bough'" in str(answer.exception) + answer.output
    assert "a lead comes in there or by 'submit'" in str(answer.exception) + answer.output


def test_failures_are_annotations_for_github(root: Path) -> None:
    answer = run(root, WRONG, "--format", "github")

    first, *_ = lines = answer.stdout.splitlines()
    file = root / "acme" / "tests" / "routing.yaml"
    assert len(lines) == 3
    assert first.startswith(f"::error file={file},line=2,col=5::Bo gets it: person: expected bo")


def test_outcomes_are_data_as_json(root: Path) -> None:
    answer = run(root, WRONG, "--format", "json")

    told = json.loads(answer.stdout)
    assert [(outcome["line"], outcome["passed"]) for outcome in told] == [
        (2, False),
        (8, False),
        (11, False),
        (15, True),
    ]
    assert told[0]["differences"][0] == {"what": "person", "expected": "bo", "found": "anna"}


def test_a_broken_tree_is_told_and_nothing_is_run(root: Path) -> None:
    answer = run(root, RIGHT.replace("pool: rest", "pool: rst"))

    assert answer.exit_code == 1
    assert "routing.yaml:8:13: tests[0].expect.pool: no pool 'rst'" in answer.stdout
    assert "pass  " not in answer.stdout


def test_no_tests_are_no_failure(root: Path) -> None:
    answer = CliRunner().invoke(main, ["test", str(root)])

    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "", "0 passed, 0 failed\n")


def test_the_example_passes_its_own_tests() -> None:
    example = Path(__file__).parents[2] / "config"

    answer = CliRunner().invoke(main, ["test", str(example)])

    assert answer.exit_code == 0, answer.output
