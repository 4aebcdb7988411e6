from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pointsman.cli import main
from pointsman.config.schema import composed
from trees import write

BAD = {"pools/inbound.yaml": "name: Inbound\nparticipants: [adda]\nconections: []\n"}
HINT = {"pools/b.yaml": "name: B\nparticipants: [ada]\n"}


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["check", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_a_fine_tree_prints_nothing_and_exits_with_0(tmp_path: Path) -> None:
    code, out, err = run(write(tmp_path, {}))

    assert (code, out) == (0, "")
    assert err == f"{tmp_path} is fine: acme\n"


def test_findings_go_to_stdout_a_line_each_and_exit_with_1(tmp_path: Path) -> None:
    code, out, err = run(write(tmp_path, BAD))

    assert code == 1
    assert out == (
        f"{tmp_path}/acme/pools/inbound.yaml:3:1: unknown key 'conections'; did you mean "
        f"'connections'? (known: {', '.join(composed('pool')['properties'])})\n"
    )
    assert err == f"1 problem in {tmp_path}\n"


def test_warnings_and_hints_do_not_fail(tmp_path: Path) -> None:
    code, out, err = run(write(tmp_path, HINT))

    assert (code, out) == (0, "")
    assert err.startswith("1 hint; --format json tells\n")


def test_json_tells_every_finding_with_its_parts(tmp_path: Path) -> None:
    code, out, _ = run(write(tmp_path, {**BAD, **HINT}), "--format", "json")

    assert code == 1
    told = json.loads(out)
    assert [(p["severity"], p["line"], p["column"]) for p in told] == [
        ("hint", 1, 1),
        ("error", 3, 1),
    ]
    assert set(told[0]) == {"file", "line", "column", "pointer", "message", "severity"}


def test_github_gets_one_annotation_a_finding(tmp_path: Path) -> None:
    root = write(tmp_path / "a,b", {"pools/inbound.yaml": "name: 1\nparticipants: [ada]\n"})

    _, out, _ = run(root, "--format", "github")

    place = f"file={tmp_path}/a%2Cb/acme/pools/inbound.yaml,line=1,col=7"
    assert out == f"::error {place}::name: expected text, found 1; put it in quotes\n"


def test_the_directory_comes_from_the_environment_if_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_CONFIG_DIR", str(write(tmp_path, {})))

    assert run()[2] == f"{tmp_path} is fine: acme\n"


@pytest.mark.parametrize("arguments", [["/nowhere"], [".", "--format", "xml"], ["--colour"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2
