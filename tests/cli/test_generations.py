from __future__ import annotations

import json
from pathlib import Path

import pytest

from shells import Shell
from trees import MINIMAL, write

INBOUND = MINIMAL["pools/inbound.yaml"]


@pytest.fixture
def shell(tmp_path: Path, redis_url: str) -> Shell:
    return Shell(write(tmp_path / "config", {}), redis_url)


@pytest.fixture
def two(shell: Shell) -> Shell:
    """Return a shell where two generations were published."""
    assert shell.publish().exit_code == 0
    write(shell.root, {"pools/inbound.yaml": f"{INBOUND}priority: 7\n"})
    assert shell.publish().stdout == "acme: generation 2\n"
    return shell


def test_publish_prints_the_generations(shell: Shell) -> None:
    for _ in range(2):
        answer = shell.publish()
        assert (answer.exit_code, answer.output) == (0, "acme: generation 1\n")


def test_publish_prints_findings_and_exits_with_1(shell: Shell) -> None:
    write(shell.root, {"pools/inbound.yaml": "nope: 1\n"})
    answer = shell.publish()
    assert answer.exit_code == 1
    assert "inbound.yaml:1:1: unknown key 'nope'" in answer.stdout


def test_drift_is_published_by_force_only(two: Shell, tmp_path: Path, redis_url: str) -> None:
    other = Shell(write(tmp_path / "other" / "config", {}), redis_url)
    answer = other.publish()
    assert answer.exit_code == 1
    assert "organization 'acme': the tree and what is published were both changed" in answer.stderr
    assert other.publish("--force").stdout == "acme: generation 3\n"


def test_list_tells_number_time_hash_and_author_newest_first(two: Shell) -> None:
    lines = two("generations", "list", "acme").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    told = json.loads(two("generations", "list", "acme", "--format", "json").stdout)
    assert [(each["number"], each["parent"]) for each in told] == [(2, 1), (1, 0)]
    assert told[0]["hash"].startswith(lines[0].split()[2])
    assert told[0]["author"] == lines[0].split()[3]


def test_show_lists_the_files_or_prints_one(two: Shell) -> None:
    files = [
        line.split()[1] for line in two("generations", "show", "acme", "1").stdout.splitlines()
    ]
    assert files == ["organization.yaml", "pools/inbound.yaml"]
    assert two("generations", "show", "acme", "1", "pools/inbound.yaml").stdout == INBOUND
    answer = two("generations", "show", "acme", "1", "pools/nope.yaml")
    assert (answer.exit_code, "has no file 'pools/nope.yaml'" in answer.stderr) == (1, True)


def test_diff_compares_files(two: Shell) -> None:
    answer = two("generations", "diff", "acme", "1", "2")
    assert answer.stdout.splitlines()[:2] == [
        "--- old/pools/inbound.yaml",
        "+++ new/pools/inbound.yaml",
    ]
    assert "+priority: 7" in answer.stdout
    assert two("generations", "diff", "acme", "2", "2").stdout == ""


def test_rollback_is_a_new_generation(two: Shell) -> None:
    answer = two("rollback", "acme", "1")
    assert answer.stdout == "acme: generation 3 has the files of 1\n"
    assert two("generations", "diff", "acme", "1", "3").stdout == ""
    assert two.publish().stdout == "acme: generation 3\n", "the tree is behind, not published"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["generations", "list", "acmee"], "no organization 'acmee' is published; did you mean"),
        (["generations", "show", "acme", "9"], "generation 9 of 'acme' is not kept"),
        (["rollback", "acme", "9"], "has no generation 9; the last 20 are kept: 1, 2"),
    ],
)
def test_what_is_not_there_is_told(two: Shell, arguments: list[str], told: str) -> None:
    answer = two(*arguments)
    assert answer.exit_code == 1
    assert told in answer.stderr
