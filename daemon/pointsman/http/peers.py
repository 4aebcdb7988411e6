"""Who is at the other end of a connection.

``Forwarded`` and ``X-Forwarded-For`` are believed from ``trusted_proxies`` only. From anyone else
they can take away the privileges of loopback, never give them: a proxy on this machine that nobody
told us of makes every visitor look local.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from aiohttp import hdrs, web

from pointsman.errors import PointsmanError

__all__ = ["Peers", "is_loopback"]

Address = IPv4Address | IPv6Address

_MARKS = (
    hdrs.FORWARDED,
    hdrs.X_FORWARDED_FOR,
    hdrs.X_FORWARDED_HOST,
    hdrs.X_FORWARDED_PROTO,
    hdrs.VIA,
    "X-Real-IP",
)
"""Headers that only a proxy sends."""


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address, as one would bind to it, is loopback."""
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


class Peers:
    """Tells clients apart, given the proxies that speak for others."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._trusted = tuple(map(_network, trusted_proxies))

    def client(self, request: web.Request) -> Address | None:
        """Return the client's address; ``None`` if a proxy does not tell it."""
        return _address(self._told(request))

    def spelled(self, request: web.Request) -> str | None:
        """Return the same as text."""
        return _spelled(self._told(request))

    def is_local(self, request: web.Request) -> bool:
        """Tell whether the request comes from this machine, and from no page of another site."""
        peer = _address(request.remote or "")
        if peer is None or not peer.is_loopback or not is_loopback(_host_name(request.host)):
            return False
        if not any(mark in request.headers for mark in _MARKS):
            return True
        client = self.client(request)
        return self._trusts(peer) and client is not None and client.is_loopback

    def _told(self, request: web.Request) -> str:
        """Return the client's address as its peer tells it, or the last proxy that is trusted."""
        told, claims = request.remote or "", None
        while (address := _address(told)) is not None and self._trusts(address):
            claims = _claims(request) if claims is None else claims
            if not claims:
                break
            told = claims.pop()
        return told

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        message = f"trusted_proxies: '{text}' is no network; write it like 10.0.0.0/8"
        raise PointsmanError(message) from error


def _claims(request: web.Request) -> list[str]:
    """Return the addresses that proxies added, the nearest one's last."""
    if hdrs.FORWARDED in request.headers:
        return [part.get("for", "") for part in request.forwarded]
    lines = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    return [part.strip() for line in lines for part in line.split(",")]


@lru_cache(1024)
def _address(text: str) -> Address | None:
    """Return the address in ``text``, which may carry a port and brackets."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(1024)
def _spelled(text: str) -> str | None:
    address = _address(text)
    return None if address is None else str(address)


def _host_name(host: str) -> str:
    """Return a ``Host`` header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
