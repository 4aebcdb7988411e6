"""Twilio's message API, as far as texts need it: one form, one answer.

A message that Twilio took but whose answer was lost is sent again: Twilio has no promise for a
repeated request, only the step's ``Idempotency-Key`` that tells the two apart in its logs.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from pydantic import AfterValidator

from pointsman.delivery import Answer
from pointsman.errors import ActionError, TransientError
from pointsman.plugin import ActionContext

__all__ = ["PhoneNumber", "send_message", "sender"]

_PUNCTUATION = re.compile(r"[\s().\-\u00a0]")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)


def _number(text: str) -> str:
    plain = _PUNCTUATION.sub("", text)
    if not _NUMBER.fullmatch(plain):
        raise ValueError(
            "expected a number with its country such as +13125550101; the filter 'phone' makes one"
        )
    return plain


PhoneNumber = Annotated[str, AfterValidator(_number)]
"""A phone number with its country, without punctuation."""


def sender(told: str | None, *, prefix: str = "") -> dict[str, str]:
    """Return the part of the form that says who a message comes from."""
    if not told:
        raise ActionError(
            "nobody to send from; add 'sms_from' or 'whatsapp_from' under twilio in "
            "organization.yaml, or give 'from'"
        )
    if _SERVICE.fullmatch(told):
        return {"MessagingServiceSid": told}
    return {"From": f"{prefix}{_PUNCTUATION.sub('', told)}"}


async def send_message(form: Mapping[str, str], context: ActionContext) -> dict[str, Any]:
    """Send one message, and return its ``sid`` and ``status``."""
    account = context.twilio
    if account is None:
        raise ActionError("no Twilio account; add 'twilio' to organization.yaml")
    user = f"{account.account_sid}:{account.auth_token}".encode()
    answer = await context.http.send(
        "POST",
        f"{account.base_url}/2010-04-01/Accounts/{account.account_sid}/Messages.json",
        headers={
            "Authorization": f"Basic {base64.b64encode(user).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "User-Agent": "Pointsman",
            "Idempotency-Key": context.delivery_id,
        },
        body=urlencode(form).encode(),
    )
    told = _told(answer)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return {"sid": told.get("sid"), "status": told.get("status")}
    reason = f"Twilio answered {answer.status}"
    if told.get("code"):
        reason += f": {told['code']} {told.get('message', '')}".rstrip()
    if answer.may_pass:
        raise TransientError(reason, retry_after=answer.retry_after)
    raise ActionError(reason)


def _told(answer: Answer) -> Mapping[str, Any]:
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
