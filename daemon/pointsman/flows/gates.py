"""What stands before a flow's steps: hours of operation, acceptance criteria, prices.

Each gate is asked of the flow first and of the source second; the first that refuses answers alone.
A price never refuses a lead. It is asked for after the criteria, because a lead that is turned away
costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.calendar import standing
from pointsman.fields.types import field_types
from pointsman.flow import Criteria, Flow, Pricing, Scope, Source
from pointsman.rules.variables import plain

__all__ = ["OUT_OF_HOURS", "Refusal", "amount", "number_of", "price_of", "refusal"]

OUT_OF_HOURS = "Submission Timestamp must be within hours of operation"

_MOST = 1_000_000

Refusal = tuple[str, str | None]
"""Outcome and reason of a lead that is turned away."""


def refusal(flow: Flow, source: Source, scope: Scope, at: int) -> Refusal | None:
    """Return why a lead is turned away at ``at`` (milliseconds), ``None`` if it may go on."""
    if flow.hours is not None and standing((flow.hours,), at).reason is not None:
        return "failure", OUT_OF_HOURS
    for criteria in (flow.criteria, source.criteria):
        if criteria is not None and not criteria.rules.passes(scope):
            return criteria.outcome, _reason(criteria, flow, scope)
    return None


def price_of(
    flow: Flow, source: Source, scope: Scope, parameters: Mapping[str, Any]
) -> int | float:
    """Return what the lead costs: of flow and source the first that has a price for it, else 0."""
    layers = (source, flow) if flow.source_prices_first else (flow, source)
    for layer in layers:
        if layer.pricing is not None:
            found = amount(layer.pricing, scope, parameters)
            if found is not None:
                return found
    return 0


def amount(pricing: Pricing, scope: Scope, parameters: Mapping[str, Any]) -> int | float | None:
    """Return the price that fits, ``None`` if none does; ``parameters`` may bring one along."""
    if pricing.override:
        return number_of(parameters.get("price"))
    for price in reversed(pricing.prices):
        if price.rules is None or price.rules.passes(scope):
            return price.amount
    return None


def _reason(criteria: Criteria, flow: Flow, scope: Scope) -> str | None:
    """Return why a lead does not meet criteria; who is told of a success is not told that."""
    if criteria.outcome == "success":
        return None
    if criteria.reason is not None:
        return criteria.reason.text({**scope, "lead": flow.form.masked(scope["lead"])})
    return criteria.rules.why(scope)


def number_of(posted: Any) -> int | float | None:
    """Return the price that came with a lead or an answer; what no file may ask for is none.

    The limit is the reference's (flows-reference §7).
    """
    first = posted[0] if isinstance(posted, list) and posted else posted
    value = field_types["number"].value(first)
    if value is None or value.valid is not True:
        return None
    number = plain(value)
    return number if isinstance(number, int | float) and 0 <= number <= _MOST else None
