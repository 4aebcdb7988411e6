"""Files of ``plugins_dir``: what is wrong with them, and what goes on meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from pointsman.config.dropins import DropIns, read_dropins
from pointsman.config.load import load
from pointsman.config.schema import composed
from pointsman.errors import Problem
from pointsman.plugin import actions, load_plugins
from pointsman.registry import Stage
from trees import told, write

GOOD = '''
from pydantic import Field
from pointsman.plugin import ActionContext, Options, action

class Told(Options):
    """Options."""

    text: str = Field(description="What to say.", min_length=1)

@action("{name}")
async def {name}(options: Told, context: ActionContext) -> dict[str, str]:
    """Say {version}."""
    return {{"said": "{version}"}}
'''

USES = {
    "workflows/say.yaml": dedent("""\
        name: Say
        trigger_module: leads
        trigger_type: lead_created
        actions:
          - action_type: acme_say
            config: {text: Hello}
        """)
}


def good(name: str = "acme_say", version: str = "one") -> str:
    return GOOD.format(name=name, version=version)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    load_plugins()
    folder = tmp_path / "plugins"
    folder.mkdir()
    yield folder
    Stage().adopt()


@pytest.fixture
def dropins(folder: Path) -> DropIns:
    return DropIns(folder, patience=0.5)


def loaded(dropins: DropIns) -> list[str]:
    """Adopt what is right, as a start does; return the findings with paths inside the folder."""
    candidate = dropins.candidate(dropins.read())
    dropins.adopt(candidate)
    return lines(dropins, candidate.problems)


def lines(dropins: DropIns, problems: tuple[Problem, ...]) -> list[str]:
    return [str(problem).removeprefix(f"{dropins.folder}/") for problem in problems]


async def said(version: str) -> bool:
    return f"Say {version}." == actions["acme_say"].manual


def test_a_file_adds_an_action_with_schema_manual_and_origin(
    folder: Path, dropins: DropIns
) -> None:
    (folder / "acme_say.py").write_text(good())

    assert loaded(dropins) == []

    assert actions["acme_say"].origin == f"{folder}/acme_say.py"
    assert not actions["acme_say"].built_in
    assert actions["acme_say"].summary == "Say one."
    assert "acme_say" in composed("workflow")["$defs"]["action_type"]["enum"]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("x = 1\ndef f(:\n", "acme_say.py:2:7: is no Python: invalid syntax"),
        (
            "import os\nimport nowhere_at_all\n",
            (
                "acme_say.py:2:1: cannot be imported: ModuleNotFoundError: No module named "
                "'nowhere_at_all'; install it where Pointsman is installed"
            ),
        ),
        ("\n\n1 / 0\n", "acme_say.py:3:1: cannot be imported: ZeroDivisionError: division by zero"),
        (
            "import sys\nsys.exit('no')\n",
            "acme_say.py:2:1: cannot be imported: SystemExit: no",
        ),
        ("def f(): f()\nf()\n", "acme_say.py:1:1: cannot be imported: RecursionError: maximum"),
        (
            "x = 1\n",
            (
                "acme_say.py:1:1: adds nothing; a plugin has a function under @action, @step, "
                "@operator, @field_type or @sink"
            ),
        ),
        (
            good("webhook"),
            (
                "acme_say.py:10:1: action 'webhook' is defined by Pointsman or an installed "
                "package already; choose another name"
            ),
        ),
        (good() + good(), "acme_say.py:23:1: action 'acme_say' is defined by "),
        (
            good().replace("async def", "def"),
            "acme_say.py:10:1: action 'acme_say' must be an 'async def' function",
        ),
        (good().replace('"""Say one."""', ""), "acme_say.py:10:1: action 'acme_say' of "),
        (
            good().replace("text: str", "text: object()"),
            "acme_say.py:5:1: cannot be imported: ",
        ),
        (
            good().replace("text: str", "text: type"),
            "acme_say.py:1:1: the options of action 'acme_say' cannot be told as a JSON Schema: ",
        ),
        ("while True: pass\n", "acme_say.py:1:1: was still being imported after 0.5 s, at line 1"),
        (
            "import time\n\ntime.sleep(60)\n",
            "acme_say.py:1:1: was still being imported after 0.5 s, at line 3",
        ),
        ("\0", "acme_say.py:1:1: "),
        ("\udcff", "acme_say.py:1:1: is no Python: "),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(
    folder: Path, dropins: DropIns, text: str, finding: str
) -> None:
    (folder / "acme_say.py").write_bytes(text.encode(errors="surrogateescape"))

    (found,) = loaded(dropins)

    assert found.startswith(finding), found
    assert "acme_say" not in actions or finding.startswith("acme_say.py:23")


def test_an_import_that_never_ends_is_stopped_and_not_tried_again(
    folder: Path, dropins: DropIns
) -> None:
    """One that computes is interrupted, so that it takes no processor from anybody."""
    (folder / "acme_say.py").write_text("def forever():\n  while True: pass\nforever()\n")
    loaded(dropins)

    began = time.monotonic()
    assert "at line 2" in loaded(dropins)[0]

    assert time.monotonic() - began < 0.4


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("acme-say.py", "acme-say.py:1:1: a stray file; expected a plugin such as acme_sms.py"),
        ("acme_say.yaml", "acme_say.yaml:1:1: a stray file; expected a plugin"),
        ("acme/__init__.py", "acme:1:1: a directory is not read; a plugin is one file, or an"),
    ],
)
def test_a_stray_thing_is_told(folder: Path, dropins: DropIns, name: str, finding: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(good())

    assert loaded(dropins)[0].startswith(finding)


def test_tests_texts_and_hidden_files_may_lie_beside(folder: Path, dropins: DropIns) -> None:
    for name in ("test_acme_say.py", "conftest.py", "README.md", ".acme.py.swp", "acme_say.py~"):
        (folder / name).write_text("1 / 0")
    (folder / "__pycache__").mkdir()

    assert loaded(dropins) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    (problem,) = read_dropins(tmp_path / "nowhere").problems

    assert problem.message == "there is no such directory; create it, or change plugins_dir"


async def test_a_file_that_breaks_is_told_and_its_last_version_goes_on(
    folder: Path, dropins: DropIns
) -> None:
    """Only what is broken is complained of, not the workflows that use it."""
    path = folder / "acme_say.py"
    path.write_text(good())
    loaded(dropins)
    path.write_text("1 / 0")

    candidate = await dropins.look()

    assert lines(dropins, candidate.problems) == [
        "acme_say.py:1:1: cannot be imported: ZeroDivisionError: division by zero"
    ]
    with candidate.stage.shown():
        assert await said("one")
    path.write_text(good(version="two"))
    assert loaded(dropins) == []
    assert await said("two")


async def test_a_candidate_is_seen_by_whoever_checks_it_and_nobody_else(
    folder: Path, dropins: DropIns
) -> None:
    (folder / "acme_say.py").write_text(good())
    loaded(dropins)
    (folder / "acme_say.py").write_text(good(version="two"))

    candidate = await dropins.look()

    with candidate.stage.shown():
        assert await asyncio.to_thread(lambda: actions["acme_say"].summary) == "Say two."
        assert "acme_say" in composed("workflow")["$defs"]["action_type"]["enum"]
    assert await said("one")


def test_a_file_is_executed_once_for_what_is_in_it(
    folder: Path, dropins: DropIns, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "acme_say.py").write_text(f"print('executed')\n{good()}")

    for _ in range(3):
        loaded(dropins)

    assert capfd.readouterr().out == "executed\n"


def test_two_files_that_add_the_same_are_told(folder: Path, dropins: DropIns) -> None:
    (folder / "acme_one.py").write_text(good())
    (folder / "acme_two.py").write_text(good())

    assert loaded(dropins) == [
        (
            f"acme_two.py:10:1: action 'acme_say' is defined by {folder}/acme_one.py already; "
            "choose another name"
        )
    ]


def test_runs_begun_with_an_action_that_is_gone_still_find_it(
    folder: Path, dropins: DropIns
) -> None:
    path = folder / "acme_say.py"
    path.write_text(good())
    loaded(dropins)
    path.unlink()

    assert loaded(dropins) == []

    assert "acme_say" not in actions
    kept = actions.recall("acme_say")
    assert kept is not None
    assert kept.summary == "Say one."


def test_a_workflow_is_checked_against_what_is_dropped_in(tmp_path: Path, folder: Path) -> None:
    root = write(tmp_path / "config", USES)
    (folder / "acme_say.py").write_text(good())

    assert told(load(root, folder)[1], root) == []
    (root / "acme/workflows/say.yaml").write_text(USES["workflows/say.yaml"].replace("text", "txt"))
    assert told(load(root, folder)[1], root) == [
        "acme/workflows/say.yaml:6:13: actions[0].config: the key 'text' is missing",
        (
            "acme/workflows/say.yaml:6:14: actions[0].config: unknown key 'txt'; "
            "did you mean 'text'? (known: text)"
        ),
    ]


def test_a_workflow_whose_action_is_gone_is_told(tmp_path: Path, folder: Path) -> None:
    root = write(tmp_path / "config", USES)
    (folder / "acme_say.py").write_text(good())
    load(root, folder)
    (folder / "acme_say.py").unlink()

    (finding,) = told(load(root, folder)[1], root)

    assert finding.startswith(
        "acme/workflows/say.yaml:5:18: actions[0].action_type: 'acme_say' is not known here"
    )
