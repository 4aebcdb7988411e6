"""The contract test: what it lets pass, and what it finds."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from pointsman.errors import ActionError, TransientError
from pointsman.plugin import (
    ActionContext,
    Branch,
    Options,
    Sleep,
    StepContext,
    StepOutcome,
    action,
    step,
)
from pointsman.registry import Stage, collecting
from pointsman.testing import Clock, action_context, check_action, check_step, perform, receiver


class Given(Options):
    """Options of the actions below."""

    url: str = Field(description="Whom to call.")
    way: str = Field(default="right", description="How to call.")


class Loose(Given):
    """Options that take anything."""

    model_config = ConfigDict(frozen=True, extra="allow")

    bare: int = 0


class Group(BaseModel):
    """A part that nobody described."""

    inner: int = 0


class Grouped(Given):
    """Options with a part."""

    group: Group | None = Field(default=None, description="A part.")


async def call(options: Given, context: ActionContext) -> Any:
    """Call the peer as the contract wants it, but for what ``way`` says."""
    key = "always the same" if options.way == "no id" else context.delivery_id
    answer = await context.http.send("POST", options.url, headers={"X-Id": key}, timeout=5)
    if options.way == "no failure":
        return None
    if answer.may_pass and options.way != "all final":
        asked = None if options.way == "impatient" else answer.retry_after
        raise TransientError("later", retry_after=asked)
    if answer.status >= 300:
        error = TransientError if options.way == "all passing" else ActionError
        raise error("no")
    return await after(options.way, context)


async def after(way: str, context: ActionContext) -> Any:
    """Do what follows a good answer."""
    if way == "blocking":
        time.sleep(0.15)  # noqa: ASYNC251 - the mistake at hand
    if way == "counting":
        await context.record.change(lambda record: {"count": record.get("count", 0) + 1})
    if way == "bug":
        raise KeyError(way)
    return {
        "text": "text",
        "huge": {"x": "x" * 100_000},
        "no json": {"x": object()},
        "sleep": Sleep(datetime(2027, 1, 1)),  # noqa: DTZ001 - the mistake at hand
        "branch": Branch("nowhere"),
        "sleep well": Sleep(datetime(2027, 1, 1, tzinfo=UTC)),
    }.get(way, {"status": 200})


@pytest.fixture(autouse=True)
def strangers() -> Iterator[None]:
    with collecting("/plugins/acme.py") as found:

        @action("acme_call")
        async def right(options: Given, context: ActionContext) -> Any:
            """Call the peer."""
            return await call(options, context)

        @action("acme_deaf")
        async def deaf(options: Given, context: ActionContext) -> None:
            """Call the peer, and hear of no end."""
            try:
                await call(options, context)
            except asyncio.CancelledError:
                await asyncio.sleep(3)

        @action("acme_messy")
        async def messy(options: Given, context: ActionContext) -> Any:
            """Call the peer in a task that is left behind."""
            task = asyncio.get_running_loop().create_task(call(options, context))
            return await asyncio.shield(task)

        @action("acme_silent")
        async def silent(options: Given, context: ActionContext) -> None:
            """Do nothing at all."""

        @action("acme_loose", timeout=timedelta(hours=2))
        async def loose(options: Loose, context: ActionContext) -> Any:
            """take anything"""  # noqa: D400, D403, D415 - the mistake at hand
            return await call(options, context)

        @action("acme_grouped")
        async def grouped(options: Grouped, context: ActionContext) -> Any:
            """Call the peer."""
            return await call(options, context)

    Stage("strangers", found).adopt()
    yield
    Stage().adopt()


async def findings(name: str, way: str = "right") -> list[str]:
    """Return what the contract test says of an action."""
    try:
        await check_action(name, lambda url: {"url": url, "way": way})
    except AssertionError as error:
        return str(error).splitlines()[1:]
    return []


@pytest.mark.parametrize("way", ["right", "sleep well"])
async def test_an_action_that_keeps_the_contract_passes(way: str) -> None:
    assert await findings("acme_call", way) == []


@pytest.mark.parametrize(
    ("way", "found"),
    [
        ("no id", "every request carries context.delivery_id"),
        ("no failure", "503 raises TransientError; nothing was raised"),
        ("all final", "503 raises TransientError; ActionError was raised"),
        ("all passing", "400 raises ActionError; TransientError was raised"),
        ("impatient", "TransientError has the retry_after that the peer asked for"),
        ("counting", "done twice with one delivery id it changes the record once"),
        ("bug", "it works with these options: KeyError: 'bug'"),
        ("text", "it returns a mapping or nothing"),
        ("huge", "its output is at most 65536 bytes of JSON"),
        ("no json", "its output is JSON: Type is not JSON serializable"),
        ("sleep", "Sleep.until has a time zone"),
        ("branch", "Branch.taken names an option marked x-actions"),
        ("blocking", r"it goes on for 0\.\d s without an await: use asyncio\.to_thread"),
    ],
)
async def test_what_an_action_does_wrong_is_told(way: str, found: str) -> None:
    told = await findings("acme_call", way)

    assert any(re.match(f"- {found}", line) for line in told), told


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("acme_deaf", "- it ends when it is cancelled"),
        ("acme_messy", "- it leaves no task behind when it is cancelled"),
        ("acme_silent", "- it calls the address that its options name"),
        ("acme_loose", "- options that it does not know are refused (extra='forbid')"),
        ("acme_loose", "- option 'bare' needs a description"),
        ("acme_loose", "- its timeout is more than 0, up to 1:00:00"),
        ("acme_loose", "- the first line of its docstring is a sentence of at most 100 characters"),
        ("acme_grouped", "- option 'group.inner' needs a description"),
    ],
)
async def test_what_an_action_is_wrong_about_is_told(name: str, found: str) -> None:
    assert found in await findings(name)


async def test_options_that_do_not_work_and_unknown_actions_are_told() -> None:
    with pytest.raises(AssertionError, match="the options that work are right: Field required"):
        await check_action("acme_call", {"way": "right"})
    with pytest.raises(AssertionError, match="unknown action 'acme_cal'; did you mean 'acme_call'"):
        await check_action("acme_cal", {})


async def test_a_clock_stands_still_until_it_is_moved() -> None:
    """What the client leaves alone for a while is tried again when the test says so."""
    clock = Clock(datetime(2026, 6, 1, tzinfo=UTC))
    async with receiver(*[500] * 8, 200) as peer, action_context(clock=clock) as context:
        assert context.now == clock.now
        for _ in range(9):
            with pytest.raises(TransientError):
                await perform("webhook", {"url": peer.url}, context)
        clock.move(timedelta(seconds=10))

        assert (await perform("webhook", {"url": peer.url}, context))["status"] == 200


async def score(options: Given, context: StepContext) -> StepOutcome:
    """Ask the peer as the contract wants it, but for what ``way`` says."""
    key = "always the same" if options.way == "no id" else context.delivery_id
    answer = await context.http.send("POST", options.url, headers={"X-Id": key}, timeout=5)
    if options.way == "raises":
        raise KeyError(answer.status)
    if answer.status != 200 and options.way != "all is well":
        raise TransientError("later")
    if options.way == "huge":
        return StepOutcome(appended={"all": "x" * 70_000})
    return StepOutcome("error" if options.way == "no success" else "success")


def asked(way: str, url: str) -> dict[str, str]:
    return {"url": url, "way": way}


STEP_FAULTS = {
    "no id": "every request carries context.delivery_id",
    "all is well": "503 is no success: raise TransientError, or return an 'error'",
    "huge": "its output is at most 65536 bytes of JSON",
    "no success": "with these options it is a success or a failure",
    "raises": "it works with these options: KeyError",
}


async def test_a_step_is_held_to_its_contract_and_what_is_wrong_is_told() -> None:
    with collecting("/plugins/steps.py") as found:
        step("acme_asked")(score)
    Stage(str(id(found)), found).adopt()
    try:
        await check_step("acme_asked", lambda url: {"url": url})
        for way, fault in STEP_FAULTS.items():
            with pytest.raises(AssertionError, match="step type 'acme_asked' does not") as told:
                await check_step("acme_asked", partial(asked, way))
            assert fault in str(told.value), way
        with pytest.raises(AssertionError, match="unknown step type 'acme_askd'; did you mean"):
            await check_step("acme_askd", {})
    finally:
        Stage().adopt()
