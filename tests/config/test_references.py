"""What files say of each other: every wrong name is found at load, with its place.

A case in ``contradictions/`` is the minimal tree with the files that it lists over it, and then
exactly the findings.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trees import MINIMAL, compiled, findings, write

CASES = sorted((Path(__file__).parent / "contradictions").glob("*.txt"))
FLOW = "name: F\nsources: [{intake: webhook, source_key: a}]\nsteps: [{type: pool, pool: b}]\n"
POOL = "id: 9e4b7f16-2c8d-5a3e-b0f7-43d1c6a85e92\nname: Second\nparticipants: [ada]\n"


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_names_that_lead_nowhere_and_contradictions_are_errors(tmp_path: Path, case: Path) -> None:
    """L5: a route to what does not exist is an error of the file, not a line in a log."""
    parts = re.split(r"^=== (.*)\n", case.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    expected = files.pop("findings")

    found = findings(write(tmp_path, files))

    assert found == expected.splitlines()


def test_an_identical_connection_on_two_active_pools_is_a_warning(tmp_path: Path) -> None:
    second = POOL + "connections: [{source_key: a}]\n"
    first = MINIMAL["pools/inbound.yaml"] + "  - source_key: a\n"

    found = findings(write(tmp_path, {"pools/inbound.yaml": first, "pools/z.yaml": second}))

    expected = (
        "acme/pools/z.yaml:4:15: connections[0]: pools/inbound.yaml has the same connection and "
        "gets all its leads; change one, or set 'priority' to choose (warning)"
    )
    assert found == [expected]
    write(tmp_path, {"pools/inbound.yaml": first, "pools/z.yaml": "is_active: false\n" + second})
    assert findings(tmp_path) == []


def test_a_flow_to_an_inactive_pool_is_a_warning(tmp_path: Path) -> None:
    files = {
        "pools/b.yaml": f"is_active: false\n{POOL}",
        "flows/f.yaml": FLOW,
    }

    expected = (
        "acme/flows/f.yaml:3:9: steps[0]: pools/b.yaml is not active, so no lead is assigned "
        "(warning)"
    )
    assert findings(write(tmp_path, files)) == [expected]


WORKFLOW = """\
name: Tell
trigger_module: leads
trigger_type: lead_created
actions:
  - {action_type: webhook, config: {url: "https://{{env.CRM_HOST}}/x", body: ["{{env.HOME}}"]}}
"""


def test_a_placeholder_reads_only_the_variables_that_are_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_HOST", "crm.acme.example")
    allowed = f"{MINIMAL['organization.yaml']}allow_env: [CRM_HOST]\n"
    files = {"organization.yaml": allowed, "workflows/w.yaml": WORKFLOW}

    (found,) = findings(write(tmp_path, files))

    assert found == (
        "acme/workflows/w.yaml:5:79: actions[0].config.body[0]: 'env.HOME' is not allowed; add it "
        "under allow_env in organization.yaml"
    )
    assert compiled({"organization.yaml": allowed}).environment == {"CRM_HOST": "crm.acme.example"}


@pytest.mark.parametrize(
    ("kind", "config", "needed"),
    [
        ("send_email", "{to: a@b.c, subject: s, text: t}", "smtp"),
        ("send_sms", '{to: "+13125550101", body: b}', "twilio"),
        ("send_whatsapp", '{to: "+13125550101", body: b}', "twilio"),
    ],
)
def test_an_action_without_its_sender_is_reported(
    tmp_path: Path, kind: str, config: str, needed: str
) -> None:
    text = f"""\
name: Tell
trigger_module: leads
trigger_type: lead_created
actions: [{{action_type: {kind}, config: {config}}}]
"""

    (found,) = findings(write(tmp_path, {"workflows/w.yaml": text}))

    assert f"action_type: '{kind}' needs '{needed}' in organization.yaml" in found


def test_an_allowed_variable_that_is_not_set_is_reported(tmp_path: Path) -> None:
    text = f"{MINIMAL['organization.yaml']}allow_env: [POINTSMAN_NO_SUCH]\n"

    (found,) = findings(write(tmp_path, {"organization.yaml": text}))

    assert "'POINTSMAN_NO_SUCH' is not set for this daemon" in found


def test_a_pool_without_an_id_is_a_hint_that_tells_the_id(tmp_path: Path) -> None:
    found = findings(write(tmp_path, {"pools/b.yaml": "name: B\nparticipants: [ada]\n"}))

    expected = (
        "acme/pools/b.yaml:1:1: turns are counted under the file's name; add "
        "'id: 43402c67-303f-5b79-bcf5-9aa817cdc424' and it can be renamed (hint)"
    )
    assert found == [expected]


def test_a_broken_pool_does_not_make_others_look_broken(tmp_path: Path) -> None:
    files = {
        "pools/b.yaml": "nam: B\nparticipants: [ada]\n",
        "flows/f.yaml": FLOW,
        "tests/t.yaml": "tests: [{name: t, lead: {}, expect: {pool: b}}]\n",
    }

    found = findings(write(tmp_path, files))

    assert {line.partition(":")[0] for line in found} == {"acme/pools/b.yaml"}
