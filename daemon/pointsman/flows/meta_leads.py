"""Leads of Meta taken in: at once where the post says what the person filled in, else read first.

A notification is durable when it is answered; reading is done by a timer, and done again for about
two days while Meta or its token fails us. What is given up is counted and logged, and begins anew
when Meta tells of it once more.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from pointsman import observe
from pointsman.delivery import Answer, Delivery
from pointsman.dispatch import Redactor, Retries, Retry
from pointsman.errors import ActionError, Refused, TransientError, Unavailable
from pointsman.flows.account import account_for
from pointsman.flows.intake import Intake
from pointsman.flows.meta import MetaLead, Notification, read_lead
from pointsman.ids import milliseconds
from pointsman.model import MetaApp, Organization
from pointsman.store.leadgens import Leadgen, LeadgenStore, Noted, Waiting
from pointsman.store.leads import Taken
from pointsman.store.timers import Timer

__all__ = ["MetaLeads", "Result"]

PATIENCE = Retries(timedelta(seconds=2), timedelta(hours=1), attempts=100)
"""When Meta is asked again: after 2 s first, within the hour later, for about two days."""

_SOURCE = "meta"
_ASKED = "id,created_time,field_data,form_id,ad_id,campaign_id,platform,is_organic"
_LONGEST_ERROR = 300
_OK = 200


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one lead of a post: ``taken``, ``refused``, or neither: it will be read.

    ``again`` tells that it was taken before.
    """

    id: str
    lead_id: str
    taken: Taken | None = None
    refused: Refused | None = None
    again: bool = False


class MetaLeads:
    """Takes what Meta tells of, for every organization."""

    def __init__(
        self,
        intake: Intake,
        leadgens: LeadgenStore,
        delivery: Delivery,
        *,
        retries: Retries = PATIENCE,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._intake = intake
        self._leadgens = leadgens
        self._delivery = delivery
        self._retries = retries
        self._clock = clock

    async def accept(
        self, organization: Organization, notification: Notification
    ) -> Sequence[Result]:
        """Take what can be taken, in order, and have the rest read; durable when this returns.

        Raises ``Unavailable`` if leads have to be read and there is nothing to read them with.
        """
        leads = notification.leads
        if not leads:
            return ()
        reads = any(lead.body is None for lead in leads)
        if reads and (organization.meta is None or organization.meta.access_token is None):
            raise Unavailable(
                "the notification has ids alone, and integrations.meta in organization.yaml has no "
                "access_token to read the leads with",
                timedelta(minutes=5),
            )
        wanted = [Leadgen(lead.id, lead.origin, lead.body is None) for lead in leads]
        noted = await self._leadgens.accept(organization.id, wanted)
        return [
            await self._result(organization, lead, known)
            for lead, known in zip(leads, noted, strict=True)
        ]

    async def read(self, organization: Organization, timer: Timer) -> None:
        """Read the lead that a timer is about, and take it; else have it tried again."""
        waiting = await self._leadgens.waiting(organization.id, timer.id)
        if waiting is None or waiting.due != timer.due:
            return
        try:
            lead = await self._asked(organization, waiting)
            await self._take(organization, lead, waiting.lead_id, waiting.attempt)
        except (TransientError, ActionError) as error:
            passing = error if isinstance(error, TransientError) else TransientError(str(error))
            await self._postpone(organization, waiting, passing)
        except Refused as error:
            await self._give_up(organization, waiting.id, waiting.attempt, str(error))

    async def _result(self, organization: Organization, lead: MetaLead, known: Noted) -> Result:
        if known.taken:
            return Result(lead.id, known.lead_id, again=True)
        if lead.body is None:
            observe.child(observe.META_LEADS, organization.handle, "waiting").inc()
            return Result(lead.id, known.lead_id)
        try:
            taken = await self._take(organization, lead, known.lead_id, 0)
        except Refused as error:
            await self._give_up(organization, lead.id, 0, str(error))
            return Result(lead.id, known.lead_id, refused=error)
        return Result(lead.id, known.lead_id, taken)

    async def _take(
        self, organization: Organization, lead: MetaLead, lead_id: str, attempt: int
    ) -> Taken:
        taken = await self._intake.take(
            organization,
            lead.body or {},
            lead.origin,
            source=_SOURCE,
            operation_lead_id=lead_id,
        )
        if await self._leadgens.settle(organization.id, lead.id, attempt, "taken"):
            observe.child(observe.META_LEADS, organization.handle, "taken").inc()
            account_for(organization, taken, _SOURCE)
        return taken

    async def _asked(self, organization: Organization, waiting: Waiting) -> MetaLead:
        """Ask Meta what a lead says."""
        meta = organization.meta
        if meta is None or meta.access_token is None:
            raise TransientError("integrations.meta in organization.yaml has no access_token")
        outgoing = await self._delivery.outgoing(organization.allow_networks, organization.id)
        answer = await outgoing.send(
            "GET",
            _address(meta, meta.access_token, waiting.id),
            headers={"Authorization": f"Bearer {meta.access_token}"},
        )
        told = _told(answer)
        if "field_data" not in told:
            raise TransientError(
                "Meta's answer has no field_data; does the token have leads_retrieval?"
            )
        try:
            lead = read_lead(told, known=waiting.origin)
        except Refused as error:
            raise TransientError(f"Meta's answer is not understood: {error}") from error
        return MetaLead(waiting.id, lead.origin, lead.body)

    async def _postpone(
        self, organization: Organization, waiting: Waiting, error: TransientError
    ) -> None:
        outcome = self._retries.after(waiting.attempt, error)
        if not isinstance(outcome, Retry):
            await self._give_up(organization, waiting.id, waiting.attempt, str(error))
            return
        told = _kept(organization, outcome.error)
        wait = int(outcome.delay.total_seconds() * 1000)
        due = max(self._clock(), waiting.due + 1) + wait
        if await self._leadgens.postpone(organization.id, waiting, due, told):
            observe.child(observe.META_LEADS, organization.handle, "postponed").inc()
            observe.log().warning(
                observe.META_LEAD_POSTPONED,
                organization=organization.handle,
                leadgen_id=waiting.id,
                attempt=waiting.attempt,
                reason=told,
            )

    async def _give_up(
        self, organization: Organization, identifier: str, attempt: int, reason: str
    ) -> None:
        reason = _kept(organization, reason)
        if await self._leadgens.settle(organization.id, identifier, attempt, "failed", reason):
            observe.child(observe.META_LEADS, organization.handle, "failed").inc()
            observe.log().error(
                observe.META_LEAD_FAILED,
                organization=organization.handle,
                leadgen_id=identifier,
                attempts=attempt,
                reason=reason,
            )


def _kept(organization: Organization, reason: str) -> str:
    """Return a reason as it may be kept: Meta repeats a token that it does not like."""
    return Redactor(organization.secrets()).text(reason)[:_LONGEST_ERROR]


def _address(meta: MetaApp, token: str, identifier: str) -> str:
    """Return where a lead is read; the proof shows that the app itself asks."""
    proof = hmac.new(meta.app_secret, token.encode(), "sha256").hexdigest()
    query = urlencode({"fields": _ASKED, "appsecret_proof": proof})
    return f"{meta.graph_url}/{quote(identifier, safe='')}?{query}"


def _told(answer: Answer) -> dict[str, Any]:
    """Return what Meta answered; every error may pass, for an operator can mend a token."""
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        told = None
    if answer.status != _OK:
        error = told.get("error") if isinstance(told, dict) else None
        said = error.get("message") if isinstance(error, dict) else None
        raise TransientError(
            f"Meta answered {answer.status}: {said or 'no reason given'}",
            retry_after=answer.retry_after,
        )
    if not isinstance(told, dict):
        raise TransientError("Meta's answer is no JSON object")
    return told
