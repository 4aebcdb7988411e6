"""One attempt at one action: options, time limit, what a failure means, what may be stored of it.

A plugin says *whether* trying again can help, this module says *when*. An error that is neither of
the two kinds is a bug of the plugin: it is logged with its traceback and fails the step, and the
daemon goes on, whatever was raised. An output that cannot be kept is left out: the work was done.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, cast, get_args

import orjson
from pydantic import SecretStr, ValidationError

from pointsman import guard, observe
from pointsman.errors import ActionError, Refused, TransientError, Unavailable
from pointsman.options import Options, wrong_options
from pointsman.plugin import ActionContext, ActionType, Branch, Sleep, actions

__all__ = [
    "Asleep",
    "Done",
    "Failed",
    "Outcome",
    "Redactor",
    "Retries",
    "Retry",
    "dispatch",
    "is_secret_name",
    "kept_output",
]

OUTPUT_LIMIT = 64 * 1024
"""Bytes of a step's output, as JSON, that are kept."""

_REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"authorization|cookie|token|secret|password|passwd|api[-_]?key|signature", re.IGNORECASE
)
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_SHORTEST_SECRET = 6
_PLAIN = frozenset({int, float, bool, type(None)})
_MOST_VALUES = 20_000


@dataclass(frozen=True, slots=True)
class Done:
    """The action did its work; ``output`` is what later steps can read.

    ``branch`` names the option whose actions are next, if it chose one.
    """

    output: Any
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Asleep:
    """The action is to be done again at ``until``; nothing went wrong."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Retry:
    """The action is to be tried again after ``delay``."""

    error: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Failed:
    """The action failed for good."""

    error: str


Outcome = Done | Asleep | Retry | Failed

_LABELS = {Done: "done", Asleep: "waits", Retry: "retried", Failed: "failed"}


@dataclass(frozen=True, slots=True)
class Retries:
    """When to try again: after a random part of a time that doubles up to ``longest``.

    A peer's ``Retry-After`` is a lower bound, as far as ``patience`` goes.
    """

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=15)
    attempts: int = 12
    patience: timedelta = timedelta(hours=6)

    def after(self, attempt: int, error: TransientError) -> Outcome:
        """Return what follows the failed attempt number ``attempt``."""
        if attempt >= self.attempts:
            return Failed(f"{error} (gave up after {attempt} attempts)")
        ceiling = min(self.longest, self.first * 2 ** (attempt - 1))
        asked = min(error.retry_after or timedelta(), self.patience)
        jitter = ceiling * random.random()  # noqa: S311 - spreads load, hides nothing
        return Retry(str(error), asked + jitter)


def is_secret_name(name: str) -> bool:
    """Return whether what stands under a name is taken to be a secret."""
    return _SECRET_NAME.search(name) is not None


class Redactor:
    """Takes secrets out of what is stored with a run.

    Secret are the values of credentials wherever they stand, everything under a name such as
    ``Authorization`` or ``password``, ``SecretStr`` options, and the user part of a URL.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known = _any_of(frozenset(secrets))

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if "://" in text:
            text = _USERINFO.sub(f"{_REDACTED}@", text)
        return self._known.sub(_REDACTED, text) if self._known else text

    def value(self, value: Any, hidden: frozenset[str] = frozenset()) -> Any:
        """Return a JSON value without secrets; ``hidden`` names top-level fields to leave out."""
        if isinstance(value, str):
            return self.text(value)
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Mapping):
            return {
                name: _REDACTED
                if name in hidden or (isinstance(item, str) and is_secret_name(str(name)))
                else self.value(item)
                for name, item in value.items()
            }
        return [self.value(item) for item in value] if isinstance(value, list | tuple) else value

    def known(self, value: Any) -> Any:
        """Return what somebody answered without the secrets; no name makes one of a value there."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.known(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.known(item) for item in value]
        text = str(value)
        return value if self.text(text) == text else _REDACTED

    def retold(self, appended: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an event tells in place of an answer, if that repeats a secret."""
        shown = self.known(appended)
        return {} if shown == appended else {"appended": shown}

    def options(self, kind: str, config: Mapping[str, Any]) -> Any:
        """Return the options of an action as they may be stored."""
        known = actions.recall(kind)
        return self.value(config, _hidden(known.options) if known else frozenset())


async def dispatch(
    kind: str,
    config: Mapping[str, Any],
    context: ActionContext,
    retries: Retries,
    tried: int | None = None,
) -> Outcome:
    """Do an action once; ``tried`` counts the attempts since it last asked to be done again later.

    ``Unavailable`` passes: while our own store is away nothing can be said of the step.
    """
    action = actions.recall(kind)
    if action is None:
        return Failed(actions.explain_missing(kind))
    begun = time.perf_counter()
    after = partial(retries.after, tried or context.attempt)
    outcome = await _attempt(action, config, context, after)
    observe.child(observe.STEP_SECONDS, kind).observe(time.perf_counter() - begun)
    label = _LABELS[type(outcome)]
    observe.child(observe.STEPS, kind, label).inc()
    return outcome


async def _attempt(
    action: ActionType,
    config: Mapping[str, Any],
    context: ActionContext,
    after: Callable[[TransientError], Outcome],
) -> Outcome:
    try:
        return _outcome(action, await _result(action, config, context))
    except ValidationError as error:
        return Failed(f"{action.name}: {wrong_options(error)}")
    except TimeoutError:
        late = TransientError(
            f"{action.name} took longer than {action.timeout.total_seconds():g} s"
        )
        return after(late)
    except TransientError as error:
        return after(error)
    except (ActionError, Refused) as error:
        return Failed(guard.said(error))
    except (Unavailable, asyncio.CancelledError):
        raise
    except BaseException as error:  # noqa: BLE001 - the border of one action
        observe.log().error(
            observe.STEP_FAILED,
            action=action.name,
            delivery_id=context.delivery_id,
            exception=guard.traced(error),
        )
        return Failed(f"{action.name} has a bug: {type(error).__name__}: {guard.said(error)}")


async def _result(action: ActionType, config: Mapping[str, Any], context: ActionContext) -> Any:
    """Do the work; only our own quick actions are trusted to end when they are told to."""
    plugin, limit = f"action:{action.name}", action.timeout.total_seconds()
    options = guard.call(plugin, action.options.model_validate, config)
    work = cast("Coroutine[Any, Any, Any]", action.run(options, context))
    if not (action.quick and action.built_in):
        return await guard.limited(work, plugin, limit)
    ended, result = guard.begun(work, plugin)
    if ended:
        return result
    async with asyncio.timeout(limit):
        return await result


@lru_cache(maxsize=1024)
def _hidden(options: type[Options]) -> frozenset[str]:
    """Return the options that are secrets."""
    return frozenset(
        name
        for name, option in options.model_fields.items()
        if SecretStr in (option.annotation, *get_args(option.annotation))
    )


@lru_cache(maxsize=1024)
def _any_of(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """Return what finds the secrets that are long enough to be told from ordinary text."""
    known = sorted((one for one in secrets if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, known))) if known else None


def _outcome(action: ActionType, result: Any) -> Outcome:
    if isinstance(result, Sleep):
        if result.until.tzinfo is None:
            raise ValueError("Sleep.until needs a time zone")
        return Asleep(result.until)
    if isinstance(result, Branch):
        if result.taken not in action.nested:
            raise ValueError(f"Branch.taken is no option that holds actions: {result.taken!r}")
        return Done({"branch": result.taken}, result.taken)
    if action.built_in:
        return Done(_kept(result))
    return Done(guard.call(f"action:{action.name}", kept_output, result))


def kept_output(output: Any) -> Any:
    """Return an output as plain JSON, or a note why it is not kept."""
    if _is_huge(output):
        return {"omitted": f"more than {OUTPUT_LIMIT} bytes of output; that many are kept"}
    return _kept(output)


def _kept(output: Any) -> Any:
    try:
        text = orjson.dumps(output, default=str, option=orjson.OPT_NON_STR_KEYS)
    except Exception as error:  # noqa: BLE001 - the work was done, whatever it gave
        return {"omitted": f"the output is no JSON: {guard.said(error)}"}
    if len(text) > OUTPUT_LIMIT:
        return {"omitted": f"{len(text)} bytes of output, at most {OUTPUT_LIMIT} are kept"}
    return orjson.loads(text)


def _is_huge(output: Any) -> bool:
    """Whether an output need not be written down to know that it is too large."""
    left, chars, open_ = _MOST_VALUES, OUTPUT_LIMIT, [output]
    while open_ and left > 0 and chars >= 0:
        value = open_.pop()
        left -= 1
        if isinstance(value, str | bytes | bytearray):
            chars -= len(value)
        elif isinstance(value, Mapping | list | tuple | set | frozenset):
            left -= len(value)
            if left > 0:
                open_ += value.values() if isinstance(value, Mapping) else value
    return bool(open_) or left <= 0 or chars < 0
