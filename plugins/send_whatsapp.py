"""``send_whatsapp``: send a WhatsApp message."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import Field, StringConstraints, model_validator

from pointsman.plugin import ActionContext, Options, action
from pointsman.twilio import PhoneNumber, send_message, sender

__all__ = ["WhatsAppOptions", "send_whatsapp"]

_PREFIX = "whatsapp:"

Variable = Annotated[str, StringConstraints(max_length=1600)] | int | float


class WhatsAppOptions(Options):
    """Options of ``send_whatsapp``: ``body``, or ``content_sid`` with its ``variables``."""

    to: PhoneNumber = Field(description="Number to send to, with its country: +13125550101.")
    body: Annotated[str, StringConstraints(min_length=1, max_length=1600)] | None = Field(
        default=None,
        description="What the message says; WhatsApp takes it from people who wrote in the last "
        "24 hours only.",
    )
    content_sid: Annotated[str, StringConstraints(pattern=r"^HX[0-9a-fA-F]{32}$")] | None = Field(
        default=None, description="SID of an approved template, HX and 32 hex digits."
    )
    variables: dict[str, Variable] = Field(
        default_factory=dict, max_length=100, description="Values of the template's variables."
    )
    from_: str | None = Field(
        default=None,
        alias="from",
        min_length=3,
        max_length=64,
        description="Who it comes from; left out, whatsapp_from of organization.yaml.",
    )

    @model_validator(mode="after")
    def _one(self) -> WhatsAppOptions:
        if (self.body is None) == (self.content_sid is None):
            raise ValueError("give 'body' or 'content_sid', and only one of them")
        if self.variables and self.content_sid is None:
            raise ValueError("'variables' go with 'content_sid'")
        return self


@action("send_whatsapp", needs="twilio")
async def send_whatsapp(options: WhatsAppOptions, context: ActionContext) -> dict[str, Any]:
    """Send a WhatsApp message with Twilio.

    The account stands under ``twilio`` in organization.yaml. A first message must be an approved
    template: its ``content_sid``, and ``variables`` by their names there, such as
    ``{"1": "{{trigger.first_name}}"}``. Numbers, failures and the output are those of ``send_sms``.

    Output: ``sid`` of the message, and the ``status`` that it has with Twilio.
    """
    told = options.from_ or (context.twilio.whatsapp_from if context.twilio else None)
    form = {"To": f"{_PREFIX}{options.to}", **sender(told, prefix=_PREFIX)}
    if options.body is not None:
        form["Body"] = options.body
    if options.content_sid is not None:
        form["ContentSid"] = options.content_sid
    if options.variables:
        values = {name: str(value) for name, value in options.variables.items()}
        form["ContentVariables"] = orjson.dumps(values).decode()
    return await send_message(form, context)
