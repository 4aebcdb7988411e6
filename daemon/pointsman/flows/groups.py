"""Steps that hold others: taken at once, one after another, or by the highest bid.

What comes of the steps inside is told before what comes of the whole. None of those that are taken
at once sees another, so it is the same for whichever of them is the first to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pointsman.flow import Asking, Auction, FirstSuccess, Group, Parallel, Recipient
from pointsman.flows.gates import number_of
from pointsman.flows.submission import StepResult

__all__ = ["BELOW_FLOOR", "NOBODY", "NO_BIDS", "Taker", "take_group"]

NOBODY = "no recipient took the lead"
NO_BIDS = "nobody bid for the lead"
BELOW_FLOOR = "the bid is below the floor"

_WORST = ("error", "failure", "success")

T = TypeVar("T")
Scope = Mapping[str, Any]


class Taker(Protocol):
    """Takes the steps inside of a step."""

    @property
    def clock(self) -> Callable[[], int]:
        """Now, in milliseconds."""

    async def take(self, step: Asking, scope: Scope, until: int) -> list[StepResult]:
        """Return what comes of a step, that of those inside of it first."""

    async def bid(self, step: Recipient, scope: Scope, until: int) -> StepResult:
        """Return what a recipient bids."""


async def take_group(taker: Taker, step: Group, scope: Scope, until: int) -> list[StepResult]:
    """Return what comes of the steps inside of a step, and of itself at last."""
    if isinstance(step, Parallel):
        return await _in_parallel(step, taker, scope, until)
    if isinstance(step, FirstSuccess):
        return await _first_success(step, taker, scope, until)
    return await _auction(step, taker, scope, until)


async def _in_parallel(step: Parallel, taker: Taker, scope: Scope, until: int) -> list[StepResult]:
    until = _until(taker, step.timeout, until)
    found = await _together(
        _meet(taker, inner, scope, until) for inner in step.steps if inner.enabled
    )
    own = [results[-1].outcome for results in found]
    outcome = next((one for one in _WORST if one in own), "skip")
    return [*(result for results in found for result in results), StepResult(step, outcome)]


async def _first_success(
    step: FirstSuccess, taker: Taker, scope: Scope, until: int
) -> list[StepResult]:
    until, seen = _until(taker, step.timeout, until), dict(scope)
    told: list[StepResult] = []
    for recipient in step.steps:
        if taker.clock() >= until:
            break
        told += await _meet(taker, recipient, seen, until) if recipient.enabled else []
        if told and told[-1].outcome == "success":
            sold = {"recipient": recipient.key}
            return [*told, StepResult(step, "success", None, told[-1].price, sold)]
        seen |= told[-1].seen() if told else {}
    return [*told, StepResult(step, "failure", NOBODY)]


async def _auction(step: Auction, taker: Taker, scope: Scope, until: int) -> list[StepResult]:
    told, bidders = list[StepResult](), list[Recipient]()
    for one in (each for each in step.steps if each.enabled):
        skipped = _skipped(one, scope)
        if skipped is None:
            bidders.append(one)
        else:
            told.append(skipped)
    bids = await _bids(taker, step, bidders, scope, until)
    ranked = sorted(
        (one for one in bidders if bids[one.id].outcome == "success"),
        key=lambda one: -bids[one.id].price,
    )
    told += bids.values()
    sold = list[StepResult]()
    async for result in _offered(taker, ranked, bids, scope, until):
        told.append(result)
        sold += [result] if result.outcome == "success" else []
        if len(sold) == step.sales:
            break
    return [*told, _sold(step, sold, bids=len(ranked))]


async def _offered(
    taker: Taker,
    ranked: Sequence[Recipient],
    bids: Mapping[str, StepResult],
    scope: Scope,
    until: int,
) -> AsyncIterator[StepResult]:
    """Yield what comes of offering the lead to one after another; each sees those before."""
    seen = dict(scope)
    for recipient in ranked:
        if taker.clock() >= until:
            return
        bid = bids[recipient.id]
        seen["bid"] = {**bid.appended, "price": bid.price}
        result = (await taker.take(recipient, seen, until))[-1]
        seen |= result.seen()
        yield result


async def _bids(
    taker: Taker, step: Auction, bidders: list[Recipient], scope: Scope, until: int
) -> dict[str, StepResult]:
    """Return what every recipient bids, by its step, in the order of the file."""
    until = _until(taker, step.timeout, until)
    found = await _together(taker.bid(one, scope, until) for one in bidders)
    return {result.step.id: _judged(result, step.floor) for result in found}


def _judged(bid: StepResult, floor: float) -> StepResult:
    """Return a bid as a failure if it is nothing or below the floor."""
    price = number_of(bid.price) or 0
    if bid.outcome != "success" or (price > 0 and price >= floor):
        return bid
    return StepResult(bid.step, "failure", BELOW_FLOOR, bid.price, bid.appended, bid.told)


def _sold(step: Auction, sold: Sequence[StepResult], *, bids: int) -> StepResult:
    if not sold:
        return StepResult(step, "failure", NOBODY if bids else NO_BIDS)
    keys = [result.step.key for result in sold]
    price = sum(number_of(result.price) or 0 for result in sold)
    return StepResult(step, "success", None, price, {"recipient": keys[0], "recipients": keys})


async def _meet(taker: Taker, step: Asking, scope: Scope, until: int) -> list[StepResult]:
    skipped = _skipped(step, scope)
    return [skipped] if skipped is not None else await taker.take(step, scope, until)


def _skipped(step: Asking, scope: Scope) -> StepResult | None:
    """Return that a step is not for the lead, ``None`` if it is."""
    if step.rules is None or step.rules.passes(scope):
        return None
    return StepResult(step, "skip", step.rules.why(scope))


def _until(taker: Taker, seconds: float | None, until: int) -> int:
    return until if seconds is None else min(until, taker.clock() + int(seconds * 1000))


async def _together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return what comes of all of it; if some of it cannot go on, nothing of it does."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in work]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [one.result() for one in running]
