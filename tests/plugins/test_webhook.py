from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from pointsman.errors import ActionError, TransientError
from pointsman.plugin import actions, load_plugins
from pointsman.testing import (
    KeptRecord,
    Received,
    action_context,
    answering,
    check_action,
    dropping,
    hanging,
    perform,
    receiver,
)


async def test_the_event_is_sent_as_json_by_default() -> None:
    """As of when it occurred, however much later the step is done."""
    at = "2026-06-22T18:04:15.000Z"
    record = {"first_name": "Ada", "custom_fields": {"my_key": 1}, "updated_at": at}

    async with receiver() as peer, action_context(record) as context:
        output = await perform("webhook", {"url": peer.url}, context)

    (request,) = peer.requests
    assert (request.method, request.headers["Content-Type"]) == ("POST", "application/json")
    assert request.json() == {
        "type": "lead_created",
        "timestamp": at,
        "data": {"firstName": "Ada", "customFields": {"my_key": 1}, "updatedAt": at},
    }
    assert output == {"status": 200, "body": None}


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ({"a": [1]}, b'{"a":[1]}', "application/json"),
        ([1], b"[1]", "application/json"),
        ("a=1", b"a=1", "text/plain; charset=utf-8"),
        (5, b"5", "application/json"),
    ],
)
async def test_a_body_is_sent_as_it_is_written(body: Any, sent: bytes, kind: str) -> None:
    async with receiver() as peer, action_context() as context:
        await perform("webhook", {"url": peer.url, "body": body}, context)

    (request,) = peer.requests
    assert (request.body, request.headers["Content-Type"]) == (sent, kind)


async def test_a_get_sends_no_body() -> None:
    async with receiver() as peer, action_context() as context:
        await perform("webhook", {"url": f"{peer.url}x?y=1", "method": "GET"}, context)

    (request,) = peer.requests
    assert (request.method, request.path, request.body) == ("GET", "/x?y=1", b"")


async def test_headers_are_added_and_replace_ours_but_for_those_of_the_standard() -> None:
    headers = {"X-A": "1", "content-type": "text/csv", "Webhook-Id": "forged"}

    async with receiver() as peer, action_context() as context:
        await perform("webhook", {"url": peer.url, "body": "a", "headers": headers}, context)

    (request,) = peer.requests
    assert request.headers["X-A"] == "1"
    assert request.headers["Content-Type"] == "text/csv"
    assert request.headers["webhook-id"] == "run:1"


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        ({"credential": "crm"}, "Authorization", "Bearer user:pass"),
        ({"credential": "crm", "type": "basic"}, "Authorization", "Basic dXNlcjpwYXNz"),
        ({"credential": "crm", "type": "header"}, "X-Api-Key", "user:pass"),
        ({"credential": "crm", "type": "header", "header": "X-K"}, "X-K", "user:pass"),
    ],
)
async def test_a_credential_is_sent(auth: dict[str, str], name: str, value: str) -> None:
    async with receiver() as peer, action_context(credentials={"crm": "user:pass"}) as context:
        await perform("webhook", {"url": peer.url, "auth": auth}, context)

    assert peer.requests[0].headers[name] == value


async def test_an_unknown_credential_is_final() -> None:
    async with receiver() as peer, action_context() as context:
        with pytest.raises(ActionError, match="credential 'crm'"):
            await perform("webhook", {"url": peer.url, "auth": {"credential": "crm"}}, context)

    assert not peer.requests


async def test_the_signature_verifies() -> None:
    key = b"0123456789abcdef01234567"
    secret = "whsec_" + base64.b64encode(key).decode()

    async with receiver() as peer, action_context(credentials={"hook": secret}) as context:
        await perform("webhook", {"url": peer.url, "signing_credential": "hook"}, context)

    (request,) = peer.requests
    told = request.headers["webhook-timestamp"]
    signed = b".".join([request.headers["webhook-id"].encode(), told.encode(), request.body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(told) - time.time()) < 60


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_2xx_is_success(status: int) -> None:
    async with receiver(status) as peer, action_context() as context:
        output = await perform("webhook", {"url": peer.url}, context)

    assert output["status"] == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_what_may_pass_is_to_be_tried_again(status: int) -> None:
    async with receiver(status) as peer, action_context() as context:
        with pytest.raises(TransientError, match=f"POST to 127.0.0.1 answered {status}"):
            await perform("webhook", {"url": peer.url}, context)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 409, 410, 413, 422])
async def test_any_other_answer_is_final(status: int) -> None:
    async with receiver(status) as peer, action_context() as context:
        with pytest.raises(ActionError, match=f"answered {status}"):
            await perform("webhook", {"url": peer.url}, context)

    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("soon", None), ("", None), ("-1", None), ("9" * 30, 10**9)],
)
async def test_what_the_peer_asks_for_is_passed_on(header: str, seconds: int | None) -> None:
    async def busy(_: Received) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": header})

    async with receiver(busy) as peer, action_context() as context:
        with pytest.raises(TransientError) as error:
            await perform("webhook", {"url": peer.url}, context)

    assert error.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


async def test_a_retry_after_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    async def busy(_: Received) -> web.StreamResponse:
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": later})

    async with receiver(busy) as peer, action_context() as context:
        with pytest.raises(TransientError) as error:
            await perform("webhook", {"url": peer.url}, context)

    asked = error.value.retry_after
    assert asked
    assert timedelta(seconds=80) < asked <= timedelta(seconds=90)


@pytest.mark.parametrize(
    ("sent", "kept"), [(b'{"id": 5}', {"id": 5}), (b"plain", "plain"), (b"x" * 9000, "x" * 4096)]
)
async def test_the_answer_is_the_output(sent: bytes, kept: Any) -> None:
    async def answer(_: Received) -> web.StreamResponse:
        return web.Response(body=sent)

    async with receiver(answer) as peer, action_context() as context:
        output = await perform("webhook", {"url": peer.url}, context)

    assert output == {"status": 200, "body": kept}


async def test_an_address_that_is_not_public_is_final() -> None:
    async with receiver() as peer, action_context(allow_networks=()) as context:
        with pytest.raises(ActionError, match="allow_networks"):
            await perform("webhook", {"url": peer.url}, context)

    assert not peer.requests


@pytest.mark.parametrize(
    "config",
    [
        {"url": "ftp://example.com"},
        {"url": "nope"},
        {"url": "https://example.com", "method": "BREW"},
        {"url": "https://example.com", "timeout": 0},
        {"url": "https://example.com", "timeout": 61},
        {"url": "https://example.com", "headers": {"A B": "x"}},
        {"url": "https://example.com", "headers": {"A": "x\r\nB: y"}},
        {"url": "https://example.com", "auth": {}},
        {},
    ],
)
async def test_options_that_cannot_work_are_refused(config: dict[str, Any]) -> None:
    async with action_context() as context:
        with pytest.raises(ValidationError):
            await perform("webhook", config, context)


RESPONSE = {"data": {"contacts": [{"id": "c1", "score": 7}], "ok": True}}


async def mapped(
    mapping: dict[str, Any], answer: Any, record: Any = None
) -> tuple[Any, KeptRecord]:
    """Return the output, and the record as it is then."""
    async with receiver(answer) as peer, action_context(record) as context:
        config = {"url": peer.url, "response_mapping": mapping}
        output = await perform("webhook", config, context)
        assert isinstance(context.record, KeptRecord)
        return output, context.record


async def test_an_answer_is_mapped_to_the_output_and_to_the_record() -> None:
    output, record = await mapped(
        {
            "output": {"contact": "data.contacts.0.id", "fine": "data.ok", "none": "data.nowhere"},
            "record": {
                "custom_fields.crm_id": "data.contacts.0.id",
                "score": "data.contacts.0.score",
            },
        },
        answering(201, RESPONSE),
        {"custom_fields": {"plan": "gold"}},
    )

    assert output == {"status": 201, "contact": "c1", "fine": True, "none": None}
    assert record.fields == {"custom_fields": {"plan": "gold", "crm_id": "c1"}, "score": 7}


async def test_a_field_whose_path_leads_nowhere_stays_as_it_is() -> None:
    """A receiver that leaves something out empties nothing."""
    output, record = await mapped(
        {"record": {"stage": "data.stage", "score": "x.0.y"}},
        answering(200, RESPONSE),
        {"stage": "new"},
    )

    assert (output, record.fields, record.changes) == ({"status": 200}, {"stage": "new"}, 0)


@pytest.mark.parametrize(
    ("answer", "path", "found"),
    [([{"a": 1}], "0.a", 1), ("text", "$", "text"), ({"aB": 2}, "aB", 2), ({"a": None}, "a", None)],
)
async def test_any_json_can_be_mapped(answer: Any, path: str, found: Any) -> None:
    output, _ = await mapped({"output": {"found": path}}, answering(200, answer))

    assert output["found"] == found


@pytest.mark.parametrize(
    ("body", "told"),
    [(b"<html>", "is no JSON"), (b"[" + b"1," * 60_000 + b"1]", "more than 65536")],
)
async def test_an_answer_that_cannot_be_mapped_is_final(body: bytes, told: str) -> None:
    async def answer(_: Received) -> web.StreamResponse:
        return web.Response(body=body)

    with pytest.raises(ActionError, match=told):
        await mapped({"output": {"a": "b"}}, answer)


@pytest.mark.parametrize(
    ("mapping", "place", "told"),
    [
        ({"output": {"status": "a"}}, ("output", "status"), "'status' is the answer's"),
        ({"output": {"a": "b c"}}, ("output", "a"), "match pattern"),
        ({"record": {"id": "a"}}, ("record", "id"), "'id' is kept by Pointsman"),
        ({"fields": {}}, ("fields",), "Extra inputs"),
    ],
)
def test_a_mapping_that_cannot_work_is_told_where_it_stands(
    mapping: dict[str, Any], place: tuple[str, ...], told: str
) -> None:
    load_plugins()
    config = {"url": "https://example.com", "response_mapping": mapping}

    ((path, message),) = actions["webhook"].problems(config)

    assert path == ("response_mapping", *place)
    assert told in message


async def test_a_receiver_that_hangs_is_given_up_after_the_timeout() -> None:
    async with receiver(hanging) as peer, action_context() as context:
        with pytest.raises(TransientError):
            await perform("webhook", {"url": peer.url, "timeout": 0.05}, context)

    assert len(peer.requests) == 1


async def test_a_receiver_that_drops_the_connection_may_be_tried_again() -> None:
    """What was posted may have arrived, so aiohttp must not send it again by itself."""
    async with receiver(dropping) as peer, action_context() as context:
        with pytest.raises(TransientError):
            await perform("webhook", {"url": peer.url}, context)

    assert len(peer.requests) == 1


async def test_a_redirect_is_final_and_nobody_is_sent_on() -> None:
    async with receiver() as inner:
        there = answering(307, headers={"Location": inner.url})
        async with receiver(there) as peer, action_context() as context:
            with pytest.raises(ActionError, match="307"):
                await perform("webhook", {"url": peer.url}, context)

        assert not inner.requests


async def test_a_body_without_end_is_cut() -> None:
    """The connection is closed after what is kept; the rest is never read."""
    sent = 0

    async def endless(got: Received) -> web.StreamResponse:
        nonlocal sent
        got.connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not got.connection.is_closing():
            got.connection.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
            await asyncio.sleep(0)
        return web.Response()

    async with receiver(endless) as peer, action_context() as context:
        output = await perform("webhook", {"url": peer.url}, context)

    assert output == {"status": 200, "body": "x" * 4096}
    assert sent < 50_000_000


async def test_it_keeps_the_contract() -> None:
    await check_action("webhook", lambda url: {"url": url})
