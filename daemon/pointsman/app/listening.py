"""Sockets and the HTTP server behind them.

A port is bound before anything is loaded or published, so that a port in use costs nothing, and
listened on last, so that the first request is served.
"""

from __future__ import annotations

import asyncio
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
_ABRUPT = 0.25
_TICK = 0.01
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
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=_ABRUPT
    )
    await runner.setup()
    try:
        await web.SockSite(runner, bound, backlog=_BACKLOG).start()
        yield
    finally:
        if not await _drained(runner, drain.total_seconds()):
            observe.log().warning(observe.DRAIN_TIMED_OUT, after=str(drain))
        await runner.cleanup()


async def _drained(runner: web.AppRunner, seconds: float) -> bool:
    """Accept no connection, close the idle ones, and let the others finish their request.

    aiohttp's own shutdown drops the rest of a body that is still coming in.
    """
    for site in list(runner.sites):
        await site.stop()
    end = time.monotonic() + seconds
    while runner.server and (busy := _close_idle(runner.server)):
        if time.monotonic() > end:
            return not busy
        await asyncio.sleep(_TICK)
    return True


def _close_idle(server: web.Server) -> int:
    """Close connections that wait for a request; return how many are at one."""
    busy = 0
    for connection in server.connections:
        if connection._current_request is None:  # noqa: SLF001 - nothing public tells
            connection.close()
        else:
            busy += 1
    return busy
