"""One file of ``plugins_dir``: executed, and what it adds; or why it cannot be.

It runs in a thread of its own, so that one that never ends is a finding and not the end of
reloads. A file is executed once for what is in it; the same text is never executed again, and what
an older text made goes on in the runs that have it in hand.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from hashlib import sha256
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

from jsonschema import Draft202012Validator

from pointsman.errors import PointsmanError, Problem
from pointsman.guard import said
from pointsman.options import Optioned
from pointsman.registry import DROPPED_IN, Addition, collecting

__all__ = ["PATIENCE", "Imported", "forget", "import_file"]

PATIENCE = 10.0
"""Seconds that a file may take to be imported."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of one text of a file: what it adds, or what is wrong with it."""

    path: str
    digest: str
    module: str
    additions: tuple[Addition, ...] = ()
    problem: Problem | None = None
    lasts: bool = True
    """Whether executing the same text again would come to the same, as far as one can tell."""


class _LateError(PointsmanError):
    """A file takes too long."""


class _TooLong(BaseException):
    """Raised inside that file."""


def import_file(path: str, raw: bytes, patience: float = PATIENCE) -> Imported:
    """Execute what the file at ``path`` holds; nothing that it adds is added yet."""
    digest = sha256(raw).hexdigest()
    module = f"{DROPPED_IN}{path} {digest[:12]}"
    execution = _Execution(path, module)
    invalidate_caches()
    try:
        execution.run(compile(raw, path, "exec", dont_inherit=True), patience)
        additions = tuple(_proven(execution.found))
    except BaseException as error:  # noqa: BLE001 - a file may raise whatever it likes
        sys.modules.pop(module, None)
        line, column, message = _place(path, error)
        problem = Problem(path, line, column, "", message)
        lasts = isinstance(error, _LateError | SyntaxError)
        return Imported(path, digest, module, problem=problem, lasts=lasts)
    return Imported(path, digest, module, additions)


def forget(imported: Iterable[Imported]) -> None:
    """Let the modules of older texts go; functions that are still held keep what they need."""
    for one in imported:
        sys.modules.pop(one.module, None)


class _Execution:
    """A file's run from its first line to its last, in a thread."""

    def __init__(self, path: str, module: str) -> None:
        self.found: list[Addition] = []
        self._path = path
        self._module = module_from_spec(ModuleSpec(module, None, origin=path))
        self._module.__file__ = path
        self._error: BaseException | None = None

    def run(self, code: Any, patience: float) -> None:
        """Execute; raise what it raises, or that it takes too long."""
        context = copy_context()
        thread = threading.Thread(target=lambda: context.run(self._execute, code), daemon=True)
        thread.start()
        thread.join(patience)
        if thread.is_alive():
            where = _line_of(thread, self._path)
            _interrupt(thread)
            raise _LateError(
                f"was still being imported after {patience:g} s, at line {where}; only define "
                "things at the top of a plugin, and do work in its functions"
            )
        if self._error is not None:
            raise self._error

    def _execute(self, code: Any) -> None:
        module: ModuleType = self._module
        sys.modules[module.__name__] = module
        try:
            with collecting(self._path) as found:
                exec(code, module.__dict__)  # noqa: S102 - that is what a plugin is for
            self.found = found
        except BaseException as error:  # noqa: BLE001 - passed on to who waits
            self._error = error


def _proven(found: Sequence[Addition]) -> Iterator[Addition]:
    """Yield what was found, and there must be something, once its options make a schema."""
    if not found:
        raise PointsmanError(
            "adds nothing; a plugin has a function under @action, @step, @operator, @field_type "
            "or @sink"
        )
    for one in found:
        if isinstance(one.thing, Optioned):
            try:
                Draft202012Validator.check_schema(one.thing.schema())
            except Exception as error:
                raise PointsmanError(
                    f"the options of {one.registry.kind} '{one.name}' cannot be told as a JSON "
                    f"Schema: {said(error).splitlines()[0]}"
                ) from error
        yield one


def _place(path: str, error: BaseException) -> tuple[int, int, str]:
    """Return line, column and message of what went wrong in a file."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 1, error.offset or 1, f"is no Python: {error.msg}"
    lines = [
        frame.lineno or 1
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == path
    ]
    line = lines[-1] if lines else 1
    if isinstance(error, PointsmanError):
        return line, 1, said(error)
    hint = "; install it where Pointsman is installed" if _is_missing(error) else ""
    return line, 1, f"cannot be imported: {type(error).__name__}: {said(error)}{hint}"


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, ModuleNotFoundError)


def _line_of(thread: threading.Thread, path: str) -> int:
    """Return the line of a file that a thread is at."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - another's line
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame else 1


def _interrupt(thread: threading.Thread) -> None:
    """End a thread at its next line of Python; one that sleeps in the system sleeps on, idle."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_TooLong)
    )
