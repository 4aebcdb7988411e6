"""``pointsman pool`` on a real Redis, beside what daemons do there."""

from __future__ import annotations

import asyncio
import csv
import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from orjson import loads
from redis import Redis
from typer.testing import CliRunner, Result

from pointsman.cli import main
from pointsman.config.load import compile_organization
from pointsman.flows.intake import Intake
from pointsman.ids import milliseconds
from pointsman.model import Organization, Origin
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.redis import RedisStore
from pooling import LoadedRules
from trees import write

ROOT = Path(__file__).parents[2]
POOL = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"
FILES = {
    "organization.yaml": """\
name: Acme
time_zone: Europe/Berlin
integrations: {lead_webhook: {enabled: true}}
credentials: [{name: crm, token: "${NOWHERE_TO_BE_FOUND}"}]
members:
  - {handle: ada, name: Ada}
  - {handle: bruno, name: Bruno}
  - {handle: chen, name: Chen}
  - {handle: dalia, name: Dalia}
""",
    "pools/inbound.yaml": f"""\
id: {POOL}
name: Inbound leads
skip_policy: hold_turn
when_nobody: park
participants:
  - {{member: ada, weight: 2, caps: [{{limit: 4, per: month}}]}}
  - {{member: bruno, availability: {{out_of_office: [{{from: 2000-01-01, to: 2999-12-31}}]}}}}
  - chen
  - {{member: dalia, is_active: false}}
connections:
  - source: webhook
""",
    "pools/other.yaml": "name: Other\nparticipants: [chen]\n",
}


class Shell:
    """Calls commands on one Redis, and takes leads in as a daemon on it does."""

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        self.url = url
        self.redis = Redis.from_url(url)
        self._given = ["--redis-url", url, "--data-dir", str(root.parent / "data")]

    def __call__(self, *arguments: str, **more: Any) -> Result:
        return CliRunner().invoke(main, [*arguments, *self._given], **more)

    def pool(self, *arguments: str, **more: Any) -> Result:
        return self("pool", *arguments, **more)

    def told(self, *arguments: str) -> Any:
        answer = self.pool(*arguments, "--format", "json")
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    def publish(self, files: Mapping[str, str | None], monkeypatch: pytest.MonkeyPatch) -> None:
        """Publish a tree whose secrets are known to who publishes it alone."""
        write(self.root, files)
        with monkeypatch.context() as there:
            there.setenv("NOWHERE_TO_BE_FOUND", "secret")
            answer = self("publish", str(self.root))
        assert answer.exit_code == 0, answer.output

    @property
    def organization(self) -> Organization:
        texts = {
            str(path.relative_to(self.root / "acme")): path.read_bytes()
            for path in (self.root / "acme").rglob("*.yaml")
        }
        organization, problems = compile_organization("acme", texts, root=None)
        assert organization is not None, problems
        return organization

    def lead(self, number: int) -> list[str]:
        """Take so many leads in; return who got them."""
        return asyncio.run(self._lead(number))

    async def _lead(self, number: int) -> list[str]:
        organization = self.organization
        async with RedisStore.open(self.url) as store:
            intake = Intake(LeadStore(store, Settings()), LoadedRules(organization))
            served = []
            for n in range(number):
                body = {"email": f"{milliseconds()}.{n}@example.com"}
                taken = await intake.take(organization, body, Origin("webhook"), source="webhook")
                member = taken.assignment and taken.assignment.member_id
                served.append(organization.members[member].handle if member else "-")
        return served

    def key(self, name: str) -> str:
        keys = Keys(self.organization.id)
        return str(getattr(keys, name)(POOL))


@pytest.fixture
def shell(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    opened = Shell(tmp_path / "config", redis_url)
    opened.publish(FILES, monkeypatch)
    monkeypatch.setenv("NOWHERE_TO_BE_FOUND", "secret")
    yield opened
    opened.redis.close()


def test_list_tells_every_pool_and_who_is_next(shell: Shell) -> None:
    shell.lead(3)

    inbound, other = shell.told("list", "acme")

    assert (inbound["pool"], inbound["next"], inbound["assigned"], inbound["turn"]) == (
        "inbound",
        "ada",
        3,
        4,
    )
    assert (other["pool"], other["next"], other["last"]) == ("other", "chen", None)
    lines = shell.pool("list", "acme").stdout.splitlines()
    assert lines[0].split()[:5] == ["pool", "name", "active", "people", "next"]
    assert lines[2].split()[:5] == ["other", "Other", "yes", "1", "chen"]
    rows = list(csv.DictReader(shell.pool("list", "acme", "--format", "csv").stdout.splitlines()))
    assert [row["next"] for row in rows] == ["ada", "chen"]


def test_show_tells_of_everybody_what_keeps_them(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the secrets of the files are not at hand."""
    monkeypatch.delenv("NOWHERE_TO_BE_FOUND", raising=False)
    with monkeypatch.context() as there:
        there.setenv("NOWHERE_TO_BE_FOUND", "secret")
        assert shell.lead(4) == ["ada", "chen", "ada", "ada"]

    told = shell.told("show", "acme", "inbound")

    ada, bruno, chen, dalia = told["participants"]
    assert (ada["weight"], ada["assigned"], ada["reason"]) == (2, 3, None)
    assert ada["caps"] == [{"used": 3, "limit": 4, "per": "month", "time_zone": "Europe/Berlin"}]
    assert (bruno["reason"], bruno["held"]) == ("out_of_office", 1)
    assert bruno["until"].startswith("2999-12-31T23:00")
    assert (chen["next"], chen["reason"]) == (True, None)
    assert dalia["reason"] == "inactive"
    assert (told["turn"], told["next"], told["line"]) == (5, "chen", ["bruno", "dalia"])
    text = shell.pool("show", "acme", "Inbound leads").stdout
    assert "Inbound leads (pools/inbound.yaml): 4 assigned, turn 5 is next" in text
    assert "3 of 4 a month" in text
    assert "out_of_office until 2999-12-31T23:00:00.000Z" in text
    assert "3. Chen is next" in text


def test_show_tells_who_waits(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    off = FILES["pools/inbound.yaml"].replace("- chen", "- {member: chen, is_active: false}")
    shell.publish({**FILES, "pools/inbound.yaml": off}, monkeypatch)
    assert shell.lead(7) == ["ada"] * 4 + ["-"] * 3

    told = shell.told("show", "acme", POOL)

    assert told["parked"]["count"] == len(told["parked"]["leads"]) == 3
    assert told["participants"][0]["reason"] == "at_cap"
    assert told["next"] is None
    text = shell.pool("show", "acme", POOL).stdout
    assert f"waiting since {told['parked']['oldest']}: {told['parked']['leads'][0]}" in text


def test_set_next_and_reset_say_who_is_next_and_are_on_record(shell: Shell) -> None:
    shell.lead(2)

    answer = shell.pool("set-next", "acme", "inbound", "chen")
    assert (answer.exit_code, answer.stdout) == (0, "3. Chen is next\n")
    assert shell.lead(1) == ["chen"]
    answer = shell.pool("reset", "acme", "inbound")
    assert (answer.exit_code, answer.stdout) == (0, "1. Ada is next\n")
    assert shell.lead(1) == ["ada"]

    moves = [loads(move) for move in shell.redis.lrange(shell.key("moves"), 0, -1)]
    assert [move["e"] for move in moves] == ["created", "point", "first"]
    assert all("@" in move["by"] for move in moves[1:])
    assert shell.pool("fairness", "acme", "inbound").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "acmee"], "no organization 'acmee' is published; did you mean 'acme'?"),
        (["show", "acme", "inbond"], "no pool 'inbond' is published; did you mean 'inbound'?"),
        (["set-next", "acme", "other", "ada"], "nobody called 'ada' is in the pool other"),
    ],
)
def test_what_is_not_there_is_told(shell: Shell, arguments: list[str], told: str) -> None:
    answer = shell.pool(*arguments)

    assert answer.exit_code == 1
    assert told in answer.stderr


def test_a_person_can_be_named_by_any_id(shell: Shell) -> None:
    chen = shell.told("show", "acme", "inbound")["participants"][2]
    for name in (chen["member_id"], chen["participant_id"], "chen"):
        assert shell.pool("set-next", "acme", "inbound", name).exit_code == 0


def test_fairness_tells_shares_and_proves_them(shell: Shell) -> None:
    shell.lead(12)

    told = shell.told("fairness", "acme", "inbound")

    (window,) = told["windows"]
    people = {person["person"]: person for person in window["people"]}
    assert (window["leads"], window["turns"]) == (12, 12)
    assert [person["assigned"] for person in window["people"][:3]] == [4, 0, 8]
    assert people["ada"]["expected"] == people["bruno"]["expected"] * 2 == 6
    assert people["ada"]["expected_share"] == 0.5
    assert people["ada"]["deviation"] == people["ada"]["assigned"] - 6
    assert people["ada"]["skipped"]["at_cap"] >= 1
    assert set(people["bruno"]["skipped"]) == {"out_of_office"}
    assert people["bruno"]["offered"] == sum(people["bruno"]["skipped"].values())
    assert people["dalia"]["expected"] == 0
    assert told["proof"] | {"findings": []} == {
        "verdict": "proven",
        "first": 1,
        "last": 12,
        "checked": 12,
        "unproven": 0,
        "not_kept": 0,
        "wrong": 0,
        "findings": [],
    }
    text = shell.pool("fairness", "acme", "inbound")
    assert text.exit_code == 0
    assert "Proven: 12 turns are the ones that the rules give" in text.stdout
    assert "Europe/Berlin" in text.stdout


def test_fairness_by_window_as_csv(shell: Shell) -> None:
    shell.lead(6)
    arguments = ["--per", "day", "--time-zone", "America/New_York", "--format", "csv"]

    answer = shell.pool("fairness", "acme", "inbound", *arguments)

    rows = list(csv.DictReader(answer.stdout.splitlines()))
    assert [row["person"] for row in rows] == ["ada", "bruno", "chen", "dalia"]
    assert rows[0]["from"].endswith(("T00:00:00-04:00", "T00:00:00-05:00"))
    assert sum(int(row["assigned"]) for row in rows) == 6
    assert int(rows[1]["skipped_out_of_office"]) > 0
    assert "Proven" in answer.stderr
    past = shell.pool("fairness", "acme", "inbound", "--until", "2020-01-01", "--format", "csv")
    assert past.stdout == ""
    wrong = shell.pool("fairness", "acme", "inbound", "--since", "yesterday")
    assert (wrong.exit_code, "'yesterday' is no time" in wrong.stderr) == (2, True)


def test_fairness_that_is_not_proven_exits_with_1_and_says_where(shell: Shell) -> None:
    shell.lead(6)
    key = shell.key("history")
    third: Any = shell.redis.lindex(key, 2)
    shell.redis.lrem(key, 1, third)

    answer = shell.pool("fairness", "acme", "inbound")

    assert answer.exit_code == 1
    assert "Not proven" in answer.stdout
    assert "turn 3: is missing" in answer.stdout


def test_a_pool_moves_to_another_redis_whole(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pointer, turns left, caps, counters, history: as if it had always been there."""
    shell.lead(9)
    file = tmp_path / "inbound.ndjson"
    before = shell.told("show", "acme", "inbound")
    pages = {name: shell.redis.lrange(shell.key(name), 0, -1) for name in ("history", "held")}
    assert shell.pool("export", "acme", "inbound", "-o", str(file)).exit_code == 0

    shell.redis.flushall()
    shell.publish(FILES, monkeypatch)
    answer = shell.pool("import", "acme", str(file))

    assert answer.exit_code == 0, answer.output
    assert answer.stdout == "inbound: 9 assignments; whose turn it was there is next here\n"
    assert shell.told("show", "acme", "inbound") == before
    assert {name: shell.redis.lrange(shell.key(name), 0, -1) for name in pages} == pages
    shell.lead(3)
    proof = shell.told("fairness", "acme", "inbound")["proof"]
    assert (proof["verdict"], proof["checked"]) == ("proven", 12)


def test_people_who_are_others_there_follow_the_rules_of_a_change(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.lead(3)
    file = tmp_path / "inbound.ndjson"
    shell.pool("export", "acme", "inbound", "-o", str(file))
    shell.redis.flushall()
    people = FILES["pools/inbound.yaml"].replace("  - chen\n", "").replace(", is_active: false", "")
    shell.publish({**FILES, "pools/inbound.yaml": people}, monkeypatch)

    answer = shell.pool("import", "acme", str(file))

    assert "inbound: 3 assignments; the people are others here" in answer.stdout
    assert shell.lead(2) == ["dalia", "ada"]
    assert shell.told("fairness", "acme", "inbound")["proof"]["verdict"] == "proven"


def test_turns_that_are_there_are_replaced_by_force_only(shell: Shell, tmp_path: Path) -> None:
    shell.lead(2)
    file = tmp_path / "inbound.ndjson"
    shell.pool("export", "acme", "inbound", "-o", str(file))
    shell.lead(2)

    refused = shell.pool("import", "acme", str(file))
    assert (refused.exit_code, "--force replaces them" in refused.stderr) == (1, True)
    assert shell.told("list", "acme")[0]["assigned"] == 4

    assert shell.pool("import", "acme", str(file), "--force").exit_code == 0
    assert shell.told("list", "acme")[0]["assigned"] == 2
    assert shell.told("fairness", "acme", "inbound")["proof"]["verdict"] == "proven"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda raw: raw.replace(b'"o":1', b'"o":2'), "is not whole, or was changed"),
        (lambda raw: b"".join(raw.splitlines(keepends=True)[:-2]), "is not whole, or was changed"),
        (lambda _: b'{"hello": 1}\n', "this is no export of a pool"),
        (lambda _: b"", "this is no export of a pool"),
    ],
)
def test_what_is_no_whole_export_is_refused(
    shell: Shell, tmp_path: Path, change: Any, told: str
) -> None:
    shell.lead(3)
    file = tmp_path / "inbound.ndjson"
    shell.pool("export", "acme", "inbound", "-o", str(file))
    file.write_bytes(change(file.read_bytes()))

    answer = shell.pool("import", "acme", str(file), "--force")

    assert answer.exit_code == 1
    assert told in answer.stderr


def test_an_export_fits_one_organization_and_one_published_pool(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "inbound.ndjson"
    shell.pool("export", "acme", "inbound", "-o", str(file))
    exported = shell.organization.id
    (shell.root / "acme/pools/inbound.yaml").unlink()
    shell.publish({**FILES, "pools/inbound.yaml": None}, monkeypatch)

    answer = shell.pool("import", "acme", str(file))
    assert (answer.exit_code, f"no pool with the id {POOL} is published" in answer.stderr) == (
        1,
        True,
    )

    shell.redis.flushall()
    other = "id: 6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36\n" + FILES["organization.yaml"]
    shell.publish({**FILES, "organization.yaml": other}, monkeypatch)
    answer = shell.pool("import", "acme", str(file))
    assert f"the export is of organization {exported}" in answer.stderr


def test_an_export_goes_to_stdout_and_comes_from_stdin(shell: Shell) -> None:
    shell.lead(2)

    written = shell.pool("export", "acme", "inbound").stdout_bytes
    answer = shell.pool("import", "acme", "-", "--force", input=written)

    assert len(written.splitlines()) == 4
    assert answer.stdout.startswith("inbound: 2 assignments; ")


def test_what_the_page_of_operations_shows_works(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ``pointsman pool`` of the page, on the example organization."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shell = Shell(tmp_path / "config", redis_url)
    assert shell("publish", str(shell.root)).exit_code == 0
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    shown = [
        shlex.split(line, comments=True)[1:]
        for line in page.splitlines()
        if line.startswith("pointsman pool ")
    ]

    answers = [shell(*arguments) for arguments in shown]

    assert {arguments[1] for arguments in shown} == {
        *("list", "show", "set-next", "reset", "fairness", "export", "import")
    }
    assert [answer.output for answer in answers if answer.exit_code] == []
    shell.redis.close()
