"""How log lines are written: JSON or text, to stderr, those of libraries too.

Rooms log through :mod:`pointsman.observe`, which declares what can be told; the lines that every
lead and every run gets go their own way here: structlog alone would take a third of what one costs.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, Protocol, cast

import orjson
import structlog

__all__ = ["LEAD_TAKEN", "LogSettings", "configure_logging", "lead_line", "log", "run_line"]

LEAD_TAKEN: Final = "lead_taken"
"""Name of the line that every lead gets."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_TALKATIVE: Final = ("docket", "aiohttp.access", "asyncio", "watchfiles")
"""Libraries heard from warning on: docket's info lines would repeat a step's arguments."""


class LogSettings(Protocol):
    """The settings that say how to log."""

    @property
    def log_level(self) -> str:
        """The least level that is written."""

    @property
    def log_format(self) -> str:
        """``json`` or ``text``."""


def log(**bound: Any) -> structlog.typing.FilteringBoundLogger:
    """Return the daemon's logger with ``bound`` on every line."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**bound)
    return logger


def lead_line(lead: str, organization: str, generation: int, outcome: str) -> None:
    """Log that a lead was taken; for the hot path, within a running loop."""
    if _often.form is not None:
        _often.add(_LEAD_FORMS, lead, organization, generation, outcome)


def run_line(event: str, organization: str, workflow: str, run: str) -> None:
    """Log that a run is over, likewise."""
    if _often.form is not None:
        _often.add(_RUN_FORMS, event, organization, workflow, run)


def configure_logging(settings: LogSettings) -> None:
    """Send log lines to stderr as JSON or text, those of libraries too."""
    level = _LEVELS[settings.log_level]
    text = settings.log_format == "text"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        # The default prints local variables, and with them what a lead contains.
        exception_formatter=structlog.dev.plain_traceback,
    )
    ours = console if text else structlog.processors.JSONRenderer(serializer=_dumps)
    theirs = console if text else structlog.processors.JSONRenderer(serializer=_dumps_text)
    if not text:
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, ours],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_TextLogger if text else structlog.BytesLoggerFactory(file=_STDERR),
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(level, [*shared, structlog.stdlib.add_logger_name], theirs)
    _often.form = None if level > logging.INFO else int(text)


def _dumps(line: Any, **_: Any) -> bytes:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS)


def _dumps_text(line: Any, **_: Any) -> str:
    return _dumps(line).decode()


def _adopt_libraries(
    level: int,
    shared: list[structlog.typing.Processor],
    renderer: structlog.typing.Processor,
) -> None:
    """Give the lines of the standard library's logging the same form and place."""
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _Stderr:
    """The stderr of now, as bytes: whoever replaces ``sys.stderr`` gets the lines."""

    def write(self, line: bytes) -> None:
        sys.stderr.buffer.write(line)

    def flush(self) -> None:
        sys.stderr.buffer.flush()


_STDERR: Final = cast("BinaryIO", _Stderr())


class _TextLogger:
    """Writes structlog's lines for people."""

    def __init__(self, *_: Any) -> None:
        """Take no arguments; ``structlog.get_logger`` passes a name along."""

    def msg(self, line: str) -> None:
        _STDERR.write(f"{line}\n".encode())
        _STDERR.flush()

    debug = info = warning = error = critical = msg


class _Handler(logging.Handler):
    """Writes the standard library's lines."""

    def emit(self, record: logging.LogRecord) -> None:
        _STDERR.write(f"{self.format(record)}\n".encode())
        _STDERR.flush()


_Forms = tuple[Callable[..., str], Callable[..., str]]
"""What makes a line of the time and of what it tells, as JSON and as text."""


class _OftenLines:
    """Lines written once a loop tick and with the time of that tick; ``form`` is which, if any.

    structlog takes 50 us for a line of its own, a third of what a lead costs; this takes 1.
    """

    def __init__(self) -> None:
        self.form: int | None = None
        self._waiting: list[tuple[_Forms, tuple[Any, ...]]] = []

    def add(self, forms: _Forms, *told: Any) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append((forms, told))

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        form = self.form
        if form is not None:
            now = datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
            _STDERR.write("".join([forms[form](now, *told) for forms, told in waiting]).encode())
            _STDERR.flush()


_often = _OftenLines()


def _json_lead(now: str, lead: str, organization: str, generation: int, outcome: str) -> str:
    return (
        f'{{"lead_id":"{lead}","organization":"{organization}","generation":{generation},'
        f'"outcome":"{outcome}","event":"{LEAD_TAKEN}","level":"info","timestamp":"{now}"}}\n'
    )


def _text_lead(now: str, lead: str, organization: str, generation: int, outcome: str) -> str:
    return (
        f"{now} [info     ] {LEAD_TAKEN} generation={generation} lead_id={lead} "
        f"organization={organization} outcome={outcome}\n"
    )


def _json_run(now: str, event: str, organization: str, workflow: str, run: str) -> str:
    return (
        f'{{"organization":"{organization}","workflow":{_dumps_text(workflow)},'
        f'"run":"{run}","event":"{event}","level":"info","timestamp":"{now}"}}\n'
    )


def _text_run(now: str, event: str, organization: str, workflow: str, run: str) -> str:
    return (
        f"{now} [info     ] {event} organization={organization} run={run} "
        f"workflow={_dumps_text(workflow)}\n"
    )


_LEAD_FORMS: Final[_Forms] = (_json_lead, _text_lead)
_RUN_FORMS: Final[_Forms] = (_json_run, _text_run)
