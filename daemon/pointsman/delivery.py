"""The way out: one pooled HTTP client that reaches public addresses only.

The address that is checked is the address that is connected to: the guard sits where the socket is
made, after the name was resolved, so a name that answers differently the second time gains nothing.
Connections are pooled per list of allowed networks, so that no organization rides on a connection
that only another one may open. A host that fails again and again is left alone for a while.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

import aiohttp
from yarl import URL

from pointsman.breaker import Hosts
from pointsman.errors import ActionError, TransientError

__all__ = ["Answer", "Delivery", "Outgoing", "is_public", "signature"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read; the rest is left and the connection closed."""

_INNER = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""What clouds and protocols keep to themselves though it may count as public by number."""

_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_LONGEST_WAIT = 10**9

_NAT64 = IPv6Network("64:ff9b::/96")
_CONNECTIONS = 500
_KEEPALIVE = 15
_NAMED = {"User-Agent": "Pointsman"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer said; ``body`` is cut at the limit, and then ``complete`` is false."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered otherwise later."""
        return self.status in _PASSING or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def retry_after(self) -> timedelta | None:
        """What ``Retry-After`` asks for, in seconds or as a date."""
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return timedelta(seconds=min(int(text[:10]), _LONGEST_WAIT))
        try:
            return max(parsedate_to_datetime(text) - datetime.now(UTC), timedelta())
        except (ValueError, TypeError):
            return None


class _RefusedError(OSError):
    """The guard refused an address."""

    def __init__(self) -> None:
        super().__init__("the address is not public and outbound.allow_networks does not name it")


class Outgoing:
    """Requests of one organization: its allowed networks are those of this client."""

    def __init__(self, session: aiohttp.ClientSession, hosts: Hosts, organization: str) -> None:
        self._session = session
        self._hosts = hosts
        self._organization = organization

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 10,  # noqa: ASYNC109 - it bounds the request, not this coroutine
        limit: int = ANSWER_LIMIT,
    ) -> Answer:
        """Send one request and return the answer, whatever its status; redirects are not followed.

        Raises ``TransientError`` when the peer cannot be reached or hangs, has too many requests
        already, or is left alone because it failed again and again; ``ActionError`` when the
        request cannot be made at all: a wrong URL, or an address that is not public.
        """
        until = time.monotonic() + timeout
        async with self._hosts.turn(self._organization, _host(url), timeout / 2) as turn:
            try:
                answer = await self._answer(
                    method,
                    url,
                    limit,
                    headers=headers,
                    data=body,
                    timeout=aiohttp.ClientTimeout(total=until - time.monotonic()),
                )
            except TransientError:
                turn.failed = True
                raise
            turn.failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            return answer

    async def _answer(self, method: str, url: str, limit: int, **request: Any) -> Answer:
        try:
            async with self._session.request(
                method, url, allow_redirects=False, **request
            ) as answer:
                return await _read(answer, limit)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise ActionError(f"{method} cannot be sent: {error}") from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _RefusedError):
                raise ActionError(f"{method} to {error.host} refused: {error.os_error}") from error
            message = f"{method} to {error.host}: {_told(error)}"
            raise TransientError(message, sent=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(f"{method} failed: {_told(error)}") from error


class Delivery:
    """The clients of all organizations; organizations with equal networks share connections."""

    def __init__(self, stack: AsyncExitStack, clock: Callable[[], float]) -> None:
        self.hosts = Hosts(clock)
        self._stack = stack
        self._sessions: dict[frozenset[str], aiohttp.ClientSession] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[Delivery]:
        """Serve requests until the block ends, then close every connection."""
        async with AsyncExitStack() as stack:
            yield cls(stack, clock)

    async def outgoing(
        self, allow_networks: Iterable[str] = (), organization: str = ""
    ) -> Outgoing:
        """Return an organization's client; it may also reach ``allow_networks`` (CIDR notation)."""
        networks = frozenset(allow_networks)
        if networks not in self._sessions:
            self._sessions[networks] = await self._stack.enter_async_context(_session(networks))
        return Outgoing(self._sessions[networks], self.hosts, organization)


def is_public(address: Address) -> bool:
    """Return whether an address is one that anybody on the internet could serve."""
    address = _carried(address)
    return (
        address.is_global
        and not any(address in network for network in _INNER)
        and not address.is_multicast
        and not address.is_unspecified
        and not address.is_reserved
        and not (isinstance(address, IPv6Address) and address.is_site_local)
    )


def signature(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` of Standard Webhooks.

    A ``secret`` that begins with ``whsec_`` is base64 after that; any other is used as it stands.
    """
    prefix, found, encoded = secret.partition("whsec_")
    key = base64.b64decode(encoded) if found and not prefix else secret.encode()
    signed = b"%s.%d.%s" % (delivery_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _session(networks: frozenset[str]) -> aiohttp.ClientSession:
    allowed = [ip_network(network, strict=False) for network in sorted(networks)]

    def guarded(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, peer = info
        address = ip_address(peer[0])
        if not (is_public(address) or any(_carried(address) in net for net in allowed)):
            raise _RefusedError
        return socket.socket(family=family, type=kind, proto=protocol)

    connector = aiohttp.TCPConnector(
        socket_factory=guarded, limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_NAMED,
        trust_env=False,
    )


def _carried(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _host(url: str) -> str:
    """Return host and port of a URL, ``""`` if it has none: then it cannot be sent to."""
    try:
        parts = URL(url)
    except ValueError:
        return ""
    return f"{parts.host}:{parts.port}" if parts.host else ""


async def _read(answer: aiohttp.ClientResponse, limit: int) -> Answer:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > limit:
            answer.close()
            break
    complete = len(body) <= limit
    return Answer(answer.status, answer.headers, bytes(body[:limit]), complete)


def _told(error: Exception) -> str:
    """Return an error's text, or its name if it has none (a timeout)."""
    return str(error) or type(error).__name__
