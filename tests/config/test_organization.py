from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pointsman.config.load import compile_organization, files_hash
from pointsman.config.secrets import secret_files
from pointsman.model import IntakeAuth, MailServer, TwilioAccount
from trees import MINIMAL, compiled, findings, write

SECRETS = """\
name: Acme
credentials:
  - {name: crm, token: "Bearer ${CRM_TOKEN}$$"}
  - {name: mail, token_file: .secrets/mail}
intake: {auth: hmac, secret_file: .secrets/intake}
"""


def organization(text: str) -> dict[str, str | None]:
    return {"organization.yaml": text, "pools/inbound.yaml": None}


SENDERS = """\
name: Acme
smtp: {host: mail.acme.example, from: Acme <hello@acme.example>, username: u, password: "${MAIL}"}
twilio: {account_sid: AC1, auth_token_file: .secrets/twilio, base_url: "http://127.0.0.1:1/"}
"""


def test_mail_and_texts_are_sent_by_whom_the_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL", "correct horse")
    (tmp_path / "acme/.secrets").mkdir(parents=True)
    (tmp_path / "acme/.secrets/twilio").write_text("s3cret-token\n", encoding="utf-8")

    acme, problems = compile_organization(
        "acme", {"organization.yaml": SENDERS.encode()}, root=tmp_path
    )

    assert acme, problems
    assert acme.mail == MailServer(
        "mail.acme.example", 587, "starttls", "Acme <hello@acme.example>", "u", "correct horse"
    )
    assert acme.twilio == TwilioAccount("AC1", "s3cret-token", "http://127.0.0.1:1")
    assert acme.secrets() == ["correct horse", "s3cret-token"]
    assert "correct horse" not in repr(acme)
    assert "s3cret-token" not in repr(acme)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("smtp: {host: h, from: nobody}", "smtp.from: expected an address"),
        ("smtp: {host: h, from: a@b.c, username: u}", "'username' and 'password'"),
        (
            "smtp: {host: h, from: a@b.c, username: u, password: p, tls: none}",
            "a password is not sent without encryption",
        ),
        ("twilio: {account_sid: AC1}", "add 'auth_token' or 'auth_token_file'"),
        ("twilio: {account_sid: AC/1, auth_token: x}", "expected an account SID"),
        ("firehose: {url: ftp://host/x}", "expected s3://BUCKET, gs://BUCKET, az://CONTAINER or"),
        ("firehose: {url: s3://events, access_key_id: AK}", "'access_key_id' and 'secret'"),
        ("firehose: {url: az://events}", "az:// needs 'account'"),
        ("firehose: {url: file:///events, region: x}", "region: is of no use for file://"),
    ],
)
def test_senders_that_contradict_themselves_are_reported(
    tmp_path: Path, line: str, message: str
) -> None:
    text = f"{MINIMAL['organization.yaml']}{line}\n"

    (found,) = findings(write(tmp_path, {"organization.yaml": text}))

    assert message in found


def test_members_are_found_by_id_and_handle() -> None:
    acme = compiled({})

    ada = acme.members[acme.handles["ada"]]
    assert (ada.name, ada.active) == ("Ada", True)
    assert [p.member.handle for pool in acme.pools.values() for p in pool.participants] == [
        "ada",
        "bruno",
    ]


def test_ids_follow_from_names_and_stay_over_edits() -> None:
    first = compiled({})
    again = compiled({"organization.yaml": MINIMAL["organization.yaml"] + "time_zone: UTC\n"})

    assert (first.id, first.handles) == (again.id, again.handles)
    assert first.hash != again.hash


def test_written_ids_are_kept() -> None:
    text = """\
id: 6B0F9A52-31C4-5D8E-9A47-0C2D5E8F1A36
name: Acme
members: [{id: 0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47, handle: ada, name: Ada}]
"""
    acme = compiled(organization(text))

    assert acme.id == "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
    assert acme.handles == {"ada": "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"}


def test_keys_carry_scopes_and_expiry() -> None:
    text = f"""\
name: Acme
api_keys:
  - {{name: crm, sha256: {"a" * 64}, scopes: [leads:read], expires_at: 2027-01-31T01:00:00+01:00}}
"""
    key = compiled(organization(text)).keys[0]

    assert key.scopes == {"leads:read"}
    assert key.expires_at == datetime(2027, 1, 31, tzinfo=UTC)
    assert (key.active, key.demo) == (True, False)


def test_secrets_come_from_the_environment_and_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_TOKEN", "abc")
    root = write(tmp_path, organization(SECRETS))
    (root / "acme" / ".secrets").mkdir()
    (root / "acme" / ".secrets" / "mail").write_text("hush\n")
    (root / "acme" / ".secrets" / "intake").write_text("sign\r\n")
    files = {"organization.yaml": SECRETS.encode()}

    acme, problems = compile_organization("acme", files, root=root)

    assert problems == []
    assert acme is not None
    assert acme.credentials == {"crm": "Bearer abc$", "mail": "hush"}
    assert acme.intake_auth == IntakeAuth("hmac", b"sign")
    assert acme.hash == files_hash(files)


def test_the_files_of_secrets_are_known_to_whoever_watches() -> None:
    document = {
        "credentials": [{"name": "a", "token": "x"}, {"name": "b", "token_file": "/run/b"}],
        "intake": {"auth": "hmac", "secret_file": ".secrets/i"},
    }

    found = list(secret_files(Path("/etc/acme"), document))

    assert found == [Path("/run/b"), Path("/etc/acme/.secrets/i")]


def test_everything_a_node_lacks_is_an_error_at_load(tmp_path: Path) -> None:
    """L2: a missing secret keeps the reload from succeeding, not the next start."""
    found = findings(write(tmp_path, organization(SECRETS)))

    missing = "cannot be read: No such file or directory"
    assert [line.partition(": ")[2] for line in found] == [
        "credentials[0].token: the environment variable 'CRM_TOKEN' is not set for this daemon",
        f"credentials[1].token_file: {tmp_path}/acme/.secrets/mail {missing}",
        f"intake.secret_file: {tmp_path}/acme/.secrets/intake {missing}",
    ]
    places = [line.partition(": ")[0].partition(":")[2] for line in found]
    assert places == ["3:24", "4:30", "5:35"]


def test_a_follower_cannot_read_relative_files() -> None:
    files = {"organization.yaml": SECRETS.encode()}

    acme, problems = compile_organization("acme", files, root=None)

    assert acme is None
    assert [p.pointer for p in problems] == [
        "credentials[0].token",
        "credentials[1].token_file",
        "intake.secret_file",
    ]
    assert "write an absolute path or use ${NAME}" in problems[1].message


def test_no_value_of_a_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", "hush-hush")
    text = SECRETS.replace("$$", "${GONE}")

    acme, problems = compile_organization(
        "acme", {"organization.yaml": text.encode()}, root=tmp_path
    )

    assert acme is None
    assert "hush-hush" not in str(problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "members: [{handle: a, name: A}, {handle: a, name: B}]",
            "2:42: members[1].handle: the same handle as members[0]; each needs its own",
        ),
        (
            "credentials: [{name: a}]",
            "2:15: credentials[0]: 'a' has no secret; add 'token' or 'token_file'",
        ),
        (
            "credentials: [{name: a, token: x, token_file: y}]",
            "2:47: credentials[0].token_file: 'token' and 'token_file' are both here; keep one",
        ),
        ("intake: {auth: hmac}", "2:9: intake: auth: hmac needs a 'secret' or a 'secret_file'"),
        ("intake: {auth: none, secret: x}", "2:9: intake: auth: none uses no secret; remove it"),
        (
            'credentials: [{name: a, token: "${}"}]',
            "2:32: credentials[0].token: the environment variable '' is not set for this daemon",
        ),
    ],
)
def test_contradictions_are_errors(tmp_path: Path, text: str, expected: str) -> None:
    found = findings(write(tmp_path, organization(f"name: Acme\n{text}\n")))

    assert found == [f"acme/organization.yaml:{expected}"]


def test_how_many_runs_may_cause_each_other_is_up_to_the_organization() -> None:
    acme = compiled({"organization.yaml": MINIMAL["organization.yaml"] + "workflow_depth: 3\n"})

    assert (compiled({}).workflow_depth, acme.workflow_depth) == (8, 3)
