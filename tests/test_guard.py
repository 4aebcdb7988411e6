"""Code of plugins that holds up, never ends, or tries to end the daemon."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from pointsman import guard, observe
from pointsman.fields.types import Value, field_type, field_types
from pointsman.guard import PluginExit, guarded, limited, own_tasks, plain, watchdog
from pointsman.model import Snapshot
from pointsman.registry import Stage, collecting
from pointsman.rules.conditions import compile_filters
from pointsman.rules.operators import operator


@pytest.fixture(autouse=True)
def every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "QUIET", 0.0)


def blocked(plugin: str) -> float:
    name = "pointsman_plugin_blocked_seconds_total"
    return observe.REGISTRY.get_sample_value(name, {"plugin": plugin}) or 0.0


def failures(plugin: str) -> float:
    name = "pointsman_plugin_failures_total"
    return observe.REGISTRY.get_sample_value(name, {"plugin": plugin}) or 0.0


def block() -> None:
    """Compute for longer than a plugin may."""
    end = time.perf_counter() + guard.LIMIT * 1.2
    while time.perf_counter() < end:
        pass


async def test_who_holds_up_is_told_by_name() -> None:
    async def slow() -> str:
        await asyncio.sleep(0)
        block()
        return "done"

    with capture_logs() as lines:
        assert await guarded(slow(), "action:slow") == "done"

    (line,) = lines
    assert (line["event"], line["plugin"]) == ("plugin_held_up", "action:slow")
    assert line["seconds"] >= guard.LIMIT
    assert blocked("action:slow") >= guard.LIMIT


async def test_a_task_that_a_plugin_starts_is_measured_too() -> None:
    async def child() -> None:
        block()

    async def parent() -> None:
        await asyncio.gather(child(), child())

    with own_tasks():
        await guarded(parent(), "action:parent")

    assert blocked("action:parent") >= 2 * guard.LIMIT


async def test_nobody_is_blamed_for_what_others_do_meanwhile() -> None:
    async def patient() -> None:
        await asyncio.sleep(0.01)

    async def other() -> None:
        block()

    await asyncio.gather(guarded(patient(), "action:patient"), other())

    assert blocked("action:patient") == 0


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt()])
async def test_nothing_that_a_plugin_raises_ends_the_process(raised: BaseException) -> None:
    async def leave() -> None:
        raise raised

    with pytest.raises(PluginExit, match=type(raised).__name__):
        await guarded(leave(), "action:leave")


async def test_nor_what_a_task_of_it_raises() -> None:
    """A task that ends with SystemExit ends the event loop, whoever waits for it."""

    async def leave() -> None:
        raise SystemExit

    async def parent() -> list[Any]:
        return [*await asyncio.gather(leave(), return_exceptions=True)]

    with own_tasks():
        (error,) = await guarded(parent(), "action:parent")

    assert isinstance(error, PluginExit)


async def test_other_tasks_are_left_as_they_are() -> None:
    async def plain_task() -> str:
        return "done"

    with own_tasks():
        task = asyncio.get_running_loop().create_task(plain_task(), name="mine")
        assert (await task, task.get_name()) == ("done", "mine")
        assert "plain_task" in repr(task.get_coro())


async def test_errors_and_cancellation_reach_the_plugin() -> None:
    seen = []

    async def careful() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await guarded(careful(), "action:careful")

    assert seen == ["ended"]


async def test_a_plugin_that_does_not_end_when_cancelled_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "GRACE", 0.01)
    over = asyncio.Event()

    async def deaf() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    with capture_logs() as lines, pytest.raises(TimeoutError):
        await limited(deaf(), "action:deaf", 0.01)

    assert lines[0]["why"] == "it does not end when cancelled"
    assert failures("action:deaf") == 1
    over.set()
    await asyncio.wait(guard._left)
    assert not guard._left


async def test_a_plugin_that_cancels_itself_has_a_bug_and_nothing_else_is_cancelled() -> None:
    async def confused() -> None:
        raise asyncio.CancelledError

    with pytest.raises(PluginExit, match="cancelled itself"):
        await limited(confused(), "action:confused", 5)


async def test_whoever_waits_can_be_cancelled() -> None:
    ended = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.get_running_loop().create_task(limited(long(), "action:long", 60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert ended.is_set()


def test_a_plugin_that_never_comes_back_is_told_of_while_it_goes_on() -> None:
    """The loop is its hostage, so a thread tells: who, for how long, and at which line."""
    told = threading.Event()

    def hostage() -> None:
        assert told.wait(10)

    with capture_logs() as lines, watchdog(look=0.01, stuck=0.02):
        watcher = threading.Thread(target=_tell_once, args=(lines, told))
        watcher.start()
        guard.call("action:hostage", hostage)
        watcher.join()

    first = lines[0]
    assert (first["event"], first["plugin"]) == ("plugin_holds_up", "action:hostage")
    assert "threading.py:" in first["where"]
    assert [line["event"] for line in lines].count("plugin_holds_up") == 1


def _tell_once(lines: list[Any], told: threading.Event) -> None:
    end = time.monotonic() + 10
    while not lines and time.monotonic() < end:
        threading.Event().wait(0.005)
    told.set()


def test_a_plain_function_that_fails_is_replaced_and_counted() -> None:
    def fail(_: int) -> int:
        raise SystemExit

    with capture_logs() as lines:
        assert plain("operator:fail", fail, lambda number: -number)(5) == -5

    assert failures("operator:fail") == 1
    assert lines[0]["why"] == "PluginExit"


def test_what_an_error_says_is_cut_and_never_raises() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert guard.said(Odd()) == "(its text cannot be had)"
    assert len(guard.said(ValueError("x" * 100_000))) < 3000


@pytest.fixture
def strangers() -> Iterator[None]:
    """An operator and a field type of a plugin, both of which fail."""
    with collecting("/plugins/odd.py") as found:

        @operator("acme_odd")
        def odd(wanted: Any, ignore_case: bool) -> Any:
            """Whether it is odd."""
            if wanted == "never":
                raise KeyError(wanted)
            return lambda value: value / wanted

        @field_type("acme_odd", read=lambda posted: posted / 0, mask=lambda value: value.normal / 0)
        def odd_type(posted: Any, _now: Any) -> Value:
            """Read odd things."""
            return posted  # type: ignore[no-any-return]

    Stage("odd", found).adopt()
    yield
    Stage().adopt()


@pytest.mark.usefixtures("strangers")
def test_an_operator_that_raises_does_not_hold_and_one_that_refuses_is_a_finding() -> None:
    wrong: list[str] = []

    def check(value: Any) -> Any:
        condition = {"field": "score", "operator": "acme_odd", "value": value}
        return compile_filters(
            {"conditions": [condition]}, lambda path, told: wrong.append(f"{path[-1]}: {told}")
        )

    assert check(2)(Snapshot({"score": 5})) is True
    assert check(0)(Snapshot({"score": 5})) is False
    check("never")
    assert wrong == ["value: 'acme_odd' cannot take this value: 'never'"]
    assert failures("operator:acme_odd") == 1


@pytest.mark.usefixtures("strangers")
def test_a_field_type_that_raises_reads_nothing_and_loses_nothing() -> None:
    known = field_types["acme_odd"]

    value = known.value([1])

    assert value is not None
    assert (value.raw, value.normal, value.valid) == ([1], "1", False)
    assert known.read("x") is None
    assert known.mask is not None
    assert known.mask(value).normal == "*"
    assert failures("field_type:acme_odd") == 3
