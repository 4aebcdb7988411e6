"""Sending a lead to another flow, here or at anyone who answers the same way.

The lead's fields go as a form, or as a query with ``method: get``; the answer is read for
``outcome``, ``reason``, ``price`` and ``lead``, in JSON or XML. An answer that says no outcome is
an error, unless ``default_outcome`` is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pointsman.recipients.documents import read_document
from pointsman.recipients.given import Given, grouped, text_of
from pointsman.recipients.markup import XmlDocument
from pointsman.recipients.replies import Headers, Reply, content_type_of
from pointsman.recipients.requests import Request, encoded, flat, request_headers, timeout_of

__all__ = ["read_standard_reply", "standard_request"]

ACCEPT = "application/json;q=0.9,text/xml;q=0.8,application/xml;q=0.7"
_FORM = "application/x-www-form-urlencoded"
_OUTCOMES = ("success", "failure", "error")
_LONGEST_REASON = 1_000

Fields = dict[str, list[str]]


def standard_request(given: Given) -> Request:
    """Return the request that sends the lead's fields; those of ``default.custom`` win."""
    fields: Fields = {}
    for part in (
        grouped(given, "lead"),
        grouped(given, "default.custom"),
        grouped(grouped(given, "default"), "custom"),
    ):
        fields |= _by_name(flat(part))
    fields["price"] = [text_of(given.get("price")) or "0"]
    url = _with_path(text_of(given.get("url")).strip())
    if text_of(given.get("method")).strip().upper() == "GET":
        headers = request_headers(given, {"Accept": ACCEPT})
        return Request("GET", _merged(url, fields), headers, timeout=timeout_of(given))
    body = encoded(_pairs(fields)).encode()
    headers = request_headers(given, {"Content-Type": _FORM, "Accept": ACCEPT})
    headers["Content-Length"] = str(len(body))
    return Request("POST", url, headers, body, timeout=timeout_of(given))


def read_standard_reply(given: Given, _status: int, headers: Headers, body: bytes | None) -> Reply:
    """Return what the answer says."""
    kind = content_type_of(headers)
    if not kind.strip():
        return Reply("error", "No Content-Type specified in server response", None)
    told = _told(body or b"", kind)
    outcome = text_of(told.get("outcome")).strip().lower()
    reason = text_of(told.get("reason")).strip()
    if outcome not in _OUTCOMES:
        default = text_of(given.get("default_outcome")).strip().lower()
        outcome = default if default in _OUTCOMES else "error"
        reason = reason or text_of(told.get("message")).strip()
        if outcome == "error":
            reason = reason or "Unrecognized response"
    lead = told.get("lead")
    appended = {"lead": lead} if isinstance(lead, dict) else {}
    price = told.get("price")
    known = price if isinstance(price, int | float | str) and price != "" else None
    return Reply(outcome, reason[:_LONGEST_REASON], known, appended)


def _told(body: bytes, kind: str) -> dict[str, Any]:
    document = read_document(body, kind)
    told = document.appended()
    if isinstance(document, XmlDocument):
        told = next(iter(told.values()), {})
    return told if isinstance(told, dict) else {}


def _with_path(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit(parts._replace(path=parts.path or "/", fragment=""))


def _by_name(pairs: Iterable[tuple[str, str]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _pairs(fields: Fields) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, values in fields.items() for value in values)


def _merged(url: str, fields: Fields) -> str:
    """Return the address with the fields in its query, in place of those of the same name."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    named = _by_name(parse_qsl(parts.query, keep_blank_values=True)) | fields
    return urlunsplit(parts._replace(query=encoded(_pairs(named))))
