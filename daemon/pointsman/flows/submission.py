"""One lead's way through a flow, decided without asking anyone: gates, prices, filters.

What it comes to is written down step by step as events, in the order in which it happened. Whose
turn it is, Redis decides when all of it is stored: the event of a pool step is open until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import random as chance
from typing import Any, NamedTuple

from pointsman.flow import Asking, Bid, Filter, Flow, ListCheck, PoolStep, Quota, Source, Step
from pointsman.flows.form import apply_mappings
from pointsman.flows.gates import price_of, refusal
from pointsman.flows.lists import CHECKS, UNLISTED
from pointsman.flows.quotas import wanted, why_full
from pointsman.store.stored import rfc3339

__all__ = ["StepResult", "Submission", "begin"]

_NOTHING: Mapping[str, Any] = {}


class StepResult(NamedTuple):
    """What became of a lead in one step; ``outcome`` is ``None`` while Redis is to decide.

    ``appended`` is what later rules see under the step's key, ``told`` what its event tells beside.
    """

    step: Step | Bid
    outcome: str | None
    reason: str | None = None
    price: Any = None
    appended: Mapping[str, Any] = _NOTHING
    told: Mapping[str, Any] = _NOTHING

    def seen(self) -> dict[str, Any]:
        """Return what later rules see: a step that was skipped, and a bid, change nothing."""
        if self.outcome == "skip" or isinstance(self.step, Bid):
            return {}
        seen = {**self.appended, "outcome": self.outcome}
        if self.reason:
            seen["reason"] = self.reason
        if self.price is not None:
            seen["price"] = self.price
        return {self.step.key: seen}


@dataclass(slots=True)
class Submission:
    """A lead on its way; ``pool`` is the step that shall assign it.

    ``sent`` are its parameters as they came, ``parameters`` as the source maps them.

    ``asked`` is what lists are still to be asked for, ``None`` if they were asked by another.

    ``counted`` are the caps that count it, ``full`` the one of them that turns it away. ``seal``
    makes the id that recipients are told of that of an event. ``led``: what comes of a pool is
    waited for, because the flow, or this lead's way through it, needs to know.
    """

    flow: Flow
    source: Source
    lead_id: str
    at: int
    sent: Mapping[str, Any]
    parameters: Mapping[str, Any]
    scope: dict[str, Any]
    data: dict[str, Any]
    outcome: str = "success"
    reason: str | None = None
    price: int | float = 0
    results: list[StepResult] = field(default_factory=list)
    pool: PoolStep | None = None
    counted: Sequence[Quota] = ()
    full: Quota | None = None
    cursor: int = 0
    seal: Callable[[str], str] = str
    asked: Sequence[tuple[ListCheck, str]] | None = None
    led: bool = False

    @property
    def counting(self) -> str:
        """What becomes of the caps that count it when it is stored (take_submission.lua)."""
        if self.full:
            return "refuse"
        return "take" if self.outcome == "success" else "check"

    def end(self, outcome: str, reason: str | None) -> None:
        """Note what the sender will be told."""
        self.outcome, self.reason = outcome, reason or None

    def look_up(self, listed: Mapping[str, bool]) -> None:
        """Note what the lists know of the lead; those of the flow's that are not named do not."""
        self.scope["suppressionlist"] = {**(UNLISTED if self.flow.checks else {}), **listed}

    def suppose(self, asked: Sequence[tuple[ListCheck, str]]) -> None:
        """Go on as a lead that no list knows; the script that stores it asks them."""
        self.asked = asked
        self.look_up({})

    def listed(self, found: str) -> None:
        """Begin anew with what the lists know: a digit for each, the claim's first."""
        names = sorted((check.name for check, _ in self.asked or ()), key="duplicate".__ne__)
        for name, digit in zip(names, found, strict=False):
            self.scope["suppressionlist"][CHECKS[name]] |= digit == "1"
        self.asked = [one for one in self.asked or () if one[0].name == "duplicate"]
        for result in self.results:
            self.scope.pop(result.step.key, None)
        self.results, self.counted, self.pool, self.cursor, self.price = [], (), None, 0, 0
        self.led = self.flow.calls_out
        self.end("success", None)

    def admit(self) -> bool:
        """Ask the gates, and the price of a lead that passes them."""
        if not self.flow.enabled:
            self.end("error", "the flow is disabled")
            return False
        refused = refusal(self.flow, self.source, self.scope, self.at)
        if refused is not None:
            self.end(*refused)
            return False
        self.price = price_of(self.flow, self.source, self.scope, self.parameters)
        self.counted = wanted((*self.flow.caps, *self.source.caps), self.scope)
        return True

    def turn_away(self, quota_id: str) -> None:
        """Note that a cap is reached: no step was taken, and the lead costs nothing."""
        self.full = next(quota for quota in self.counted if quota.id == quota_id)
        self.results, self.pool, self.price = [], None, 0
        self.cursor = len(self.flow.steps)
        self.end("failure", why_full(self.full, self.shown(self.scope)))

    def hidden(self) -> list[str]:
        """Return the texts in the lead that must not be stored in the clear."""
        return self.flow.form.secrets(self.scope["lead"])

    def shown(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """Return what rules see as a reason may tell it, which is stored: masked."""
        return self.told(scope, self.flow.form.masked(self.scope["lead"]))

    def told(self, scope: Mapping[str, Any], lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return a scope with ``lead``; an answer that repeats a secret as its event tells it."""
        seen = {**scope, "lead": lead}
        for result in self.results:
            if "appended" in result.told and result.step.key in seen:
                seen |= result._replace(appended=result.told["appended"]).seen()
        return seen

    def hanging_caps(self) -> list[Quota]:
        """Return the caps whose window hangs on when their counter was first used."""
        caps = (*self.flow.caps, *self.source.caps)
        return [hanging for quota in caps for hanging in quota.hanging]

    def walk(self) -> Asking | None:
        """Go on to the next step for which somebody must be asked; ``None``: there is none.

        Of a flow that asks nobody else the pool is left to the script that stores the lead, unless
        a second one comes: that is asked only if the first has nobody.
        """
        while self.cursor < len(self.flow.steps):
            step = self.flow.steps[self.cursor]
            if not step.enabled:
                self.cursor += 1
            elif isinstance(step, Filter):
                self._meet(step)
            elif step.rules is not None and not step.rules.passes(self.scope):
                self.report(StepResult(step, "skip", step.rules.why(self.scope)))
            elif self.led or not isinstance(step, PoolStep):
                return step
            elif self.pool is not None:
                return self._led_from(self.pool)
            else:
                self.pool = step
                self._add(StepResult(step, None))
        return None

    def _led_from(self, pool: PoolStep) -> PoolStep:
        """Go back to a pool, whose answer is waited for."""
        self.led, self.pool, self.cursor = True, None, self.flow.steps.index(pool)
        place = next(at for at, result in enumerate(self.results) if result.step is pool)
        del self.results[place:]
        return pool

    def report(self, result: StepResult) -> None:
        """Note what came of the step that ``walk`` returned, and stand before the next one.

        What came of the steps inside of it is noted before.
        """
        self.scope |= result.seen()
        self._add(result)

    def _add(self, result: StepResult) -> None:
        self.results.append(result)
        if result.step is self.flow.steps[self.cursor]:
            self.cursor += 1

    def _meet(self, step: Filter) -> None:
        if not step.rules.passes(self.scope):
            self._add(StepResult(step, "continue"))
            return
        reason = step.reason.text(self.shown(self.scope)) if step.reason else None
        self._add(StepResult(step, "stop", reason))
        self.end(step.outcome, reason)
        self.cursor = len(self.flow.steps)


def begin(
    flow: Flow,
    source: Source,
    parameters: Mapping[str, Any],
    *,
    lead_id: str,
    at: int,
    address: str | None,
    account: Mapping[str, Any],
    random: int | None = None,
    seal: Callable[[str], str] = str,
) -> Submission:
    """Return a lead as it enters a flow: mapped, typed, with everything that rules may ask for."""
    scope: dict[str, Any] = {
        "submission": {"timestamp": rfc3339(at), "ip": address},
        "account": account,
        "flow": flow.facts,
        "source": source.facts,
        "random": random or 1 + int(chance() * 100),  # noqa: S311 - splits leads, guards nothing
    }
    mapped = apply_mappings(parameters, source.mappings, scope)
    typed = flow.form.read(mapped, at)
    scope["lead"] = {**typed, "id": lead_id}
    data = flow.form.stored(typed)
    return Submission(
        flow, source, lead_id, at, parameters, mapped, scope, data, seal=seal, led=flow.calls_out
    )
