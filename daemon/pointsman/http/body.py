"""Request bodies: anyone's bytes into a dict.

Whatever arrives, the outcome is a dict or a ``Refused`` that says what to send instead. How deep
and how much a lead may be is the business of ``fields.limits``, which sees every lead.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import hdrs, web

from pointsman.errors import Refused
from pointsman.fields.limits import PARAMETERS

__all__ = ["parse_body", "parse_json", "read_body", "require_json", "text_header"]

_FORM = "application/x-www-form-urlencoded"


async def read_body(request: web.Request) -> bytes:
    """Return the body as ``request.read()`` does; to be called once.

    The body of a lead is there when its handler begins, and needs nothing that collects its parts.
    """
    content = request.content
    if content.is_eof() and content.total_bytes <= request.client_max_size:
        return content.read_nowait()
    return await request.read()


def parse_body(request: web.Request, raw: bytes) -> dict[str, Any]:
    """Return a posted JSON object or form."""
    media = _media_type(request)
    if media == _FORM:
        return _form(raw)
    if _is_json(media):
        return parse_json(raw)
    raise _unsupported(media, f"application/json or {_FORM}")


def parse_json(raw: bytes) -> dict[str, Any]:
    """Return a JSON object within limits."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(f"the body is not valid JSON: {error}") from error
    if type(body) is not dict:
        raise Refused("the body must be a JSON object")
    return body


def require_json(request: web.Request) -> None:
    """Refuse a body that does not claim to be JSON."""
    media = _media_type(request)
    if not _is_json(media):
        raise _unsupported(media, "application/json")


def text_header(request: web.Request, name: str, longest: int) -> str | None:
    """Return a header of printable ASCII, or ``None`` if it is absent."""
    text = request.headers.get(name)
    if text is None:
        return None
    if not text or len(text) > longest or not (text.isascii() and text.isprintable()):
        raise Refused(f"the header {name} must be 1 to {longest} printable ASCII characters")
    return text


def _media_type(request: web.Request) -> str:
    header = request.headers.get(hdrs.CONTENT_TYPE, "")
    # The usual spelling costs no parsing.
    return header if header == "application/json" else header.partition(";")[0].strip().lower()


def _is_json(media: str) -> bool:
    return media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )


def _form(raw: bytes) -> dict[str, Any]:
    """Return a form as a dict; a name that comes several times has a list."""
    if raw.lstrip()[:1] == b"{":
        message = "the body looks like JSON; send it with 'Content-Type: application/json'"
        raise Refused(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS
        )
    except UnicodeDecodeError as error:
        raise Refused(f"the form is not UTF-8: {error.reason}") from error
    except ValueError as error:
        raise Refused(f"the form has more than {PARAMETERS} fields") from error
    body: dict[str, Any] = {}
    for name, value in pairs:
        _add(body, name, value)
    return body


def _add(body: dict[str, Any], name: str, value: str) -> None:
    earlier = body.get(name)
    if earlier is None:
        body[name] = value
    elif isinstance(earlier, list):
        earlier.append(value)
    else:
        body[name] = [earlier, value]


def _unsupported(media: str, expected: str) -> Refused:
    given = f"not '{media[:100]}'" if media else "and there is none"
    return Refused(
        f"Content-Type must be {expected}, {given}", status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    )
