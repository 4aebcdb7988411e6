"""Requests to recipients: options in, a :class:`Request` out.

The kinds are ``json``, ``form``, ``query``, ``xml`` and ``soap``. Values are plain (a lead's typed
values in their normal form); :func:`pointsman.recipients.checks.problem` says beforehand what is
wrong with the options, so nothing raises here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from pointsman.recipients.given import Given, flag, grouped, grown, leaves, text_of
from pointsman.recipients.letters import without_diacritics
from pointsman.recipients.xml_body import xml_document

__all__ = ["ACCEPT", "Request", "build_request", "encoded", "request_headers"]

ACCEPT = (
    "application/json;q=0.9,text/xml;q=0.8,application/xml;q=0.7,text/html;q=0.6,text/plain;q=0.5"
)
_FORM = "application/x-www-form-urlencoded"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PLACE = re.compile(r"(?:\.[0-9]+)+$")
_SAFE = "!~*'()"
_LONGEST_TIMEOUT = 300.0

Pairs = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; ``timeout`` is in seconds, ``None`` where the options name none."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    follow_redirects: bool = False
    timeout: float | None = None


def build_request(kind: str, given: Given) -> Request:
    """Return the request of a ``kind`` that the options describe."""
    if flag(given, "send_ascii"):
        given = without_diacritics(dict(given))
    return _BUILDERS[kind](given)


def request_headers(given: Given, own: Mapping[str, str]) -> dict[str, str]:
    """Return our headers and those that are asked for, which win; empty ones are left out."""
    headers = dict(own)
    username, password = given.get("basic_username"), given.get("basic_password")
    if username or password:
        pair = f"{text_of(username)}:{text_of(password)}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    for name, value in grouped(given, "header").items():
        text = _UNSAFE.sub(" ", text_of(value)).strip()
        if text and _TOKEN.fullmatch(name):
            headers = {key: old for key, old in headers.items() if key.lower() != name.lower()}
            headers[name] = text
    return headers


def encoded(pairs: Pairs, *, names: bool = True) -> str:
    """Return names and values as a query; names stay as they are if they are not to be encoded."""
    return "&".join(
        f"{_quoted(name) if names else _UNSAFE.sub('', name)}={_quoted(value)}"
        for name, value in pairs
    )


def flat(given: Given) -> Pairs:
    """Yield names and texts; places of a list repeat the name of the list."""
    for name, value in leaves(given):
        name = _PLACE.sub("", name)  # noqa: PLW2901 - the name that is sent
        if isinstance(value, list | tuple):
            yield from ((name, text_of(item)) for item in value if item is not None)
        else:
            yield name, text_of(value)


def _quoted(text: str) -> str:
    return quote(text, safe=_SAFE, errors="replace")


def _request(
    given: Given, method: str, content_type: str, body: str, *, url: str | None = None
) -> Request:
    data = body.encode("utf-8", "replace")
    headers = {"Content-Type": content_type, "Accept": ACCEPT}
    return Request(
        method,
        url or text_of(given.get("url")).strip(),
        {**request_headers(given, headers), "Content-Length": str(len(data))},
        data,
        flag(given, "follow_redirects"),
        timeout_of(given),
    )


def timeout_of(given: Given) -> float | None:
    """Return the seconds that ``timeout_seconds`` names."""
    try:
        seconds = float(text_of(given.get("timeout_seconds")))
    except ValueError:
        return None
    return min(seconds, _LONGEST_TIMEOUT) if seconds > 0 else None


def _method(given: Given) -> str:
    return text_of(given.get("method")).strip().upper() or "POST"


def _json(given: Given) -> Request:
    document = grown(grouped(given, "json_property"))
    if preferences := grouped(given, "preferences"):
        document = {**(document if isinstance(document, dict) else {})}
        document["preferences"] = grown(preferences)
    text = orjson.dumps(_writable(document)).decode("utf-8")
    return _stuffed(given, text, "json_parameter", "application/json; charset=utf-8")


def _stuffed(given: Given, text: str, option: str, content_type: str) -> Request:
    """Return a request with a document as its body, or as one parameter of a form."""
    parameter = text_of(given.get(option))
    if not parameter:
        return _request(given, _method(given), content_type, text)
    extra = flat(grouped(given, "extra_parameter"))
    body = encoded(iter([(parameter, text), *extra]))
    return _request(given, _method(given), _FORM, body)


def _writable(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911 - one for each kind of value
    """Return a value as JSON can be written: no NaN, no number beyond 64 bits, no lone halves."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict) and depth < 100:  # noqa: PLR2004 - deeper than any lead
        return {str(_writable(str(k))): _writable(item, depth + 1) for k, item in value.items()}
    if isinstance(value, list | tuple) and depth < 100:  # noqa: PLR2004 - as above
        return [_writable(item, depth + 1) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    return None


def _form(given: Given) -> Request:
    names = flag(given, "encode_form_field_names", default=True)
    body = encoded(flat(grouped(given, "form_field")), names=names)
    return _request(given, "POST", f"{_FORM}; charset=utf-8", body)


def _query(given: Given) -> Request:
    url = text_of(given.get("url")).strip().partition("#")[0]
    query = encoded(flat(grouped(given, "parameter")))
    joint = "" if not query else "&" if "?" in url and url[-1] not in "?&" else "?"
    joint = "" if url[-1:] in ("?", "&") else joint
    return Request(
        "GET",
        url + joint + query,
        request_headers(given, {"Accept": ACCEPT}),
        None,
        flag(given, "follow_redirects", default=True),
        timeout_of(given),
    )


def _xml(given: Given) -> Request:
    return _stuffed(given, xml_document(grouped(given, "xml_path")), "xml_parameter", "text/xml")


def _soap(given: Given) -> Request:
    from pointsman.recipients.soap import (  # noqa: PLC0415 - the least frequent kind
        action_headers,
        envelope,
        soap_url,
    )

    content_type, headers = action_headers(given)
    body = envelope(given)
    return _request(
        {**given, "header": {**headers, **grouped(given, "header")}},
        "POST",
        content_type,
        body,
        url=soap_url(given),
    )


_BUILDERS: Mapping[str, Callable[[Given], Request]] = {
    "json": _json,
    "form": _form,
    "query": _query,
    "xml": _xml,
    "soap": _soap,
}
