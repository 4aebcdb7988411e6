"""Errors as the caller sees them: one envelope, one status, never a stack trace.

The only middleware of the daemon, and the only place that counts requests: a second one would cost
every lead a microsecond for nothing.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from time import perf_counter

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from pointsman import observe
from pointsman.errors import PointsmanError, Refused, Unavailable
from pointsman.http.answers import SERVER, answer, error_body

__all__ = ["envelope", "explained"]

_AWAY = (RedisConnectionError, RedisTimeoutError)
_UNREADABLE = (web.RequestPayloadError, HttpProcessingError)
_CODES = {
    HTTPStatus.NOT_FOUND: ("NOT_FOUND", "nothing lives at this path"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("PAYLOAD_TOO_LARGE", ""),
}
_UNKNOWN_ROUTE = "unknown"


@web.middleware
async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request, whatever happens, and count it."""
    started = perf_counter()
    try:
        response = await handler(request)
    except PointsmanError as error:
        response = _answer_of(error)
    except web.HTTPException as error:
        response = _answer_of_framework(request, error)
    except _AWAY as error:
        response = _answer_of(Unavailable(f"Redis is not available: {error}"))
    except _UNREADABLE as error:
        response = _answer_of(_unreadable(error))
    except ConnectionError:
        raise  # the caller has gone: aiohttp ends the connection
    except Exception as error:  # noqa: BLE001 - the border of one request
        response = _answer_of_bug(request, error)
    response.headers.setdefault(hdrs.SERVER, SERVER)
    resource = request.match_info.route.resource
    route = _UNKNOWN_ROUTE if resource is None else resource.canonical
    observe.child(observe.REQUESTS, route, str(response.status)).inc()
    observe.child(observe.REQUEST_SECONDS, route).observe(perf_counter() - started)
    return response


def explained(error: Exception) -> tuple[int, dict[str, dict[str, str]], dict[str, str]]:
    """Return the status, the body and the headers that tell the caller of ``error``."""
    if isinstance(error, Refused):
        return error.status, error_body(str(error), error.code), error.headers
    if isinstance(error, (Unavailable, *_AWAY)):
        seconds = error.retry_after.total_seconds() if isinstance(error, Unavailable) else 1
        headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
        return HTTPStatus.SERVICE_UNAVAILABLE, error_body(str(error), "UNAVAILABLE"), headers
    message = "something went wrong here; the log of the daemon has the details"
    return HTTPStatus.INTERNAL_SERVER_ERROR, error_body(message, "INTERNAL_ERROR"), {}


def _answer_of(error: PointsmanError) -> web.Response:
    status, body, headers = explained(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        observe.log().warning(observe.REQUEST_FAILED, status=status, error=type(error).__name__)
    return answer(body, status, headers)


def _unreadable(error: Exception) -> Refused:
    refusal = Refused("the body is not what Content-Encoding or Transfer-Encoding say of it")
    refusal.__cause__ = error
    return refusal


def _answer_of_framework(request: web.Request, error: web.HTTPException) -> web.Response:
    """Give aiohttp's own refusals (no route, wrong method, body too large) our form."""
    code, message = _CODES.get(HTTPStatus(error.status), ("BAD_REQUEST", ""))
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        message = f"{request.method} is not possible here; use {allowed}"
        return answer(error_body(message, code), error.status, {"Allow": allowed})
    return answer(error_body(message or error.text or error.reason, code), error.status)


def _answer_of_bug(request: web.Request, error: Exception) -> web.Response:
    # The path may hold a sender's source key; the pattern tells enough.
    resource = request.match_info.route.resource
    route = _UNKNOWN_ROUTE if resource is None else resource.canonical
    observe.log().error(observe.REQUEST_FAILED, route=route, exc_info=error)
    status, body, headers = explained(error)
    return answer(body, status, headers)
