"""``pointsman keys`` on real files."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pointsman.cli import main
from pointsman.cli.keys import scopes
from pointsman.config.load import load
from pointsman.config.marks import parse

FILE = """\
# Acme, by hand.
name: Acme   # the name

members:
  - {handle: anna, name: Anna}   # first
api_keys: []   # nobody yet
# the end
"""


@pytest.fixture
def organization(tmp_path: Path) -> Path:
    """An organization.yaml without keys."""
    path = tmp_path / "acme" / "organization.yaml"
    path.parent.mkdir()
    path.write_text(FILE)
    return path


def keys(organization: Path, *arguments: str) -> Result:
    root = str(organization.parent.parent)
    return CliRunner().invoke(main, ["keys", *arguments, "--config-dir", root])


def test_a_key_is_printed_once_and_only_its_digest_is_kept(organization: Path) -> None:
    answer = keys(
        organization,
        "create",
        "acme",
        "--name",
        "Web",
        "--scope",
        "leads:write",
        "--scope",
        "leads:read",
    )

    key = answer.stdout.strip()
    assert answer.exit_code == 0, answer.output
    assert re.fullmatch(r"pm_k_[0-9a-f]{64}", key)
    assert key not in answer.stderr
    text = organization.read_text()
    assert key not in text
    digest = sha256(key.encode()).hexdigest()
    assert parse(text)["api_keys"] == [
        {"name": "Web", "sha256": digest, "scopes": ["leads:write", "leads:read"]}
    ]
    for line in FILE.splitlines():
        assert line in text or line.startswith("api_keys")
    assert "# nobody yet" in text


def test_what_was_written_is_a_key_that_the_daemon_accepts(organization: Path) -> None:
    answer = keys(
        organization, "create", "acme", "--name", "Web", "--scope", "superuser", "--expires", "90d"
    )

    organizations, problems = load(organization.parent.parent)

    assert not [problem for problem in problems if problem.severity == "error"]
    (key,) = organizations["acme"].keys
    assert key.sha256 == sha256(answer.stdout.strip().encode()).hexdigest()
    assert key.scopes == {"superuser"}
    assert key.expires_at is not None


def test_two_keys_are_never_the_same(organization: Path) -> None:
    made = {
        keys(organization, "create", "acme", "--name", name, "--scope", "superuser").stdout
        for name in ("a", "b", "c")
    }

    assert len(made) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acme", "--name", "x", "--scope", "leads:wite"), "did you mean 'leads:write'?"),
        (("acme", "--name", "", "--scope", "superuser"), "expected 1 to 200 printable"),
        (("acme", "--name", "a\nb", "--scope", "superuser"), "expected 1 to 200 printable"),
        (("acm", "--name", "x", "--scope", "superuser"), "did you mean 'acme'?"),
        (("../acme", "--name", "x", "--scope", "superuser"), "no organization '../acme'"),
        (("acme", "--name", "x", "--scope", "superuser", "--expires", "soon"), "is no time"),
        (("acme", "--name", "x", "--scope", "superuser", "--expires", "2001-01-01"), "is past"),
        (("acme", "--name", "x"), "Missing option"),
    ],
)
def test_a_wrong_call_changes_nothing(
    organization: Path, arguments: tuple[str, ...], said: str
) -> None:
    answer = keys(organization, "create", *arguments)

    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())
    assert answer.stdout == ""
    assert organization.read_text() == FILE


def test_a_name_is_used_once(organization: Path) -> None:
    keys(organization, "create", "acme", "--name", "Web", "--scope", "superuser")
    before = organization.read_text()

    answer = keys(organization, "create", "acme", "--name", "Web", "--scope", "superuser")

    assert answer.exit_code == 2
    assert "has a key named 'Web'" in " ".join(answer.stderr.split())
    assert organization.read_text() == before


def test_keys_are_listed_without_their_digests(organization: Path) -> None:
    made = keys(organization, "create", "acme", "--name", "Web", "--scope", "leads:write")
    digest = sha256(made.stdout.strip().encode()).hexdigest()

    text = keys(organization, "list", "acme")
    told = keys(organization, "list", "acme", "--format", "json")

    assert text.stdout == "Web\tleads:write\tactive\tno end\n"
    assert json.loads(told.stdout) == [{"name": "Web", "scopes": ["leads:write"]}]
    assert digest not in text.output + told.output


def test_a_revoked_key_is_gone_and_all_else_is_as_before(organization: Path) -> None:
    keys(organization, "create", "acme", "--name", "Web", "--scope", "superuser")

    answer = keys(organization, "revoke", "acme", "--name", "Web")

    assert answer.exit_code == 0, answer.output
    assert organization.read_text() == FILE


def test_an_unknown_name_is_not_revoked(organization: Path) -> None:
    keys(organization, "create", "acme", "--name", "Web site", "--scope", "superuser")

    answer = keys(organization, "revoke", "acme", "--name", "Web sit")

    assert answer.exit_code == 2
    assert "did you mean 'Web site'?" in " ".join(answer.stderr.split())


def test_a_file_without_the_list_gets_one(organization: Path) -> None:
    organization.write_text("name: Acme\n")

    keys(organization, "create", "acme", "--name", "Web", "--scope", "superuser")

    text = organization.read_text()
    assert text.startswith("name: Acme\napi_keys:\n  - name: Web\n    sha256: ")


def test_the_scopes_are_those_of_the_schema() -> None:
    assert {"superuser", "flows:deploy", "leads:write", "round-robin:read"} <= set(scopes())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"name: Acme\napi_keys: none\n", "'api_keys' is no list; run pointsman check"),
        (b"- Acme\n", "is no mapping; run pointsman check"),
        (b"name: \xff\n", "not UTF-8"),
        (b"name: a\nname: b\n", "organization.yaml:2:1: name: "),
        (b"x-keys: &keys [{name: a}]\napi_keys: *keys\n", "edit the file by hand"),
    ],
)
def test_a_file_that_cannot_be_edited_is_left_alone(
    organization: Path, written: bytes, said: str
) -> None:
    organization.write_bytes(written)

    answer = keys(organization, "create", "acme", "--name", "Web", "--scope", "superuser")

    assert answer.exit_code == 1
    assert said in answer.output
    assert organization.read_bytes() == written
