from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from pydantic import ValidationError

from pointsman.errors import ActionError, TransientError
from pointsman.model import TwilioAccount
from pointsman.testing import Received, Receiver, action_context, perform, receiver

SID = "AC0123456789abcdef0123456789abcdef"
TEMPLATE = "HX0123456789abcdef0123456789abcdef"
TO = {"to": "+1 312 555 0101"}


def account(peer: Receiver) -> TwilioAccount:
    return TwilioAccount(SID, "s3cret-token", peer.url.rstrip("/"), whatsapp_from="+1 312 555 0100")


async def queued(_: Received) -> web.StreamResponse:
    return web.json_response({"sid": "SM1", "status": "queued"}, status=201)


async def form(config: dict[str, Any]) -> dict[str, list[str]]:
    async with receiver(queued) as peer, action_context(twilio=account(peer)) as context:
        assert await perform("send_whatsapp", {**TO, **config}, context) == {
            "sid": "SM1",
            "status": "queued",
        }
    (request,) = peer.requests
    assert request.path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    return parse_qs(request.body.decode())


async def test_a_text_goes_to_a_whatsapp_number_from_a_whatsapp_number() -> None:
    assert await form({"body": "Hi"}) == {
        "To": ["whatsapp:+13125550101"],
        "From": ["whatsapp:+13125550100"],
        "Body": ["Hi"],
    }


async def test_a_template_goes_with_its_variables() -> None:
    sent = await form({"content_sid": TEMPLATE, "variables": {"1": 'Ada "A"', "2": 5}})

    assert sent["ContentSid"] == [TEMPLATE]
    assert json.loads(sent["ContentVariables"][0]) == {"1": 'Ada "A"', "2": "5"}
    assert "Body" not in sent


async def test_a_template_without_variables_sends_none() -> None:
    assert "ContentVariables" not in await form({"content_sid": TEMPLATE})


async def test_a_messaging_service_can_send() -> None:
    service = "MG0123456789abcdef0123456789abcdef"

    sent = await form({"body": "Hi", "from": service})

    assert sent["MessagingServiceSid"] == [service]
    assert "From" not in sent


@pytest.mark.parametrize(("status", "error"), [(429, TransientError), (400, ActionError)])
async def test_failures_are_told_apart(status: int, error: type[Exception]) -> None:
    async with receiver(status) as peer, action_context(twilio=account(peer)) as context:
        with pytest.raises(error, match=f"Twilio answered {status}"):
            await perform("send_whatsapp", {**TO, "body": "Hi"}, context)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"body": "Hi", "content_sid": TEMPLATE},
        {"body": "Hi", "variables": {"1": "a"}},
        {"content_sid": "HX1"},
        {"body": "Hi", "to": "whatsapp:+13125550101"},
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused(config: dict[str, Any]) -> None:
    async with action_context() as context:
        with pytest.raises(ValidationError):
            await perform("send_whatsapp", {**TO, **config}, context)
