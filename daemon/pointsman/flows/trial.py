"""A lead's way through a flow told beforehand: every gate, price, cap and step, and why.

Nobody is asked and nothing is stored. What recipients would answer is not known, so rules that
read their answers are asked without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pointsman.calendar import standing
from pointsman.flow import Criteria, Filter, PoolStep, Quota, Step
from pointsman.flows.gates import OUT_OF_HOURS
from pointsman.flows.quotas import why_full
from pointsman.flows.submission import Submission
from pointsman.store.caps import Counter

__all__ = ["Remark", "tried"]


@dataclass(frozen=True, slots=True)
class Remark:
    """What one part of a flow would do with a lead: ``part``, its verdict, and why.

    ``stops`` is whether the lead goes no further; ``pool_id`` is the pool that would assign it,
    which is said of one part at most.
    """

    part: str
    verdict: str
    detail: str = ""
    stops: bool = False
    pool_id: str | None = None

    def __str__(self) -> str:
        return f"{self.part}: {self.verdict}" + (f" ({self.detail})" if self.detail else "")


def tried(submission: Submission, counters: Mapping[str, Counter]) -> Iterator[Remark]:
    """Yield what becomes of a lead whose lists were looked up, until something stops it."""
    for remark in _remarks(submission, counters):
        yield remark
        if remark.stops:
            return


def _remarks(submission: Submission, counters: Mapping[str, Counter]) -> Iterator[Remark]:
    flow, source, scope = submission.flow, submission.source, submission.scope
    if not flow.enabled:
        yield Remark("flow", "is disabled", "error", stops=True)
    for check in flow.checks:
        found = scope["suppressionlist"].get(f"is_{check.name}")
        yield Remark(f"list check {check.name}", "found" if found else "not found", check.list.stem)
    if flow.hours is not None:
        closed = standing((flow.hours,), submission.at).reason is not None
        verdict, why = ("refuse", f"failure: {OUT_OF_HOURS}") if closed else ("let it in", "")
        yield Remark("hours of operation", verdict, why, stops=closed)
    for owner, criteria in (("flow", flow.criteria), ("source", source.criteria)):
        if criteria is not None:
            yield _criteria(submission, owner, criteria)
    submission.admit()
    yield Remark("price", f"{submission.price:g}")
    for quota in submission.counted:
        yield _cap(submission, quota, counters.get(quota.id))
    yield from _steps(submission)


def _criteria(submission: Submission, owner: str, criteria: Criteria) -> Remark:
    part = f"acceptance criteria of the {owner}"
    if criteria.rules.passes(submission.scope):
        return Remark(part, "hold")
    why = criteria.rules.why(submission.scope) or "they do not hold"
    shown = submission.shown(submission.scope)
    own = f", told as '{criteria.reason.text(shown)}'" if criteria.reason else ""
    return Remark(part, "refuse", f"{criteria.outcome}: {why}{own}", stops=True)


def _cap(submission: Submission, quota: Quota, counter: Counter | None) -> Remark:
    called = f"cap {quota.name or quota.id}"
    window = quota.unit if quota.duration == 1 else f"{quota.duration} {quota.unit}s"
    if counter is None:
        return Remark(called, f"counts it, at most {quota.maximum} a {window}")
    said = f"{counter.count} of {quota.maximum} a {window}"
    if counter.count < quota.maximum:
        return Remark(called, "has a place", said)
    why = f"{said}; failure: {why_full(quota, submission.shown(submission.scope))}"
    return Remark(called, "is reached", why, stops=True)


def _steps(submission: Submission) -> Iterator[Remark]:
    assigned = False
    for step in submission.flow.steps:
        remark = _step(submission, step)
        if assigned and remark.pool_id:
            remark = replace(remark, verdict="is asked if nobody got it before", pool_id=None)
        assigned |= remark.pool_id is not None
        yield remark


def _step(submission: Submission, step: Step) -> Remark:
    part, scope = f"step {step.key or step.id} ({step.type})", submission.scope
    if not step.enabled:
        return Remark(part, "is off")
    if isinstance(step, Filter):
        if not step.rules.passes(scope):
            return Remark(part, "lets it pass", step.rules.why(scope) or "")
        reason = step.reason.text(submission.shown(scope)) if step.reason else "no reason"
        return Remark(part, "stops it", f"{step.outcome}: {reason}", stops=True)
    if step.rules is not None and not step.rules.passes(scope):
        return Remark(part, "is skipped", step.rules.why(scope) or "")
    if isinstance(step, PoolStep):
        return Remark(part, "assigns it", pool_id=step.pool_id)
    return Remark(part, "is asked")
