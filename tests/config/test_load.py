from __future__ import annotations

import time
from pathlib import Path

import pytest

from pointsman.config import documents
from pointsman.config.load import compile_organization, files_hash, load
from pointsman.config.reading import Document
from pointsman.config.vanishing import mass_deletion
from pointsman.flow import PoolStep
from pointsman.ids import derived, short
from trees import MINIMAL, compiled, findings, write

EXAMPLE = Path(__file__).parents[2] / "config"
WORKFLOW = """\
name: Tag
trigger_module: leads
trigger_type: {trigger}
is_active: {active}
actions: [{{action_type: add_tag, config: {{tag: x}}}}]
"""
FLOW = """\
name: F
enabled: {on}
sources: [{{intake: webhook}}]
steps: [{{type: pool, pool: inbound}}]
"""


def test_the_example_is_without_findings() -> None:
    organizations, problems = load(EXAMPLE)

    assert problems == []
    acme = organizations["acme"]
    assert len(acme.members) >= 5
    assert len(acme.pools) >= 2
    assert [key.name for key in acme.keys if key.demo] == ["demo"]


def test_the_minimal_tree_is_without_findings(tmp_path: Path) -> None:
    assert findings(write(tmp_path, {})) == []


def test_findings_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    files = {
        "fields.yaml": "felds: []",
        "pools/inbound.yaml": "name: 1\nparticipants: []",
        "pools/b.yaml": "- a\n\t- b",
        "stray.yaml": "",
    }

    write(tmp_path, {}, "other")
    organizations, problems = load(write(tmp_path, files))

    assert organizations.keys() == {"other"}
    assert [f"{Path(p.file).name}:{p.line}" for p in problems] == [
        "fields.yaml:1",
        "fields.yaml:1",
        "b.yaml:2",
        "inbound.yaml:1",
        "inbound.yaml:2",
        "stray.yaml:1",
    ]


def test_ids_derive_from_kind_and_file_and_both_suffixes_are_one() -> None:
    pool = MINIMAL["pools/inbound.yaml"].partition("\n")[2]
    files: dict[str, str | None] = {"pools/inbound.yaml": pool}
    renamed: dict[str, str | None] = {"pools/inbound.yaml": None, "pools/inbound.yml": pool}

    acme, other = compiled(files), compiled(renamed)

    expected = derived(acme.id, "pool", "pools/inbound.yaml")
    assert list(acme.pools) == list(other.pools) == [expected]


def test_a_kept_id_counts_where_the_file_writes_none() -> None:
    text = {name: raw.encode() for name, raw in MINIMAL.items()}
    text["pools/b.yaml"] = b"name: B\nparticipants: [ada]\n"
    kept = "9e4b7f16-2c8d-5a3e-b0f7-43d1c6a85e92"
    ids = {"pools/b.yaml": kept, "pools/inbound.yaml": kept}

    acme, _ = compile_organization("acme", text, root=None, pool_ids=ids)

    assert acme is not None
    assert {pool.file: pool.id for pool in acme.pools.values()} == {
        "pools/b.yaml": kept,
        "pools/inbound.yaml": "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47",
    }


def test_only_active_workflows_are_triggers_and_only_enabled_flows_take_leads() -> None:
    acme = compiled(
        {
            "workflows/a.yaml": WORKFLOW.format(trigger="lead_created", active="true"),
            "workflows/b.yaml": WORKFLOW.format(trigger="lead_created", active="false"),
            "flows/off.yaml": FLOW.format(on="false"),
            "flows/on.yaml": FLOW.format(on="true"),
        }
    )

    assert [w.file for w in acme.triggers["leads", "lead_created"]] == ["workflows/a.yaml"]
    assert len(acme.workflows) == 2
    flow, source = acme.flows["webhook", None]
    assert (flow.file, source.intake) == ("flows/on.yaml", "webhook")
    assert flow.id == short(derived(acme.id, "flow", "flows/on.yaml"))
    step = flow.steps[0]
    assert isinstance(step, PoolStep)
    assert step.pool_id in acme.pools


@pytest.mark.parametrize("shared", ["id", "key"])
def test_two_organizations_cannot_share_what_a_tenant_is_found_by(
    tmp_path: Path, shared: str
) -> None:
    digest = "a" * 64
    text = {
        "id": "id: 6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36\nname: A\n",
        "key": f"name: A\napi_keys: [{{name: k, sha256: {digest!r}, scopes: [superuser]}}]\n",
    }[shared]
    files = {"organization.yaml": text, "pools/inbound.yaml": None}

    write(tmp_path, files, "acme")
    write(tmp_path, files, "other")

    kind = {"id": "id", "key": "API key"}[shared]
    expected = f"other/organization.yaml:1:1: organization 'acme' has the same {kind}"
    assert findings(tmp_path) == [expected]


def test_the_hash_is_of_names_and_bytes_and_nothing_else() -> None:
    files = {"a": b"bc", "ab": b"c"}

    assert files_hash(files) == files_hash(dict(reversed(files.items())))
    assert files_hash(files) != files_hash({"a": b"b", "ab": b"cc"})
    assert files_hash({"a": b"bc"}) != files_hash({"ab": b"c"})


def test_a_file_of_a_newer_version_is_a_finding_not_a_crash() -> None:
    files = {name: text.encode() for name, text in MINIMAL.items()} | {"journeys/dnc.yaml": b""}

    acme, problems = compile_organization("acme", files, root=None)

    assert acme is None
    assert [str(p) for p in problems] == [
        "acme/journeys/dnc.yaml:1:1: this version knows no such file"
    ]


def pools(count: int, start: int = 0) -> dict[str, bytes]:
    return {f"pools/{n}.yaml": b"" for n in range(start, start + count)}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (pools(4), pools(1), 1),
        (pools(4), pools(2), 0),
        (pools(4), pools(4, start=4), 1),
        (pools(3), {}, 0),
        (pools(5), {}, 1),
        (pools(4), {"pools/0.yml": b"", "pools/1.yml": b"", "pools/2.yml": b""}, 0),
        ({**pools(4), "tests/t.yaml": b""}, pools(4), 0),
    ],
)
def test_a_reload_that_removes_more_than_half_is_a_finding(
    before: dict[str, bytes], after: dict[str, bytes], told: int
) -> None:
    assert len(mass_deletion("acme", before, after)) == told
    allowed = {**after, "organization.yaml": b"name: A\nallow_mass_delete: true\n"}
    assert mass_deletion("acme", before, allowed) == []


def test_a_file_that_did_not_change_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    checked = documents._checked

    def noted(kind: str, raw: bytes) -> Document:
        read.append(raw)
        return checked(kind, raw)

    monkeypatch.setattr(documents, "_checked", noted)
    text = MINIMAL["pools/inbound.yaml"] + f"x-{time.time_ns()}: 1\n"
    load(write(tmp_path, {"pools/inbound.yaml": text}))
    read.clear()

    load(write(tmp_path, {"pools/inbound.yaml": text + "priority: 2\n"}))

    assert read == [(text + "priority: 2\n").encode()]
