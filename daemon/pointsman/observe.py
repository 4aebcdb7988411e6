"""What the daemon tells of itself: log lines and metrics, all declared here.

A line at info or above carries ids, names of things and counts, never what a lead contains. Label
values are bounded: they come from the configuration, from registries or from the tables here,
never from a request.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

from pointsman.lines import LEAD_TAKEN, LogSettings, configure_logging, lead_line, log, run_line

__all__ = [
    "ASSIGNMENTS",
    "CIRCUITS_OPEN",
    "CONFIG_GENERATION",
    "CONFIG_HASH",
    "CONFIG_LAST_RELOAD_SUCCESSFUL",
    "CONFIG_LAST_RELOAD_TIME",
    "CONFIG_PROBLEMS",
    "CONFIG_RELOADS",
    "DEAD_LETTERS",
    "DEAD_LETTERS_ADDED",
    "DELIVERIES",
    "EVENTS_HANDLED",
    "EVENTS_LAG",
    "FIREHOSE_AGE",
    "FIREHOSE_EVENTS",
    "FIREHOSE_LAG",
    "LEADS",
    "LEAD_TAKEN",
    "META_LEADS",
    "NOT_ACCEPTED",
    "OUTGOING_REFUSED",
    "OWNER_CHANGES",
    "PARKED",
    "PLUGIN_BLOCKED",
    "PLUGIN_FAILURES",
    "READY",
    "REDIS_MEMORY",
    "REDIS_ROUND_TRIPS",
    "REGISTRY",
    "REQUESTS",
    "REQUEST_SECONDS",
    "RUNS",
    "SINK_EVENTS",
    "SINK_LAG",
    "STALE_DECISIONS",
    "STEPS",
    "STEP_SECONDS",
    "LogSettings",
    "child",
    "configure_logging",
    "exposition",
    "lead_line",
    "log",
    "run_line",
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
    "Leads taken, by organization and outcome: assigned, not_asked, replayed, turned_away (by a "
    "flow), or why no one got it (no_matching_pool, no_eligible_participant, already_assigned, "
    "parked).",
    ["organization", "outcome"],
    registry=REGISTRY,
)
ASSIGNMENTS: Final = Counter(
    "pointsman_assignments",
    "Leads given to a participant, by organization and the source that history records.",
    ["organization", "source"],
    registry=REGISTRY,
)
META_LEADS: Final = Counter(
    "pointsman_meta_leads",
    "Leads that Meta told of, by organization and outcome: taken, waiting (to be read from Meta), "
    "postponed (Meta could not be asked), failed (see the log).",
    ["organization", "outcome"],
    registry=REGISTRY,
)
PARKED: Final = Gauge(
    "pointsman_parked_leads",
    "Leads that wait in a pool's line until somebody may be served, by organization and the "
    "pool's file.",
    ["organization", "pool"],
    registry=REGISTRY,
)
OWNER_CHANGES: Final = Counter(
    "pointsman_owner_changes",
    "What was asked for after an assignment, by organization and what it was: assigned, "
    "reassigned, passed_on, unassigned, accepted, credited.",
    ["organization", "change"],
    registry=REGISTRY,
)
NOT_ACCEPTED: Final = Counter(
    "pointsman_leads_not_accepted",
    "Leads that were not accepted in time, by organization and what became of them: passed_on, "
    "kept, unassigned, fallback.",
    ["organization", "outcome"],
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
    "Workflow runs, by organization and outcome: started, completed, failed, cancelled, refused "
    "(the event came too deep in a chain of runs), skipped (another run of the record was open), "
    "retried or replayed.",
    ["organization", "outcome"],
    registry=REGISTRY,
)
DEAD_LETTERS: Final = Gauge(
    "pointsman_dead_letters",
    "Steps of workflows and deliveries of flows that failed for good and nobody looked after.",
    ["organization"],
    registry=REGISTRY,
)
DEAD_LETTERS_ADDED: Final = Counter(
    "pointsman_dead_letters_added",
    "Steps of workflows and deliveries of flows that failed for good, by organization.",
    ["organization"],
    registry=REGISTRY,
)
DELIVERIES: Final = Counter(
    "pointsman_flow_deliveries",
    "What flows asked recipients and sources, by organization and outcome: success, failure, error "
    "or skip (it could not be sent).",
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

PLUGIN_BLOCKED: Final = Counter(
    "pointsman_plugin_blocked_seconds",
    "Seconds for which code of a plugin let nothing else of its process go on, in stretches of "
    "0.1 s and more, by what is done: action:NAME, sink:NAME, operator:NAME or field_type:NAME.",
    ["plugin"],
    registry=REGISTRY,
)
PLUGIN_FAILURES: Final = Counter(
    "pointsman_plugin_failures",
    "Errors that code of a plugin raised and should not have, by what was done (see "
    "pointsman_plugin_blocked_seconds).",
    ["plugin"],
    registry=REGISTRY,
)
SINK_EVENTS: Final = Counter(
    "pointsman_sink_events",
    "Events given to a sink, by sink and outcome: done, retried, or dropped (it failed too often "
    "or fell too far behind).",
    ["sink", "outcome"],
    registry=REGISTRY,
)
SINK_LAG: Final = Gauge(
    "pointsman_sink_lag",
    "Events of all organizations that a sink of this process has not got yet.",
    ["sink"],
    registry=REGISTRY,
)
FIREHOSE_EVENTS: Final = Counter(
    "pointsman_firehose_events",
    "Events of flows that were written to an organization's firehose, and batches that have to be "
    "written again (outcome: written, retried).",
    ["organization", "outcome"],
    registry=REGISTRY,
)
FIREHOSE_LAG: Final = Gauge(
    "pointsman_firehose_lag",
    "Events of an organization's flows that its firehose has not got yet, as told by the process "
    "that writes them.",
    ["organization"],
    registry=REGISTRY,
)
FIREHOSE_AGE: Final = Gauge(
    "pointsman_firehose_age_seconds",
    "How long the oldest of these events has waited.",
    ["organization"],
    registry=REGISTRY,
)
CIRCUITS_OPEN: Final = Gauge(
    "pointsman_outgoing_circuits_open",
    "Hosts that this process sends nothing to for a while, because they failed again and again.",
    registry=REGISTRY,
)
OUTGOING_REFUSED: Final = Counter(
    "pointsman_outgoing_refused",
    "Requests not sent, to be tried later: circuit_open, or busy (the host has as many requests "
    "as it may).",
    ["why"],
    registry=REGISTRY,
)

# Event names of log lines, in the past tense.
LEAD_ASSIGNED: Final = "lead_assigned"
OWNER_CHANGED: Final = "owner_changed"
LEAD_NOT_ACCEPTED: Final = "lead_not_accepted"
LEAD_ERASED: Final = "lead_erased"
META_LEAD_POSTPONED: Final = "meta_lead_postponed"
META_LEAD_FAILED: Final = "meta_lead_failed"
DECISION_REPEATED: Final = "decision_repeated"
POOL_POINTER_LOST: Final = "pool_pointer_lost"
REQUEST_FAILED: Final = "request_failed"
DEMO_KEY_IGNORED: Final = "demo_key_ignored"
MEMORY_LIMIT_REACHED: Final = "memory_limit_reached"
MEMORY_LIMIT_PASSED: Final = "memory_limit_passed"
DAEMON_STARTED: Final = "daemon_started"
DAEMON_STOPPED: Final = "daemon_stopped"
DAEMON_CUT_OFF: Final = "daemon_cut_off"
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
RUN_CANCELLED: Final = "run_cancelled"
RUN_RETRIED: Final = "run_retried"
RUN_REPLAYED: Final = "run_replayed"
EVENT_FAILED: Final = "event_failed"
EVENTS_TAKEN_OVER: Final = "events_taken_over"
EVENTS_INTERRUPTED: Final = "events_interrupted"
JOBS_INTERRUPTED: Final = "jobs_interrupted"
PLUGINS_LOADED: Final = "plugins_loaded"
PLUGINS_REFUSED: Final = "plugins_refused"
PLUGIN_HELD_UP: Final = "plugin_held_up"
PLUGIN_HOLDS_UP: Final = "plugin_holds_up"
PLUGIN_FAILED: Final = "plugin_failed"
SINK_RETRIED: Final = "sink_retried"
SINK_DROPPED: Final = "sink_dropped"
SINK_INTERRUPTED: Final = "sink_interrupted"
FIREHOSE_FAILED: Final = "firehose_failed"
FIREHOSE_RECOVERED: Final = "firehose_recovered"
CIRCUIT_OPENED: Final = "circuit_opened"
CIRCUIT_CLOSED: Final = "circuit_closed"
SUBMISSION_RESUMED: Final = "submission_resumed"
DELIVERY_FAILED: Final = "delivery_failed"
TIMER_FAILED: Final = "timer_failed"


@cache
def child(metric: MetricWrapperBase, *values: str) -> Any:
    """Return the metric of these label values: a look-up of half the cost of ``labels``."""
    return metric.labels(*values)


def exposition() -> bytes:
    """Return every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)
