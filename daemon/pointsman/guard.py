"""Code of plugins, measured and held: it can hold the daemon up, but not without being told of.

What is told is who (``action:acme_sms``), in a log line and a metric. Each stretch between two
awaits is measured, also in tasks that a plugin starts, so nobody is blamed for what others do
meanwhile. What would end a process (``SystemExit``) becomes an error like any other.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from pointsman import observe
from pointsman.errors import PointsmanError

__all__ = [
    "PluginExit",
    "begun",
    "call",
    "guarded",
    "limited",
    "own_tasks",
    "plain",
    "recorded",
    "said",
    "watchdog",
]

LIMIT = 0.1
"""Seconds without an await from which a plugin is told of."""

STUCK = 2.0
"""Seconds without an await after which it is told of while it still goes on."""

QUIET = 10.0
"""Seconds between two lines about the same plugin; the metric counts every time."""

GRACE = 1.0
"""Seconds that a plugin has to end when it is told to."""

_LOOK = 1.0
_LONGEST = 2000
_FRAMES = 30

T = TypeVar("T")
Stretch = tuple[str, float]
"""Who goes on without an await, and since when."""


class PluginExit(PointsmanError):
    """A plugin asked the process to end; it may not."""


def _stretch(step: Callable[[Any], Any], sent: Any, plugin: str) -> Any:
    """Go on up to the next wait, and return what is waited for; ``StopIteration``: the end."""
    outer = _begin(plugin)
    try:
        return step(sent)
    except (SystemExit, KeyboardInterrupt) as error:
        raise _exit(error) from error
    finally:
        _end(outer)


@types.coroutine
def _measured(
    coroutine: Coroutine[Any, Any, T], plugin: str, awaited: Sequence[Any] = ()
) -> Generator[Any, Any, T]:
    """Await a coroutine; ``awaited`` is what it waits for already, if it was begun."""
    step: Callable[[Any], Any] = coroutine.send
    sent: Any = None
    while True:
        try:
            waits = awaited or (_stretch(step, sent, plugin),)
        except StopIteration as done:
            result: T = done.value
            return result
        awaited = ()
        try:
            sent, step = (yield waits[0]), coroutine.send
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:  # noqa: BLE001 - passed on to whom it is meant for
            sent, step = error, coroutine.throw


async def guarded(coroutine: Coroutine[Any, Any, T], plugin: str, awaited: Sequence[Any] = ()) -> T:
    """Await what ``plugin`` does; tasks that it starts are measured and held too."""
    token = _PLUGIN.set(plugin)
    try:
        return await _measured(coroutine, plugin, awaited)
    finally:
        _PLUGIN.reset(token)


def begun(coroutine: Coroutine[Any, Any, T], plugin: str) -> tuple[bool, Any]:
    """Do what ``plugin`` does up to its first wait: many never wait, and need no time limit.

    Returns whether that was the end, and what came of it; or else what to await for the rest.
    """
    token = _PLUGIN.set(plugin)
    try:
        waits = _stretch(coroutine.send, None, plugin)
    except StopIteration as done:
        return True, done.value
    finally:
        _PLUGIN.reset(token)
    return False, guarded(coroutine, plugin, (waits,))


async def limited(coroutine: Coroutine[Any, Any, T], plugin: str, seconds: float) -> T:
    """Await what ``plugin`` does for so long; raise ``TimeoutError`` if it is not done then.

    One that does not end when it is told to is left to itself: it holds up nobody.
    """
    # No task group: it would wait for ever for one that does not end.
    task = asyncio.get_running_loop().create_task(guarded(coroutine, plugin))
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        late = not task.done()
        if late:
            await _stop(task, plugin)
    if late:
        raise TimeoutError
    if task.cancelled():
        raise PluginExit("it cancelled itself")
    return task.result()


def call(plugin: str, function: Callable[..., T], *arguments: Any) -> T:
    """Return what a plain function of ``plugin`` does."""
    outer = _begin(plugin)
    try:
        return function(*arguments)
    except (SystemExit, KeyboardInterrupt) as error:
        raise _exit(error) from error
    finally:
        _end(outer)


def plain(
    plugin: str, function: Callable[..., Any], instead: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a plain function of ``plugin`` that is told of, and replaced, where it fails."""

    def held(*arguments: Any) -> Any:
        try:
            return call(plugin, function, *arguments)
        except Exception as error:  # noqa: BLE001 - the border of a plugin
            observe.child(observe.PLUGIN_FAILURES, plugin).inc()
            if _lines.due(f"failed {plugin}"):
                observe.log().error(observe.PLUGIN_FAILED, plugin=plugin, why=type(error).__name__)
            return instead(*arguments)

    return held


def said(error: BaseException) -> str:
    """Return what an error of a plugin says, whatever it is and however long."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - even its text is the plugin's code
        text = "(its text cannot be had)"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def traced(error: BaseException) -> str:
    """Return where an error of a plugin was raised and what it says, cut to what a log can bear."""
    where = error.__cause__ if isinstance(error, PluginExit) and error.__cause__ else error
    frames = "".join(traceback.format_tb(where.__traceback__, limit=-_FRAMES))
    return f"{frames[-_LONGEST * 4 :]}{type(error).__name__}: {said(error)}"


@contextmanager
def own_tasks() -> Iterator[None]:
    """Hold tasks that plugins start in the running loop, too, until the block ends."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(_task)
    try:
        yield
    finally:
        loop.set_task_factory(before)


@contextmanager
def recorded() -> Iterator[list[float]]:
    """Give the length of every stretch, in seconds, of plugins that go on within the block."""
    stretches: list[float] = []
    _RECORD.append(stretches)
    try:
        yield stretches
    finally:
        _RECORD.remove(stretches)


@contextmanager
def watchdog(look: float = _LOOK, stuck: float = STUCK) -> Iterator[None]:
    """Tell of a plugin that holds this thread up while it still does, until the block ends."""
    over = threading.Event()
    thread = threading.Thread(
        target=_watch, args=(over, threading.get_ident(), look, stuck), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    plugin = _PLUGIN.get()
    if plugin:
        coroutine = guarded(coroutine, plugin)
    return asyncio.Task(coroutine, loop=loop, **options)


async def _stop(task: asyncio.Task[Any], plugin: str) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE)
    if task.done():
        _outcome(task)
        return
    observe.child(observe.PLUGIN_FAILURES, plugin).inc()
    observe.log().error(observe.PLUGIN_FAILED, plugin=plugin, why="it does not end when cancelled")
    _left.add(task)
    task.add_done_callback(_left.discard)
    task.add_done_callback(_outcome)


def _outcome(task: asyncio.Task[Any]) -> None:
    """Look at what came of a task, so that asyncio need not complain that nobody did."""
    if not task.cancelled():
        task.exception()


def _begin(plugin: str) -> Stretch | None:
    """Note that a plugin goes on now; return what went on before."""
    outer, _NOW[0] = _NOW[0], (plugin, time.perf_counter())
    return outer


def _end(outer: Stretch | None) -> None:
    ended, _NOW[0] = _NOW[0], outer
    if ended is not None:
        took = time.perf_counter() - ended[1]
        if _RECORD:
            _RECORD[-1].append(took)
        if took >= LIMIT:
            _tell(ended[0], took)


def _exit(error: BaseException) -> PluginExit:
    return PluginExit(f"it raised {type(error).__name__}: {said(error)}")


def _tell(plugin: str, took: float) -> None:
    observe.child(observe.PLUGIN_BLOCKED, plugin).inc(took)
    if _lines.due(plugin):
        observe.log().warning(observe.PLUGIN_HELD_UP, plugin=plugin, seconds=round(took, 3))


def _watch(over: threading.Event, thread: int, look: float, stuck: float) -> None:
    told: Stretch | None = None
    while not over.wait(look):
        now = _NOW[0]
        if now is None or now is told or time.perf_counter() - now[1] < stuck:
            continue
        told = now
        frame = sys._current_frames().get(thread)  # noqa: SLF001 - the way to another's line
        where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""
        seconds = round(time.perf_counter() - now[1], 1)
        observe.log().error(observe.PLUGIN_HOLDS_UP, plugin=now[0], seconds=seconds, where=where)


class _Lines:
    """When a line about something was last written, so that it is not written all the time."""

    def __init__(self) -> None:
        self._written: dict[str, float] = {}

    def due(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._written.get(what, -QUIET) < QUIET:
            return False
        self._written[what] = now
        return True


_PLUGIN: ContextVar[str] = ContextVar("plugin", default="")
_NOW: list[Stretch | None] = [None]
_RECORD: list[list[float]] = []
_left: set[asyncio.Task[Any]] = set()
_lines = _Lines()
