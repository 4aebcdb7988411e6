"""Log lines and metrics."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from pointsman import observe
from pointsman.settings import Settings


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Put the process's logging back after a test configured it."""
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = list(root.handlers)
    levels = {name: logging.getLogger(name).level for name in ("docket", "asyncio")}
    yield
    structlog.reset_defaults()
    observe.configure_logging(Settings(log_level="error"))
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


async def test_a_lead_is_one_line_with_its_id_and_generation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    observe.configure_logging(Settings())

    observe.lead_line("0" * 24, "acme", 7, "assigned")
    observe.lead_line("1" * 24, "acme", 7, "no_matching_pool")
    await asyncio.sleep(0)

    lines = [json.loads(line) for line in written(capsys)]
    assert [line.pop("timestamp")[-1] for line in lines] == ["Z", "Z"]
    assert lines[0] == {
        "lead_id": "0" * 24,
        "organization": "acme",
        "generation": 7,
        "outcome": "assigned",
        "event": "lead_taken",
        "level": "info",
    }
    assert lines[1]["outcome"] == "no_matching_pool"


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_nothing_below_the_level_is_written(
    log_format: Literal["json", "text"], capsys: pytest.CaptureFixture[str]
) -> None:
    observe.configure_logging(Settings(log_level="warning", log_format=log_format))

    observe.lead_line("0" * 24, "acme", 7, "assigned")
    observe.log().info("config_followed")
    await asyncio.sleep(0)
    observe.log().warning("redis_lost", tries=3)

    (line,) = written(capsys)
    assert "redis_lost" in line


async def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    observe.configure_logging(Settings(log_format="text"))

    observe.lead_line("0" * 24, "acme", 7, "assigned")
    await asyncio.sleep(0)
    observe.log(organization="acme").info("config_followed", generation=2)

    first, second = written(capsys)
    assert re.search(r"Z \[info {5}\] lead_taken .*lead_id=0{24}", first)
    assert re.search(r"config_followed .*generation=2", second)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_libraries_are_heard_in_the_same_form(
    log_format: Literal["json", "text"], capsys: pytest.CaptureFixture[str]
) -> None:
    observe.configure_logging(Settings(log_format=log_format))

    logging.getLogger("aiohttp.server").warning("odd request %s", 5)
    logging.getLogger("docket").info("step with arguments")

    (line,) = written(capsys)
    assert "odd request 5" in line
    assert line.startswith("{") == (log_format == "json")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_trace_shows_no_local_variable(
    log_format: Literal["json", "text"], capsys: pytest.CaptureFixture[str]
) -> None:
    """What a lead contains is in the locals of every function on its way."""
    observe.configure_logging(Settings(log_format=log_format))
    email = "private" + "@example.com"

    try:
        int(email[:0])
    except ValueError:
        observe.log().exception("request_failed")

    text = "\n".join(written(capsys))
    assert "ValueError" in text
    assert "private@example.com" not in text


def test_every_metric_is_ours_and_explained() -> None:
    for family in observe.REGISTRY.collect():
        assert family.name.startswith(("pointsman_", "process_"))
        assert family.documentation.endswith(".")


def test_a_child_is_made_once() -> None:
    first = observe.child(observe.LEADS, "acme", "assigned")

    assert observe.child(observe.LEADS, "acme", "assigned") is first
    assert b"pointsman_leads_total" in observe.exposition()
