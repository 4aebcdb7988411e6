"""The command line as a whole: names, help, exit codes, start-up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pointsman import __version__
from pointsman.cli import COMMANDS, main

PROGRAM = [sys.executable, "-m", "pointsman"]


def shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real program."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_version_is_told() -> None:
    answer = shell("--version")

    assert (answer.returncode, answer.stdout) == (0, f"pointsman {__version__}\n")


def test_version_help_and_completion_import_nothing_heavy() -> None:
    """They answer at once, because a command's module is imported when it is called."""
    code = (
        "import sys; sys.argv = ['pointsman', '--help']\n"
        "from pointsman.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*(m for m in ('aiohttp', 'docket', 'pydantic', 'redis', 'rich', 'ruamel.yaml') "
        "if m in sys.modules), file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert answer.stderr == "\n"


@pytest.mark.parametrize(
    "arguments", [["nope"], ["check", "--nope"], ["check", "/no/such/folder"], ["keys"], []]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    answer = CliRunner().invoke(main, arguments)

    assert answer.exit_code == 2
    assert "Usage: " in answer.output


def test_an_unknown_command_is_told_with_the_nearest_one() -> None:
    answer = CliRunner().invoke(main, ["chekc"])

    assert "No such command 'chekc'. Did you mean 'check'" in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_its_summary_and_examples(name: str) -> None:
    """The table that stands for a command until it is called tells what the command does."""
    entry = COMMANDS[name]

    answer = CliRunner().invoke(main, [name, "--help"], prog_name="pointsman")

    assert answer.exit_code == 0, answer.output
    assert " ".join(answer.stdout.split()).count(entry.summary.rstrip(".")) == 1
    for example in entry.examples:
        assert f"pointsman {name}" in example
        assert example in answer.stdout


def test_every_subcommand_has_an_example() -> None:
    group = typer.main.get_command(main)
    for command in (group.commands[name].load() for name in COMMANDS):  # type: ignore[attr-defined]
        for name, below in getattr(command, "commands", {}).items():
            assert f"pointsman {command.name} {name}" in below.epilog


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_example_is_accepted(name: str) -> None:
    """Options and arguments of the examples exist; nothing is run."""
    group = typer.main.get_command(main)
    command = group.commands[name].load()  # type: ignore[attr-defined]
    for example in COMMANDS[name].examples:
        words = re.sub(r"^.*\| | > .*$", "", example).split()[2:]
        while words and words[0] in getattr(command, "commands", {}):
            command, words = command.commands[words[0]], words[1:]
        options = {option for parameter in command.params for option in parameter.opts}

        assert {word for word in words if word.startswith("--")} <= options
        command = group.commands[name].load()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_is_offered_for_the_shells(name: str) -> None:
    answer = shell("--show-completion", name, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")

    assert answer.returncode == 0, answer.stderr
    assert "_POINTSMAN_COMPLETE" in answer.stdout or "complete_pointsman" in answer.stdout


def test_completion_names_the_commands() -> None:
    bash = shell(_POINTSMAN_COMPLETE="complete_bash", COMP_WORDS="pointsman expl", COMP_CWORD="1")

    assert bash.stdout.split() == ["explain"]


def test_completion_reaches_into_commands() -> None:
    bash = shell(
        _POINTSMAN_COMPLETE="complete_bash",
        COMP_WORDS="pointsman keys create acme --scope leads:w",
        COMP_CWORD="5",
    )

    assert bash.stdout.split() == ["leads:write"]


def test_what_pointsman_reports_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "organization.yaml").write_text("name: [\n")

    answer = CliRunner().invoke(main, ["keys", "list", "acme", "--config-dir", str(tmp_path)])

    assert answer.exit_code == 1
    assert answer.stdout.startswith(f"{tmp_path}/acme/organization.yaml:2:1: ")
    assert "Traceback" not in answer.output


@pytest.mark.parametrize(
    ("variable", "toml", "said"),
    [("abc", "", "port: Input should be a valid integer"), ("1", "port = [", "pointsman.toml")],
)
def test_wrong_settings_are_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, toml: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POINTSMAN_PORT", variable)
    (tmp_path / "pointsman.toml").write_text(toml)

    answer = CliRunner().invoke(main, ["keys", "list", "acme"])

    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())
