"""What an action or a step owes the engine, checked by doing it: over HTTP, twice, cut short.

Everything that is wrong is told at once. What an action does at a peer of its own protocol is for
its own test; here it is only held to what the engine does to any action.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, TypeVar

import orjson
from jsonschema import Draft202012Validator

from pointsman import guard
from pointsman.dispatch import OUTPUT_LIMIT
from pointsman.errors import ActionError, TransientError
from pointsman.option_schema import whole_schema
from pointsman.peers import Answerer, Received, Receiver, answering, dropping, hanging, receiver
from pointsman.plugin import (
    ActionContext,
    ActionType,
    Branch,
    Sleep,
    StepContext,
    StepOutcome,
    StepType,
    actions,
    load_plugins,
    steps,
)
from pointsman.registry import Registry

__all__ = ["Config", "Contexts", "StepContexts", "check", "check_steps"]

Config = Mapping[str, Any] | Callable[[str], Mapping[str, Any]]
"""Options that work; or what they are with the address of a peer that the action calls."""

Contexts = Callable[..., AbstractAsyncContextManager[ActionContext]]
"""Opens a context; takes ``delivery_id``, and the peer's address as ``peer``."""

StepContexts = Callable[..., AbstractAsyncContextManager[StepContext]]
"""Opens the context of a step."""

MOST_BLOCKING = 0.1
"""Seconds that an action may go on without an await."""

Kind = TypeVar("Kind", ActionType, StepType)

_ASKED = 7
_END = 1.0
_SUMMARY = 100
_LONGEST = timedelta(hours=1)
_UNKNOWN = "no_such_option_at_all"
_TRIES = 3


async def check(name: str, config: Config, contexts: Contexts, answer: Any = None) -> None:
    """Do the action ``name`` with ``config``; raise ``AssertionError`` with all that is wrong.

    ``answer`` is the JSON that a peer answers when all is well.
    """
    await _Trial(_found(actions, name), config, contexts, answering(200, answer)).hold()


async def check_steps(
    name: str, config: Config, contexts: StepContexts, answer: Any = None
) -> None:
    """Do a step of the type ``name`` with ``config``, likewise."""
    await _StepTrial(_found(steps, name), config, contexts, answering(200, answer)).hold()


def _found(registry: Registry[Kind], name: str) -> Kind:
    load_plugins()
    if name not in registry:
        raise AssertionError(registry.explain_missing(name))
    return registry[name]


class _Trial:
    """One action under trial; ``wrong`` is what was found."""

    kind = "action"

    def __init__(
        self,
        action: ActionType | StepType,
        config: Config,
        contexts: Contexts | StepContexts,
        well: Answerer,
    ) -> None:
        self.wrong: list[str] = []
        self._action = action
        self._config = config
        self._contexts = contexts
        self._well = well

    async def hold(self) -> None:
        """Go through it all; raise ``AssertionError`` with what is wrong."""
        for part in (self.told, self.options, self.done, self.failing, self.cut_short):
            await part()
        if self.wrong:
            told = "\n".join(f"- {each}" for each in dict.fromkeys(self.wrong))
            name = f"{self.kind} '{self._action.name}'"
            raise AssertionError(f"{name} does not keep the contract:\n{told}")

    def _owes(self, kept: bool, what: str) -> None:
        if not kept:
            self.wrong.append(what)

    async def told(self) -> None:
        """See that it is documented."""
        action = self._action
        self._owes(
            action.summary.endswith(".") and len(action.summary) <= _SUMMARY,
            f"the first line of its docstring is a sentence of at most {_SUMMARY} characters",
        )
        self._owes(
            timedelta() < action.timeout <= _LONGEST,
            f"its timeout is more than 0, up to {_LONGEST}",
        )

    async def options(self) -> None:
        """See that its options are described, and wrong ones refused."""
        schema, config = self._action.schema(), self._options("http://127.0.0.1:9/")
        Draft202012Validator.check_schema(schema)
        for place in _bare(whole_schema(self._action.options)):
            self._owes(False, f"option '{place}' needs a description")
        wrong = [told for _, told in self._action.problems(config)]
        self._owes(not wrong, f"the options that work are right: {'; '.join(wrong)}")
        mistaken = {**config, _UNKNOWN: 1}
        refused = any(path == (_UNKNOWN,) for path, _ in self._action.problems(mistaken))
        self._owes(refused, "options that it does not know are refused (extra='forbid')")

    async def done(self) -> None:
        """See that it works, twice with one delivery id, and holds nobody up."""
        try:
            async with receiver(self._well) as peer, self._open(peer) as context:
                await self._do_twice(peer, context)
            shortest = min([await self._longest_stretch() for _ in range(_TRIES)])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._owes(False, f"it works with these options: {type(error).__name__}: {error}")
            return
        self._owes(
            shortest < MOST_BLOCKING,
            f"it goes on for {shortest:.1f} s without an await: use asyncio.to_thread, or a "
            "library for asyncio",
        )

    async def _do_twice(self, peer: Receiver, context: Any) -> None:
        self._owes(*self._right(await self._perform(peer, context)))
        record = getattr(context, "record", None)
        changes = getattr(record, "changes", 0)
        await self._perform(peer, context)
        self._owes(
            getattr(record, "changes", 0) == changes,
            "done twice with one delivery id it changes the record once",
        )
        if callable(self._config):
            await self._check_deliveries(peer, context)

    def _right(self, result: Any) -> tuple[bool, str]:
        """Return whether a result is one that the engine takes, and what is owed."""
        return _right_output(self._action, result)

    async def _check_deliveries(self, peer: Receiver, context: Any) -> None:
        self._owes(bool(peer.requests), "it calls the address that its options name")
        sent = [_holds(request, context.delivery_id) for request in peer.requests]
        self._owes(all(sent), "every request carries context.delivery_id, so that a peer can tell")
        async with self._open(peer, delivery_id="run:2") as other:
            before = len(peer.requests)
            await self._perform(peer, other)
            fresh = peer.requests[before:]
        self._owes(
            all(_holds(request, "run:2") for request in fresh), "another step has another id"
        )

    async def failing(self) -> None:
        """See that it tells a failure that may pass from one that will not."""
        if not callable(self._config):
            return
        await self._expect(answering(503), TransientError, "503")
        await self._expect(dropping, TransientError, "a dropped connection")
        await self._expect(answering(400), ActionError, "400")
        asked = {"Retry-After": str(_ASKED)}
        error = await self._expect(answering(429, headers=asked), TransientError, "429")
        told = isinstance(error, TransientError) and error.retry_after
        self._owes(
            told == timedelta(seconds=_ASKED),
            "TransientError has the retry_after that the peer asked for",
        )

    async def _expect(
        self, answer: Answerer, kind: type[Exception], shown: str
    ) -> BaseException | None:
        async with receiver(answer) as peer, self._open(peer) as context:
            error: BaseException | None = None
            try:
                await self._perform(peer, context)
            except BaseException as raised:  # noqa: BLE001 - whatever it is, it is told
                error = raised
        found = "nothing was raised" if error is None else f"{type(error).__name__} was raised"
        self._owes(isinstance(error, kind), f"{shown} raises {kind.__name__}; {found}")
        return error

    async def cut_short(self) -> None:
        """See that it ends when it is told to, and leaves nothing behind."""
        with guard.own_tasks():
            async with receiver(hanging) as peer, self._open(peer) as context:
                before = asyncio.all_tasks()
                work = guard.guarded(self._quietly(peer, context), self._action.name)
                task = asyncio.get_running_loop().create_task(work)
                await self._under_way(task, peer)
                task.cancel()
                await asyncio.wait({task}, timeout=_END)
                self._owes(task.done(), "it ends when it is cancelled")
                left = {one for one in asyncio.all_tasks() - before - {task} if _is_its(one)}
                self._owes(not left, "it leaves no task behind when it is cancelled")
                for one in left:
                    one.cancel()

    async def _under_way(self, task: asyncio.Task[Any], peer: Receiver) -> None:
        """Wait until an action waits for its peer, or a moment where it has none."""
        if not callable(self._config):
            await asyncio.sleep(0)
            return
        got = asyncio.ensure_future(peer.got.wait())
        await asyncio.wait({task, got}, timeout=_END, return_when=asyncio.FIRST_COMPLETED)
        got.cancel()

    async def _quietly(self, peer: Receiver, context: Any) -> None:
        try:
            await self._perform(peer, context)
        except (ActionError, TransientError):
            return

    async def _longest_stretch(self) -> float:
        """Return the longest time that nothing else could go on."""
        async with receiver(self._well) as peer, self._open(peer) as context:
            with guard.recorded() as stretches:
                await guard.guarded(self._perform(peer, context), self._action.name)
        return max(stretches, default=0.0)

    def _open(self, peer: Receiver, delivery_id: str = "run:1") -> AbstractAsyncContextManager[Any]:
        return self._contexts(delivery_id=delivery_id, peer=peer.url)

    def _options(self, url: str) -> Mapping[str, Any]:
        return self._config(url) if callable(self._config) else self._config

    async def _perform(self, peer: Receiver, context: Any) -> Any:
        options = self._action.options.model_validate(self._options(peer.url))
        return await self._action.run(options, context)


class _StepTrial(_Trial):
    """One step type under trial: what goes wrong is an outcome too, but never a success."""

    kind = "step type"

    def _right(self, result: Any) -> tuple[bool, str]:
        if not isinstance(result, StepOutcome):
            return super()._right(result)
        if result.outcome not in ("success", "failure"):
            return False, f"with these options it is a success or a failure: {result.reason}"
        return _right_json(result.appended)

    async def failing(self) -> None:
        """See that nothing that fails is told as a success."""
        if not callable(self._config):
            return
        for answer, shown in ((answering(503), "503"), (dropping, "a dropped connection")):
            await self._expect_no_success(answer, shown)

    async def _expect_no_success(self, answer: Answerer, shown: str) -> None:
        async with receiver(answer) as peer, self._open(peer) as context:
            try:
                result = await self._perform(peer, context)
            except (ActionError, TransientError):
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                found = f"{type(error).__name__} was raised"
                self._owes(False, f"{shown} raises TransientError or ActionError; {found}")
                return
        told = isinstance(result, StepOutcome) and result.outcome != "success"
        self._owes(told, f"{shown} is no success: raise TransientError, or return an 'error'")


def _right_output(action: ActionType | StepType, result: Any) -> tuple[bool, str]:
    if isinstance(result, Sleep):
        return result.until.tzinfo is not None, "Sleep.until has a time zone"
    if isinstance(result, Branch) and isinstance(action, ActionType):
        return result.taken in action.nested, "Branch.taken names an option marked x-actions"
    if result is not None and not isinstance(result, Mapping):
        return False, "it returns a mapping or nothing"
    return _right_json(result)


def _right_json(result: Any) -> tuple[bool, str]:
    try:
        size = len(orjson.dumps(result))
    except TypeError as error:
        return False, f"its output is JSON: {error}"
    return size <= OUTPUT_LIMIT, f"its output is at most {OUTPUT_LIMIT} bytes of JSON"


def _bare(schema: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the options without a description, inner ones too."""
    found = []
    for name, option in schema.get("properties", {}).items():
        if not option.get("description"):
            found.append(f"{prefix}{name}")
        for inner in (option, *option.get("anyOf", ()), option.get("items")):
            if isinstance(inner, Mapping) and "properties" in inner:
                found += _bare(inner, f"{prefix}{name}.")
    return found


def _holds(request: Received, delivery_id: str) -> bool:
    known = delivery_id.encode()
    return (
        delivery_id in request.headers.values()
        or known in request.body
        or delivery_id in request.path
    )


def _is_its(task: asyncio.Task[Any]) -> bool:
    """Whether a task was started by the action: such a one is held by the guard."""
    return not task.done() and getattr(task.get_coro(), "__qualname__", "") == "guarded"
