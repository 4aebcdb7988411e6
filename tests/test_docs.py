"""The documentation is tested: its links lead somewhere, its YAML is valid, its curl works.

A block of YAML begins with the comment ``# <file>``, which says what file of the example
organization it would be; a page's blocks are checked together, amid the files of config/acme. A
block of Python begins so too: it is a plugin, or a plugin's test, which is run. A
``curl`` of the README that is followed by JSON answers so, but for the lead's id.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from daemons import running
from pointsman.cli.scaffold import Kind, new_plugin
from pointsman.config.load import load
from pointsman.registry import Stage

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md") for page in ROOT.glob(pattern)
)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return [
        text for kind, text in FENCE.findall(page.read_text(encoding="utf-8")) if kind == language
    ]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as a code host makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(text)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_yaml_is_valid_as_the_files_it_says_it_is(page: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for text in blocks(page, "yaml"):
        named = re.match(r"# (\S+\.yaml)\n", text)
        assert named, f"a block of YAML begins with '# <file>': {text}"
        (tmp_path / "config/acme" / named[1]).write_text(text, encoding="utf-8")

    with plugins_dir(page, tmp_path / "plugins") as plugins:
        _, problems = load(tmp_path / "config", plugins)

    assert [str(problem) for problem in problems if problem.severity == "error"] == []


@contextmanager
def plugins_dir(page: Path, folder: Path) -> Iterator[Path | None]:
    """Write the Python of a page, each block a file that its first line names, if it has any."""
    for text in blocks(page, "python"):
        named = re.match(r"# (\S+\.py)\n", text)
        assert named, f"a block of Python begins with '# <file>': {text}"
        folder.mkdir(exist_ok=True)
        (folder / named[1]).write_text(text, encoding="utf-8")
    try:
        yield folder if folder.is_dir() else None
    finally:
        Stage().adopt()


def test_the_plugins_of_the_tutorial_and_a_new_one_pass_their_tests(tmp_path: Path) -> None:
    """What ``plugins new`` writes, and what the page shows, as a stranger would run it."""
    new_plugin("acme_fax", tmp_path)
    new_plugin("acme_opinion", tmp_path, Kind.STEP)
    with plugins_dir(ROOT / "docs/plugins.md", tmp_path / "shown"):
        answer = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=tmp_path,
            check=False,
        )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "9 passed" in answer.stdout


def test_what_the_page_of_plugins_promises_is_there() -> None:
    page = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    promised = page.partition("## What you may rely on")[2]
    for module, names in re.findall(r"^\| `(pointsman[\w.]+)` \| (.+) \|$", promised, re.MULTILINE):
        public = import_module(module)
        for name in re.findall(r"`(\w+)`", names):
            assert name in public.__all__, f"{module}.{name}"


def curls(page: Path) -> list[tuple[list[str], Any]]:
    """Every ``curl`` of a page, as arguments, with the answer if one follows."""
    found = []
    fences = FENCE.findall(page.read_text(encoding="utf-8"))
    for (kind, text), (after, answer) in zip(fences, [*fences[1:], ("", "")], strict=True):
        if kind == "bash" and text.startswith("curl "):
            expected = json.loads(answer) if after == "json" else None
            found.append((shlex.split(text.replace("\\\n", " ")), expected))
    return found


async def send(arguments: list[str], port: int) -> Any:
    """Do what curl would do with the few options that the pages use."""
    method, headers, body, address = "GET", {}, None, ""
    options = iter(arguments[1:])
    for option in options:
        match option:
            case "-s" | "-sS":
                pass
            case "-H":
                name, _, value = next(options).partition(": ")
                headers[name] = value
            case "-X":
                method = next(options)
            case "-d":
                method, body = "POST", next(options)
            case _:
                assert not option.startswith("-"), (
                    f"an option that this test does not know: {option}"
                )
                address = option.replace("localhost:8080", f"127.0.0.1:{port}")
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://{address}", headers=headers, data=body) as answer,
    ):
        return await answer.json()


async def test_every_curl_of_the_readme_answers_as_it_says(redis_url: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    wanted = curls(ROOT / "README.md")

    async with running(tmp_path / "config", redis_url=redis_url, data_dir=tmp_path / "data") as app:
        answers = [await send(arguments, app.port) for arguments, _ in wanted]

    assert len(wanted) > 1
    for answer, (arguments, expected) in zip(answers, wanted, strict=True):
        assert "error" not in answer, f"{arguments}: {answer}"
        assert expected is None or {**answer, "leadId": ""} == {**expected, "leadId": ""}
