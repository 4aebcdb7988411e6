"""The ways in that organization.yaml switches on, and what waits for leads that cannot come."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphing import integration
from pointsman.config.secrets import secret_files
from trees import MINIMAL, compiled, findings, write

HEAD = MINIMAL["organization.yaml"]


def with_meta(meta: str) -> str:
    return HEAD.replace("enabled: true}}", f"enabled: true}}, meta: {meta}}}")


def test_what_is_left_out_is_off() -> None:
    acme = compiled({})

    assert (acme.automation, acme.meta, acme.intake_limit, acme.keep_history) == (
        False,
        None,
        None,
        False,
    )


def test_a_meta_app_is_what_the_file_says() -> None:
    text = with_meta(integration("https://graph.example/v25.0/").removeprefix("meta: "))
    acme = compiled({"organization.yaml": text})

    assert acme.meta
    assert (acme.meta.app_secret, acme.meta.graph_url) == (
        b"app secret",
        "https://graph.example/v25.0",
    )
    assert {"app secret", "EAAG-page-token"} <= set(acme.secrets())
    assert "EAAG" not in repr(acme.meta)


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ("{}", ["needs 'verify_token' or", "needs 'app_secret' or", "without 'access_token'"]),
        ("{verify_token: a, app_secret: b}", ["without 'access_token'"]),
        ("{verify_token: a, app_secret: b, access_token: c, app_secret_file: d}", ["both here"]),
        ("{verify_token: a, app_secret: '${NO_SUCH}', access_token: c}", ["is not set"]),
        ("{enabled: false}", []),
    ],
)
def test_a_meta_app_that_lacks_something_is_a_finding(
    tmp_path: Path, meta: str, told: list[str]
) -> None:
    found = findings(write(tmp_path, {"organization.yaml": with_meta(meta)}))

    assert len(found) == len(told)
    for said in told:
        assert any(said in line and "integrations.meta" in line for line in found), found


def test_secrets_of_meta_are_read_from_files_that_are_watched(tmp_path: Path) -> None:
    names = ("verify_token", "app_secret", "access_token")
    meta = "{" + ", ".join(f"{name}_file: .secrets/{name}" for name in names) + "}"
    root = write(tmp_path, {"organization.yaml": with_meta(meta)})
    (root / "acme/.secrets").mkdir()
    for name in names:
        (root / "acme/.secrets" / name).write_text(f"{name}\n")
    document = {"integrations": {"meta": {f"{name}_file": f".secrets/{name}" for name in names}}}

    assert findings(root) == []
    assert {path.name for path in secret_files(root / "acme", document)} == set(names)


POOL = """\
name: Ads
participants: [ada]
connections:
  - {source: meta}
  - {source: automation, provider: zapier}
"""
FLOW = """\
name: Zaps
sources:
  - {intake: automation, provider: zapier}
  - {intake: meta, source_key: a}
  - {intake: webhook, provider: make}
steps: []
"""


def test_connections_and_sources_that_get_no_leads_are_told(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "pools/ads.yaml": f"id: {'1' * 8}-1111-4111-8111-{'1' * 12}\n{POOL}",
            "flows/zaps.yaml": FLOW,
        },
    )

    found = [line.split(": ", 1)[1] for line in findings(root)]

    off = (
        "automations may not send leads; in organization.yaml set "
        "integrations.automation.enabled: true"
    )
    none = "Meta's leads are not taken; add integrations.meta to organization.yaml"
    assert sorted(found) == sorted(
        [
            f"connections[0]: {none} (warning)",
            f"connections[1]: {off} (warning)",
            f"sources[0]: {off} (warning)",
            f"sources[1]: {none} (warning)",
            "sources[1].source_key: Meta's address has no source key; leave it out",
            "sources[2].provider: only 'intake: automation' has providers",
        ]
    )
