"""Sockets and the HTTP server behind them.

A port is bound before anything is loaded or published, so that a port in use costs nothing, and
listened on last, so that the first request is served.
"""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web

from pointsman import observe
from pointsman.errors import PointsmanError

__all__ = ["bind", "reachable", "served"]

_BACKLOG = 1024
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 - addresses to recognise, not to listen on


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a bound socket that does not listen yet; ``shared`` with other processes."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError as error:
        raise PointsmanError(f"cannot listen on {host}: {error.strerror}; check --host") from error
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise PointsmanError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --host, --port "
            "(0 picks a free one)"
        ) from error
    return bound


def reachable(host: str, port: int) -> str:
    """Return the URL under which this machine reaches what listens on ``host``."""
    shown = "127.0.0.1" if host in _ANY else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


@asynccontextmanager
async def served(
    application: web.Application, bound: socket.socket, drain: timedelta
) -> AsyncIterator[None]:
    """Serve on ``bound``; at the end accept nothing more and finish what is in flight."""
    seconds = drain.total_seconds()
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=seconds
    )
    await runner.setup()
    try:
        await web.SockSite(runner, bound, backlog=_BACKLOG).start()
        yield
    finally:
        began = time.monotonic()
        await runner.cleanup()
        if time.monotonic() - began >= seconds > 0:
            observe.log().warning(observe.DRAIN_TIMED_OUT, seconds=seconds)
