from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from pointsman.delivery import Delivery, Outgoing, is_public, signature
from pointsman.errors import ActionError, TransientError
from pointsman.testing import LOOPBACK, Received, receiver


@pytest.fixture(name="delivery")
async def open_delivery() -> AsyncIterator[Delivery]:
    async with Delivery.open() as delivery:
        yield delivery


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.1.2.3",
        "::1",
        "0.0.0.0",
        "::",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "240.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2001:db8::1",
        "100::1",
    ],
)
def test_no_inner_address_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "0x7f000001",
        "10.0.0.1",
        "169.254.169.254",
    ],
)
async def test_no_spelling_of_an_inner_address_is_connected_to(
    delivery: Delivery, host: str
) -> None:
    """The guard sits at the socket, so it does not matter how an address came about."""
    async with receiver() as peer:
        port = peer.url.rstrip("/").rpartition(":")[2]
        client = await delivery.outgoing()

        with pytest.raises(ActionError):
            await client.send("GET", f"http://{host}:{port}/", timeout=5)

        assert not peer.requests


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a/", "unix:///x", "nonsense", "http://"]
)
async def test_only_web_addresses_are_sent_to(delivery: Delivery, url: str) -> None:
    with pytest.raises(ActionError):
        await (await delivery.outgoing()).send("GET", url)


async def test_an_allowed_network_is_reached_and_no_other(delivery: Delivery) -> None:
    async with receiver() as peer:
        allowed = await delivery.outgoing(LOOPBACK)
        assert (await allowed.send("GET", peer.url)).status == 200

        with pytest.raises(ActionError, match="not public"):
            await (await delivery.outgoing(["10.0.0.0/8"])).send("GET", peer.url)


async def test_receivers_learn_our_name_and_not_what_we_are_made_of(delivery: Delivery) -> None:
    async with receiver() as peer:
        outgoing = await delivery.outgoing(LOOPBACK)
        await outgoing.send("GET", peer.url)
        await outgoing.send("GET", peer.url, headers={"User-Agent": "Acme"})

        assert [got.headers["User-Agent"] for got in peer.requests] == ["Pointsman", "Acme"]


async def test_nobody_rides_on_the_connection_of_an_organization_that_may(
    delivery: Delivery,
) -> None:
    async with receiver() as peer:
        await (await delivery.outgoing(LOOPBACK)).send("GET", peer.url)

        with pytest.raises(ActionError):
            await (await delivery.outgoing()).send("GET", peer.url)


class Rebinding(AbstractResolver):
    """Answers with a public address first, with loopback ever after."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[Any]:
        self.asked += 1
        address = "203.0.113.7" if self.asked == 1 else "127.0.0.1"
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": family,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    delivery: Delivery,
) -> None:
    async with receiver() as peer:
        client = await delivery.outgoing()
        resolver = Rebinding()
        connector = client._session.connector
        assert connector
        await connector._resolver.close()  # type: ignore[attr-defined]
        connector._resolver = resolver  # type: ignore[attr-defined]
        connector._use_dns_cache = False  # type: ignore[attr-defined]
        url = f"http://rebind.example:{peer.url.rstrip('/').rpartition(':')[2]}/"

        for _ in range(3):
            with pytest.raises(ActionError, match="not public"):
                await client.send("GET", url)

        assert resolver.asked == 3
        assert not peer.requests


@pytest.fixture(name="client")
async def open_client(delivery: Delivery) -> Outgoing:
    return await delivery.outgoing(LOOPBACK)


async def test_a_redirect_is_not_followed(client: Outgoing) -> None:
    async def redirect(_: Received) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/"})

    async with receiver(redirect) as peer:
        answer = await client.send("POST", peer.url, body=b"x")

    assert answer.status == 302


async def test_an_answer_is_read_up_to_its_limit(client: Outgoing) -> None:
    async def large(_: Received) -> web.StreamResponse:
        return web.Response(body=b"x" * 1_000_000)

    async with receiver(large) as peer:
        answer = await client.send("GET", peer.url, limit=1000)

    assert (answer.body, answer.complete) == (b"x" * 1000, False)


async def test_a_compressed_answer_is_limited_by_what_it_unpacks_to(client: Outgoing) -> None:
    async def bomb(_: Received) -> web.StreamResponse:
        answer = web.Response(body=b"0" * 50_000_000)
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async with receiver(bomb) as peer:
        answer = await client.send("GET", peer.url, limit=1000)

    assert (len(answer.body), answer.complete) == (1000, False)


async def test_a_peer_that_hangs_is_given_up_and_may_be_tried_again(client: Outgoing) -> None:
    async def hang(_: Received) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with receiver(hang) as peer:
        with pytest.raises(TransientError):
            await client.send("GET", peer.url, timeout=0.1)


@asynccontextmanager
async def dropping() -> AsyncIterator[str]:
    """Serve connections that are closed as soon as something was said."""

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with await asyncio.start_server(drop, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_peer_that_drops_the_connection_may_be_tried_again(client: Outgoing) -> None:
    async with dropping() as url:
        with pytest.raises(TransientError):
            await client.send("POST", url, body=b"x")


async def test_a_peer_that_is_not_there_may_be_tried_again(client: Outgoing) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(TransientError):
        await client.send("GET", f"http://127.0.0.1:{port}/")


async def test_a_header_cannot_carry_another_one(client: Outgoing) -> None:
    async with receiver() as peer:
        with pytest.raises(ActionError):
            await client.send("GET", peer.url, headers={"X-A": "b\r\nX-Evil: 1"})

        assert not peer.requests


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_" + base64.b64encode(b"0123456789abcdef").decode(), b"0123456789abcdef"),
        ("plain-text-secret", b"plain-text-secret"),
    ],
)
def test_a_signature_is_that_of_standard_webhooks(secret: str, key: bytes) -> None:
    expected = hmac.new(key, b"msg_1.1700000000.{}", hashlib.sha256).digest()

    assert (
        signature(secret, "msg_1", 1700000000, b"{}") == f"v1,{base64.b64encode(expected).decode()}"
    )


def test_the_signature_of_the_published_example() -> None:
    """The example of the Standard Webhooks specification."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
