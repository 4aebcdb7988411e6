"""What integrations of vendors and recipients rely on: plain refusals, announced bodies."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from pointsman.http.body import read_body
from pointsman.http.parameters import Misposted, Posted, read_parameters

__all__ = ["plainly", "read_posted"]

_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_POST})
_PROVE = {hdrs.WWW_AUTHENTICATE: 'Basic realm="leads"'}


def plainly(handler: Handler, refused_method: HTTPStatus) -> Handler:
    """Answer refusals as plain text, and any other method than GET and POST with a status."""

    async def answered(request: web.Request) -> web.StreamResponse:
        if request.method not in _METHODS:
            text = f"The {request.method} method is not allowed"
            headers = {hdrs.ALLOW: "GET, POST"}
            return web.Response(text=text, status=refused_method, headers=headers)
        try:
            return await handler(request)
        except Misposted as refused:
            asked = _PROVE if refused.status == HTTPStatus.UNAUTHORIZED else None
            return web.Response(text=str(refused), status=refused.status, headers=asked)

    return answered


async def read_posted(request: web.Request, *, ping: bool) -> tuple[bytes, Posted]:
    """Return the body and the parameters; a body that was not announced is not looked at.

    Nor is that of a GET, which says all in its query.
    """
    headers = request.headers
    announced = request.method == hdrs.METH_POST and (
        hdrs.CONTENT_LENGTH in headers or "chunked" in headers.get(hdrs.TRANSFER_ENCODING, "")
    )
    raw = await read_body(request) if announced else None
    content_type = headers.get(hdrs.CONTENT_TYPE, "")
    query = request.rel_url.raw_query_string
    return raw or b"", read_parameters(query, raw, content_type, ping=ping)
