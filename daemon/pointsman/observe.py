"""What the daemon tells of itself: log lines and metrics, all declared here.

A line at info or above carries ids, names of things and counts, never what a lead contains. Label
values are bounded: they come from the configuration, from registries or from the tables here,
never from a request.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, BinaryIO, Final, Protocol, cast

import orjson
import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

__all__ = [
    "ASSIGNMENTS",
    "CONFIG_GENERATION",
    "CONFIG_HASH",
    "CONFIG_LAST_RELOAD_SUCCESSFUL",
    "CONFIG_LAST_RELOAD_TIME",
    "CONFIG_PROBLEMS",
    "CONFIG_RELOADS",
    "EVENTS_HANDLED",
    "EVENTS_LAG",
    "LEADS",
    "READY",
    "REDIS_MEMORY",
    "REDIS_ROUND_TRIPS",
    "REGISTRY",
    "REQUESTS",
    "REQUEST_SECONDS",
    "RUNS",
    "STALE_DECISIONS",
    "STEPS",
    "STEP_SECONDS",
    "LogSettings",
    "child",
    "configure_logging",
    "exposition",
    "lead_line",
    "log",
]

REGISTRY: Final = CollectorRegistry(auto_describe=True)
"""Ours alone: libraries that fill the global registry do not show up in ``/metrics``."""

ProcessCollector(registry=REGISTRY)

REQUESTS: Final = Counter(
    "pointsman_http_requests",
    "Requests answered, by route (the pattern, not the path) and status.",
    ["route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS: Final = Histogram(
    "pointsman_http_request_seconds",
    "Time from a request's headers to its answer, by route.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
LEADS: Final = Counter(
    "pointsman_leads",
    "Leads taken, by organization and outcome: assigned, not_asked, replayed, or why no one got "
    "it (no_matching_pool, no_eligible_participant, already_assigned).",
    ["organization", "outcome"],
    registry=REGISTRY,
)
ASSIGNMENTS: Final = Counter(
    "pointsman_assignments",
    "Leads given to a participant, by organization and the source that history records.",
    ["organization", "source"],
    registry=REGISTRY,
)
STALE_DECISIONS: Final = Counter(
    "pointsman_stale_decisions",
    "Pool decisions that Redis refused as stale and that were made again.",
    ["organization"],
    registry=REGISTRY,
)
CONFIG_RELOADS: Final = Counter(
    "pointsman_config_reloads",
    "Attempts to load the configuration, by outcome: published, written, followed, unchanged, "
    "refused.",
    ["outcome"],
    registry=REGISTRY,
)
CONFIG_LAST_RELOAD_SUCCESSFUL: Final = Gauge(
    "pointsman_config_last_reload_successful",
    "1 if the last attempt to load the configuration succeeded, else 0.",
    registry=REGISTRY,
)
CONFIG_LAST_RELOAD_TIME: Final = Gauge(
    "pointsman_config_last_reload_success_timestamp_seconds",
    "When the configuration was last loaded with success, in seconds since 1970.",
    registry=REGISTRY,
)
CONFIG_PROBLEMS: Final = Gauge(
    "pointsman_config_problems",
    "Findings of the last attempt to load the configuration.",
    registry=REGISTRY,
)
CONFIG_GENERATION: Final = Gauge(
    "pointsman_config_generation",
    "Generation that this process serves, by organization.",
    ["organization"],
    registry=REGISTRY,
)
CONFIG_HASH: Final = Gauge(
    "pointsman_config_hash",
    "First 48 bits of the hash of the files that this process serves, by organization.",
    ["organization"],
    registry=REGISTRY,
)
READY: Final = Gauge(
    "pointsman_ready", "1 if every check of /-/ready passed last time, else 0.", registry=REGISTRY
)
REDIS_ROUND_TRIPS: Final = Counter(
    "pointsman_redis_round_trips",
    "Batches of script calls sent to Redis.",
    registry=REGISTRY,
)
REDIS_MEMORY: Final = Gauge(
    "pointsman_redis_memory_ratio",
    "Share of maxmemory that Redis uses; above 0.9 intake answers 503. 0 without maxmemory.",
    registry=REGISTRY,
)
EVENTS_LAG: Final = Gauge(
    "pointsman_events_lag",
    "Events of an organization that the workflow engine has not acknowledged yet.",
    ["organization"],
    registry=REGISTRY,
)
EVENTS_HANDLED: Final = Counter(
    "pointsman_events_handled",
    "Events read from the stream and acknowledged, by organization.",
    ["organization"],
    registry=REGISTRY,
)
RUNS: Final = Counter(
    "pointsman_workflow_runs",
    "Workflow runs, by organization and outcome: started, completed, failed, or refused (the "
    "event came too deep in a chain of runs).",
    ["organization", "outcome"],
    registry=REGISTRY,
)
STEPS: Final = Counter(
    "pointsman_workflow_steps",
    "Attempts at a workflow's actions, by action type and outcome: done, retried or failed.",
    ["action", "outcome"],
    registry=REGISTRY,
)
STEP_SECONDS: Final = Histogram(
    "pointsman_workflow_step_seconds",
    "Time of one attempt at an action, by action type.",
    ["action"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)

# Event names of log lines, in the past tense.
LEAD_TAKEN: Final = "lead_taken"
LEAD_ASSIGNED: Final = "lead_assigned"
LEAD_ERASED: Final = "lead_erased"
DECISION_REPEATED: Final = "decision_repeated"
POOL_POINTER_LOST: Final = "pool_pointer_lost"
REQUEST_FAILED: Final = "request_failed"
DEMO_KEY_IGNORED: Final = "demo_key_ignored"
MEMORY_LIMIT_REACHED: Final = "memory_limit_reached"
MEMORY_LIMIT_PASSED: Final = "memory_limit_passed"
DAEMON_STARTED: Final = "daemon_started"
DAEMON_STOPPED: Final = "daemon_stopped"
DRAIN_TIMED_OUT: Final = "drain_timed_out"
REDIS_LOST: Final = "redis_lost"
REDIS_FOUND: Final = "redis_found"
WORKER_ENDED: Final = "worker_ended"
WORKER_FAILED: Final = "worker_failed"
SERVER_STARTED: Final = "embedded_server_started"
SERVER_ADOPTED: Final = "embedded_server_adopted"
SERVER_LOST: Final = "embedded_server_lost"
SERVER_FAILED: Final = "embedded_server_failed"
SERVER_LINGERED: Final = "embedded_server_lingered"
WATCH_FAILED: Final = "watch_failed"
CONFIG_PUBLISHED: Final = "config_published"
CONFIG_WRITTEN: Final = "config_written"
CONFIG_FOLLOWED: Final = "config_followed"
CONFIG_REFUSED: Final = "config_refused"
CONFIG_DRIFTED: Final = "config_drifted"
RUN_COMPLETED: Final = "run_completed"
RUN_FAILED: Final = "run_failed"
STEP_RETRIED: Final = "step_retried"
STEP_FAILED: Final = "step_failed"
RUN_INTERRUPTED: Final = "run_interrupted"
RUN_REFUSED: Final = "run_refused"
EVENT_FAILED: Final = "event_failed"
EVENTS_TAKEN_OVER: Final = "events_taken_over"
EVENTS_INTERRUPTED: Final = "events_interrupted"
JOBS_INTERRUPTED: Final = "jobs_interrupted"

_Lead = tuple[str, str, int, str]
"""Id, organization's handle, generation and outcome."""

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


@cache
def child(metric: MetricWrapperBase, *values: str) -> Any:
    """Return the metric of these label values: a look-up of half the cost of ``labels``."""
    return metric.labels(*values)


def lead_line(lead: str, organization: str, generation: int, outcome: str) -> None:
    """Log that a lead was taken; for the hot path, within a running loop."""
    if _leads.form is not None:
        _leads.add((lead, organization, generation, outcome))


def exposition() -> bytes:
    """Return every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)


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
    _leads.form = None if level > logging.INFO else _text_lead if text else _json_lead


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


class _LeadLines:
    """Lines about leads, written once a loop tick and with the time of that tick.

    structlog takes 50 us for a line of its own, a third of what a lead costs; this takes 1.
    """

    def __init__(self) -> None:
        self.form: Callable[[str, _Lead], str] | None = None
        self._waiting: list[_Lead] = []

    def add(self, lead: _Lead) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(lead)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self.form is not None:
            now = datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
            _STDERR.write("".join([self.form(now, lead) for lead in waiting]).encode())
            _STDERR.flush()


_leads = _LeadLines()


def _json_lead(now: str, lead: _Lead) -> str:
    identifier, organization, generation, outcome = lead
    return (
        f'{{"lead_id":"{identifier}","organization":"{organization}","generation":{generation},'
        f'"outcome":"{outcome}","event":"{LEAD_TAKEN}","level":"info","timestamp":"{now}"}}\n'
    )


def _text_lead(now: str, lead: _Lead) -> str:
    identifier, organization, generation, outcome = lead
    return (
        f"{now} [info     ] {LEAD_TAKEN} generation={generation} lead_id={identifier} "
        f"organization={organization} outcome={outcome}\n"
    )
