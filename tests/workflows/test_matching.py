from __future__ import annotations

from pointsman.model import Change, Snapshot
from pointsman.workflows.matching import Index, matching
from working import add_tag, make_workflow, organization_with

CREATED = make_workflow(add_tag("a"), file="workflows/created.yaml")
ASSIGNED = make_workflow(add_tag("a"), file="workflows/assigned.yaml", trigger_type="lead_assigned")
OFF = make_workflow(add_tag("a"), file="workflows/off.yaml", is_active=False)
INDEX = Index(organization_with(CREATED, ASSIGNED, OFF))


def names(text: bytes) -> list[str]:
    return [workflow.name for workflow in INDEX.concerned(text)]


def change(origin: str) -> Change:
    return Change("1-0", ("lead_created",), "leads", "5f", 1, origin, 0, 1)


def test_an_event_concerns_the_active_workflows_of_its_types_each_once() -> None:
    assert names(b"lead_created leads 5f 1 intake 0 1") == ["created"]
    assert names(b"lead_created,lead_assigned leads 5f 1 intake 0 1") == ["created", "assigned"]
    assert names(b"lead_updated leads 5f 1 intake 0 1") == []
    assert names(b"lead_created contacts 5f 1 intake 0 1") == []


def test_the_filters_decide() -> None:
    conditions = [{"field": "score", "operator": "equals", "value": 5}]
    picky = make_workflow(add_tag("a"), trigger_filters={"conditions": conditions})

    assert matching([picky], change("intake"), Snapshot({"score": 5})) == [picky]
    assert matching([picky], change("intake"), Snapshot({"score": 6})) == []


def test_a_workflow_does_not_see_its_own_writes_unless_it_asks_to() -> None:
    """D7: an update trigger with an update action runs once."""
    mine, updated = change(f"workflow:{CREATED.id}"), Snapshot({"score": 2}, {"score": 1})
    again = make_workflow(add_tag("a"), file="workflows/created.yaml", reenter=True)

    assert matching([CREATED], mine, updated) == []
    assert matching([again], mine, updated) == [again]
    assert matching([CREATED], change(f"workflow:{OFF.id}"), updated) == [CREATED]


def test_a_record_that_a_workflow_made_is_not_the_one_it_ran_for() -> None:
    """D7: create in create; only how deep the chain is ends that."""
    mine = change(f"workflow:{CREATED.id}")

    assert matching([CREATED], mine, Snapshot({"score": 1})) == [CREATED]


def test_how_runs_and_submissions_end_concerns_none_and_is_looked_up_once() -> None:
    index = Index(organization_with(CREATED, ASSIGNED))
    for number in range(100):
        ended = f"run_failed runs 5f{number} 0 workflow:{CREATED.id}/7a{number} 0 1".encode()
        assert index.concerned(ended) == ()
        assert index.concerned(b"submission_success submissions 5f 0 flow:9 0 1") == ()

    assert len(index._found) == 2
