"""``send_sms``: send a text message."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pointsman.plugin import ActionContext, Options, action
from pointsman.twilio import PhoneNumber, send_message, sender

__all__ = ["SmsOptions", "send_sms"]


class SmsOptions(Options):
    """Options of ``send_sms``."""

    to: PhoneNumber = Field(description="Number to send to, with its country: +13125550101.")
    body: Annotated[str, StringConstraints(min_length=1, max_length=1600)] = Field(
        description="What the message says."
    )
    from_: str | None = Field(
        default=None,
        alias="from",
        min_length=3,
        max_length=64,
        description="Who it comes from; left out, sms_from of organization.yaml.",
    )


@action("send_sms", needs="twilio")
async def send_sms(options: SmsOptions, context: ActionContext) -> dict[str, Any]:
    """Send a text message with Twilio.

    The account stands under ``twilio`` in organization.yaml. Numbers need their country; the filter
    ``phone`` adds that of the United States: ``to: "{{trigger.phone_1 | phone}}"``. 408, 425, 429,
    5xx and network failures are tried again, not before the answer's ``Retry-After``; any other
    answer, such as a number that does not exist, is final.

    Output: ``sid`` of the message, and the ``status`` that it has with Twilio.
    """
    told = options.from_ or (context.twilio.sms_from if context.twilio else None)
    return await send_message({"To": options.to, "Body": options.body, **sender(told)}, context)
