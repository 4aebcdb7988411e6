from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from pydantic import ValidationError

from pointsman.errors import ActionError, TransientError
from pointsman.model import TwilioAccount
from pointsman.testing import Received, Receiver, action_context, perform, receiver

SID = "AC0123456789abcdef0123456789abcdef"
SERVICE = "MG0123456789abcdef0123456789abcdef"
SMS = {"to": "+1 (312) 555-0101", "body": "Hi Ada & co"}


def account(peer: Receiver, **values: Any) -> TwilioAccount:
    told = {"sms_from": "+13125550100", **values}
    return TwilioAccount(SID, "s3cret-token", peer.url.rstrip("/"), **told)


async def queued(_: Received) -> web.StreamResponse:
    return web.json_response({"sid": "SM1", "status": "queued", "body": "Hi"}, status=201)


def failing(status: int, code: int, **headers: str) -> Any:
    async def answer(_: Received) -> web.StreamResponse:
        told = {"code": code, "message": "no such number", "status": status}
        return web.json_response(told, status=status, headers=headers)

    return answer


async def test_the_request_is_the_one_that_twilio_documents() -> None:
    async with receiver(queued) as peer, action_context(twilio=account(peer)) as context:
        output = await perform("send_sms", SMS, context)

    (request,) = peer.requests
    assert (request.method, request.path) == (
        "POST",
        f"/2010-04-01/Accounts/{SID}/Messages.json",
    )
    user = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
    assert user.decode() == f"{SID}:s3cret-token"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Idempotency-Key"] == "run:1"
    assert parse_qs(request.body.decode()) == {
        "To": ["+13125550101"],
        "From": ["+13125550100"],
        "Body": ["Hi Ada & co"],
    }
    assert output == {"sid": "SM1", "status": "queued"}


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ({"from": "+1 312 555 0199"}, {"From": ["+13125550199"]}),
        ({"from": "ACME"}, {"From": ["ACME"]}),
        ({"from": SERVICE}, {"MessagingServiceSid": [SERVICE]}),
    ],
)
async def test_an_action_may_say_who_it_comes_from(told: Any, form: Any) -> None:
    async with receiver(queued) as peer, action_context(twilio=account(peer)) as context:
        await perform("send_sms", {**SMS, **told}, context)

    sent = parse_qs(peer.requests[0].body.decode())
    assert {name: sent[name] for name in sent if name not in ("To", "Body")} == form


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_what_may_pass_is_to_be_tried_again(status: int) -> None:
    busy = failing(status, 20429, **{"Retry-After": "7"})

    async with receiver(busy) as peer, action_context(twilio=account(peer)) as context:
        with pytest.raises(TransientError, match=f"{status}: 20429 no such number") as error:
            await perform("send_sms", SMS, context)

    assert error.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
async def test_any_other_answer_is_final(status: int) -> None:
    refused = failing(status, 21211)

    async with receiver(refused) as peer, action_context(twilio=account(peer)) as context:
        with pytest.raises(ActionError, match=f"answered {status}: 21211 no such number"):
            await perform("send_sms", SMS, context)

    assert len(peer.requests) == 1


async def test_an_answer_that_is_no_json_is_told_by_its_status() -> None:
    async with receiver(502) as peer, action_context(twilio=account(peer)) as context:
        with pytest.raises(TransientError, match=r"Twilio answered 502$"):
            await perform("send_sms", SMS, context)


async def test_no_account_and_no_sender_are_final() -> None:
    async with receiver(queued) as peer:
        async with action_context(twilio=account(peer, sms_from=None)) as context:
            with pytest.raises(ActionError, match="'sms_from'"):
                await perform("send_sms", SMS, context)
        async with action_context() as context:
            with pytest.raises(ActionError, match="add 'twilio'"):
                await perform("send_sms", {**SMS, "from": "+13125550100"}, context)

    assert not peer.requests


@pytest.mark.parametrize(
    "config",
    [
        {"to": "5550101"},
        {"to": ""},
        {"to": "+0312555"},
        {"to": "+13125550101, +13125550102"},
        {"to": "+13125550101\n"},
        {"body": ""},
        {"body": "x" * 1601},
        {"from": ""},
        {"sender": "x"},
    ],
)
async def test_a_text_that_cannot_be_sent_is_refused(config: dict[str, Any]) -> None:
    async with receiver(queued) as peer, action_context(twilio=account(peer)) as context:
        if config == {"to": "+13125550101\n"}:
            await perform("send_sms", {**SMS, **config}, context)
            assert b"%0A" not in peer.requests[0].body
        else:
            with pytest.raises(ValidationError):
                await perform("send_sms", {**SMS, **config}, context)
