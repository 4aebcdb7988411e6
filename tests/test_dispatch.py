from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import Field, SecretStr

from pointsman import plugin
from pointsman.dispatch import OUTPUT_LIMIT, Done, Failed, Redactor, Retries, Retry, dispatch
from pointsman.errors import ActionError, TransientError, Unavailable
from pointsman.plugin import ActionContext, Options, action
from pointsman.registry import Registry
from pointsman.testing import action_context


class Told(Options):
    """Options of the actions below."""

    says: str = Field(default="", description="What to do.")
    count: int = Field(default=1, description="A number.")
    pin: SecretStr | None = Field(default=None, description="A secret.")
    code: SecretStr = Field(default=SecretStr(""), description="A secret.")


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry with one action, which does what it is told."""
    ours: Registry[plugin.ActionType] = Registry("action")
    monkeypatch.setattr(plugin, "actions", ours)
    monkeypatch.setattr("pointsman.dispatch.actions", ours)

    @action("obey", timeout=timedelta(seconds=0.05))
    async def obey(options: Told, context: ActionContext) -> Any:
        """Do what is told."""
        match options.says:
            case "hang":
                await asyncio.sleep(60)
            case "transient":
                raise TransientError("later")
            case "busy":
                raise TransientError("later", retry_after=timedelta(seconds=30))
            case "for ever":
                raise TransientError("later", retry_after=timedelta(days=400))
            case "error":
                raise ActionError("never")
            case "bug":
                raise KeyError("x")
            case "away":
                raise Unavailable("redis")
            case "large":
                return "x" * OUTPUT_LIMIT
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


async def test_our_own_store_away_says_nothing_of_the_step() -> None:
    with pytest.raises(Unavailable):
        await outcome("away")


async def test_wrong_options_fail_without_telling_their_values() -> None:
    failed = await outcome("", count="hunter2")

    assert "count: " in failed.error
    assert "hunter2" not in failed.error


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
