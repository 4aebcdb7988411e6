from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import Field, SecretStr

from pointsman import plugin
from pointsman.dispatch import OUTPUT_LIMIT, Done, Failed, Redactor, Retries, Retry, dispatch
from pointsman.errors import ActionError, TransientError, Unavailable
from pointsman.plugin import ActionContext, Branch, Options, Sleep, action
from pointsman.registry import Registry
from pointsman.testing import action_context


class Told(Options):
    """Options of the actions below."""

    says: str = Field(default="", description="What to do.")
    count: int = Field(default=1, description="A number.")
    pin: SecretStr | None = Field(default=None, description="A secret.")
    code: SecretStr = Field(default=SecretStr(""), description="A secret.")


class Rude(BaseException):
    """What nobody expects."""


class Unspeakable:
    """An output that cannot even be told."""

    def __str__(self) -> str:
        raise RuntimeError


def raising(error: BaseException) -> Any:
    raise error


def nested() -> Any:
    held: list[Any] = []
    held.append(held)
    return held


def deep() -> Any:
    return deep()


SAID: Mapping[str, Callable[[], Any]] = {
    "transient": lambda: raising(TransientError("later")),
    "busy": lambda: raising(TransientError("later", retry_after=timedelta(seconds=30))),
    "for ever": lambda: raising(TransientError("later", retry_after=timedelta(days=400))),
    "error": lambda: raising(ActionError("never")),
    "bug": lambda: raising(KeyError("x")),
    "away": lambda: raising(Unavailable("redis")),
    "large": lambda: "x" * OUTPUT_LIMIT,
    "exit": lambda: raising(SystemExit(1)),
    "interrupt": lambda: raising(KeyboardInterrupt()),
    "generator": lambda: raising(GeneratorExit()),
    "rude": lambda: raising(Rude("go away")),
    "group": lambda: raising(BaseExceptionGroup("many", [Rude()])),
    "cancelled": lambda: raising(asyncio.CancelledError()),
    "recursion": deep,
    "long": lambda: raising(ValueError("x" * 100_000)),
    "huge": lambda: {"rows": [[0] * 1000] * 1_000_000},
    "huge text": lambda: {"rows": ["x" * 100_000] * 1_000_000},
    "nested": nested,
    "unspeakable": lambda: {"value": Unspeakable()},
    "big number": lambda: {"value": 10**400},
    "half a character": lambda: {"value": "\ud800"},
    "naive": lambda: Sleep(datetime(2027, 1, 1)),  # noqa: DTZ001 - the mistake at hand
    "nowhere": lambda: Branch("elsewhere"),
}


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry with one action, which does what it is told."""
    ours: Registry[plugin.ActionType] = Registry("action")
    monkeypatch.setattr(plugin, "actions", ours)
    monkeypatch.setattr("pointsman.dispatch.actions", ours)

    @action("obey", timeout=timedelta(seconds=0.05))
    async def obey(options: Told, context: ActionContext) -> Any:
        """Do what is told."""
        if options.says == "hang":
            await asyncio.sleep(60)
        if options.says in SAID:
            return SAID[options.says]()
        return {"attempt": context.attempt, "count": options.count, 1: {2}}


async def outcome(says: str, retries: Retries | None = None, **config: Any) -> Any:
    async with action_context(attempt=config.pop("attempt", 1)) as context:
        return await dispatch("obey", {"says": says, **config}, context, retries or Retries())


async def test_an_action_that_returns_is_done_and_its_output_is_plain_json() -> None:
    assert await outcome("", count="3") == Done({"attempt": 1, "count": 3, "1": "{2}"})


async def test_an_output_too_large_to_keep_is_left_out() -> None:
    done = await outcome("large")

    assert "omitted" in done.output


@pytest.mark.parametrize("says", ["transient", "hang"])
async def test_what_may_pass_is_tried_again_within_a_doubling_time(says: str) -> None:
    retries = Retries(first=timedelta(seconds=2), longest=timedelta(seconds=10))

    for attempt, ceiling in [(1, 2), (2, 4), (3, 8), (4, 10), (5, 10)]:
        retry = await outcome(says, retries, attempt=attempt)
        assert isinstance(retry, Retry)
        assert timedelta() <= retry.delay <= timedelta(seconds=ceiling)


async def test_attempts_that_fail_together_are_spread() -> None:
    """D6: a thousand deliveries that fail at once do not come back at once."""
    retries = Retries(first=timedelta(seconds=10))
    error = TransientError("later")

    delays = sorted(
        retry.delay.total_seconds()
        for _ in range(1000)
        if isinstance(retry := retries.after(1, error), Retry)
    )

    assert len(delays) == 1000
    assert delays[0] < 1
    assert 9 < delays[-1] <= 10
    assert max(later - sooner for sooner, later in pairwise(delays)) < 1


async def test_what_the_peer_asks_for_is_waited_for() -> None:
    retry = await outcome("busy")

    assert timedelta(seconds=30) <= retry.delay <= timedelta(seconds=32)


async def test_a_peer_cannot_put_a_step_off_for_ever() -> None:
    retry = await outcome("for ever")

    assert retry.delay <= timedelta(hours=7)


async def test_the_last_attempt_fails() -> None:
    failed = await outcome("transient", Retries(attempts=3), attempt=3)

    assert failed == Failed("later (gave up after 3 attempts)")


async def test_an_error_of_the_action_is_final() -> None:
    assert await outcome("error") == Failed("never")


async def test_a_bug_of_an_action_fails_the_step_and_nothing_else() -> None:
    assert await outcome("bug") == Failed("obey has a bug: KeyError: 'x'")


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("exit", "PluginExit: it raised SystemExit: 1"),
        ("interrupt", "PluginExit: it raised KeyboardInterrupt: "),
        ("generator", "GeneratorExit: "),
        ("rude", "Rude: go away"),
        ("group", "BaseExceptionGroup: many (1 sub-exception)"),
        ("cancelled", "PluginExit: it cancelled itself"),
        ("recursion", "RecursionError: maximum recursion depth exceeded"),
        ("long", "ValueError: xxx"),
        ("naive", "ValueError: Sleep.until needs a time zone"),
        ("nowhere", "ValueError: Branch.taken is no option that holds actions: 'elsewhere'"),
    ],
)
async def test_nothing_that_an_action_does_takes_the_daemon_down(says: str, told: str) -> None:
    failed = await outcome(says)

    assert isinstance(failed, Failed)
    assert failed.error.startswith(f"obey has a bug: {told}")
    assert len(failed.error) < 3000


@pytest.mark.parametrize(
    "says", ["huge", "huge text", "nested", "unspeakable", "big number", "half a character"]
)
async def test_work_that_was_done_is_done_whatever_its_output(says: str) -> None:
    """An output that cannot be kept fails no step: doing it again would send it again."""
    began = time.perf_counter()

    done = await outcome(says)

    assert isinstance(done, Done)
    assert list(done.output) == ["omitted"]
    assert time.perf_counter() - began < 1


async def test_our_own_store_away_says_nothing_of_the_step() -> None:
    with pytest.raises(Unavailable):
        await outcome("away")


async def test_wrong_options_fail_without_telling_their_values() -> None:
    failed = await outcome("", count="hunter2")

    assert "count: " in failed.error
    assert "hunter2" not in failed.error


def test_answers_tell_no_secret_by_a_name_either() -> None:
    answer = {"seen": [{"a@example.com": True, "token": "x"}], "ssn": 123456789, "n": None}

    assert Redactor(["a@example.com", "123456789"]).known(answer) == {
        "seen": [{"[redacted]": True, "token": "x"}],
        "ssn": "[redacted]",
        "n": None,
    }


async def test_an_unknown_action_fails_and_names_the_nearest() -> None:
    async with action_context() as context:
        failed = await dispatch("obay", {}, context, Retries())

    assert isinstance(failed, Failed)
    assert "did you mean 'obey'?" in failed.error


def test_secrets_are_not_stored() -> None:
    redactor = Redactor(["s3cret-token", "abc"])
    config = {
        "url": "https://user:pass@example.com/s3cret-token?a=abc",
        "headers": {"Authorization": "Bearer x", "X-Api-Key": "y", "X-Trace": "z"},
        "body": {"password": "p", "text": ["has s3cret-token inside"]},
        "pin": "1234",
        "code": "5678",
        "count": 3,
    }

    assert redactor.options("obey", config) == {
        "url": "https://[redacted]@example.com/[redacted]?a=abc",
        "headers": {"Authorization": "[redacted]", "X-Api-Key": "[redacted]", "X-Trace": "z"},
        "body": {"password": "[redacted]", "text": ["has [redacted] inside"]},
        "pin": "[redacted]",
        "code": "[redacted]",
        "count": 3,
    }
