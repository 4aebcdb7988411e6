"""Leads sent to a flow's own addresses: posted to be taken, or pinged for a price.

A post is stored with its events, its turn and its answer in one script; a ping stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pointsman.errors import PointsmanError, reused_key
from pointsman.fields.limits import check
from pointsman.flow import Flow, Source
from pointsman.flows.intake import Intake
from pointsman.flows.passage import Way, enter
from pointsman.flows.submission import Submission
from pointsman.ids import lead_id as new_lead_id
from pointsman.ids import milliseconds
from pointsman.model import Organization, Origin
from pointsman.store.caps import CapStore
from pointsman.store.stored import Idempotency, Taken

__all__ = ["RUNNING", "Outcome", "Submissions", "TooMany"]

RUNNING = "running"
"""The outcome of a lead that a flow takes in the background."""

_NO_BID = "no bid"
_SOURCE = "system"
"""What history records of leads that flows assign."""


class Outcome(NamedTuple):
    """What the sender is told; ``lead_id`` is ``None`` for a ping, ``replayed`` a repetition's."""

    outcome: str
    reason: str | None
    price: int | float
    lead_id: str | None = None
    replayed: bool = False


class TooMany(PointsmanError):
    """A ping beyond a limit; ``seconds`` until the limit's window ends."""

    def __init__(self, seconds: int) -> None:
        super().__init__("Too Many Requests")
        self.seconds = seconds


class Submissions:
    """Takes what is sent to the sources of flows."""

    def __init__(
        self, intake: Intake, caps: CapStore, *, clock: Callable[[], int] = milliseconds
    ) -> None:
        self._intake = intake
        self._caps = caps
        self._clock = clock

    async def post(
        self,
        organization: Organization,
        flow: Flow,
        source: Source,
        parameters: Mapping[str, Any],
        *,
        address: str | None,
        idempotency: Idempotency | None = None,
    ) -> tuple[Outcome, Taken]:
        """Take a lead; what it came to is in Redis when this returns.

        Raises ``Refused`` for parameters beyond the limits (400), and for an idempotency key that
        came with another body before (422).
        """
        submission = self._enter(organization, flow, source, parameters, address)
        taken = await self._intake.submit(
            organization, submission, _way(flow.id), idempotency=idempotency
        )
        return _told(taken), taken

    async def ping(
        self,
        organization: Organization,
        flow: Flow,
        source: Source,
        parameters: Mapping[str, Any],
        *,
        address: str | None,
    ) -> Outcome:
        """Return what a lead would come to and cost; but for the limits, nothing is counted.

        Raises ``TooMany`` for a ping beyond a limit.
        """
        submission = self._enter(organization, flow, source, parameters, address)
        await self._intake.look_up(organization, submission)
        submission.admit()
        await self._count(organization, submission)
        if submission.price > 0:
            return Outcome(submission.outcome, submission.reason, submission.price)
        return Outcome("failure", submission.reason or _NO_BID, submission.price)

    async def _count(self, organization: Organization, submission: Submission) -> None:
        """Count the ping, and see whether its caps have a place left."""
        limits = [*submission.flow.ping_limits, *submission.source.ping_limits]
        if not limits and not submission.counted:
            return
        quotas, at = submission.counted, submission.at
        till, counters = await self._caps.count_ping(
            organization.id, limits, quotas, at, submission.lead_id
        )
        if till:
            raise TooMany(-(-(till - at) // 1000))
        for quota in quotas:
            if counters[quota.id].count >= quota.maximum:
                submission.turn_away(quota.id)
                return

    def _enter(
        self,
        organization: Organization,
        flow: Flow,
        source: Source,
        parameters: Mapping[str, Any],
        address: str | None,
    ) -> Submission:
        check(parameters)
        now = self._clock()
        return enter(
            organization,
            flow,
            source,
            parameters,
            lead_id=new_lead_id(now),
            at=now,
            address=address,
        )


@lru_cache(maxsize=1024)
def _way(flow: str) -> Way:
    """Return how leads come that are sent to a flow's own addresses."""
    return Way(Origin("flow", flow), _SOURCE, f"flow:{flow}")


def _told(taken: Taken) -> Outcome:
    told = taken.told
    if taken.status == "conflict" or told is None:
        raise reused_key("lead")
    outcome, reason, price = told.get("outcome", RUNNING), told.get("reason"), told.get("price", 0)
    return Outcome(outcome, reason, price, taken.lead_id, taken.replayed)
