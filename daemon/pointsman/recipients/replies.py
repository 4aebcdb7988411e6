"""What a recipient's answer means: outcome, reason, price, and what it adds to the lead.

A status of 500 or more is an error, and nothing of the answer is read then; one of 400 is not.
Without a search term every other answer is a success.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pointsman.recipients.documents import Document, read_document, term_pattern
from pointsman.recipients.given import Given, grouped, text_of

__all__ = ["Headers", "Reply", "content_type_of", "read_reply", "read_soap_reply"]

Headers = Mapping[str, Any]

_INVERSE = {"success": "failure", "failure": "success", "error": "success"}
_LONGEST_REASON = 1_000
_MOST_CAPTURES = 50


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read.

    ``price`` is text where it was read from the answer, as it stood there; ``None`` where nothing
    was read at all. ``appended`` goes under the step's key.
    """

    outcome: str
    reason: str = ""
    price: Any = 0
    appended: Mapping[str, Any] = field(default_factory=dict)

    def event(self) -> dict[str, Any]:
        """Return all of it as one object; our own names win over those of the answer."""
        told = {**self.appended, "outcome": self.outcome}
        told.pop("reason", None)
        told.pop("price", None)
        if self.reason:
            told["reason"] = self.reason
        if self.price is not None:
            told["price"] = self.price
        return told


def read_reply(given: Given, status: int, headers: Headers, body: bytes | None) -> Reply:
    """Return what the answer to a request of kind json, form, query or xml means."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Reply("error", "Server error", None)
    override = text_of(given.get("response_content_type_override")).strip()
    document = read_document(body or b"", override or content_type_of(headers))
    return _reply(given, headers, document)


def read_soap_reply(given: Given, status: int, headers: Headers, body: bytes | None) -> Reply:
    """Return what the answer to a SOAP request means; paths are dotted, from the result on."""
    from pointsman.recipients.soap_results import result_of  # noqa: PLC0415 - for SOAP alone

    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Reply("error", "Server error", None)
    return _reply(given, headers, result_of(body or b""))


def content_type_of(headers: Headers) -> str:
    """Return the content type that an answer declares."""
    return next(iter(_header(headers, "content-type")), "")


def _reply(given: Given, headers: Headers, document: Document) -> Reply:
    appended = document.appended()
    for name, pattern in list(grouped(given, "capture").items())[:_MOST_CAPTURES]:
        if (found := _captured(text_of(pattern), document.text)) is not None:
            appended[name] = found
    if (path := text_of(given.get("reference_path"))) and (values := _values(document, path)):
        appended["reference"] = values
    if (cookie := _cookie(given, headers)) is not None:
        appended["cookie"] = cookie
    return Reply(
        _outcome(given, document), _reason(given, document), _price(given, document), appended
    )


def _outcome(given: Given, document: Document) -> str:
    on_match = text_of(given.get("outcome_on_match")).strip().lower()
    on_match = on_match if on_match in _INVERSE else "success"
    term = text_of(given.get("outcome_search_term"))
    if not term.strip():
        return on_match
    path = text_of(given.get("outcome_search_path")).strip()
    texts = document.searched(path) if path else [document.text]
    return on_match if _is_found(term, texts) else _INVERSE[on_match]


def _is_found(term: str, texts: Iterable[str]) -> bool:
    pattern = term_pattern(term)
    if pattern is None:
        return False
    plain = term.lower()
    return any(pattern.found(text) or plain in text.lower() for text in texts)


def _reason(given: Given, document: Document) -> str:
    path = text_of(given.get("reason_path")).strip()
    values = _values(document, path) if path else []
    reason = ", ".join(sorted(values)) or text_of(given.get("default_reason")).strip()
    return reason[:_LONGEST_REASON]


def _price(given: Given, document: Document) -> Any:
    path = text_of(given.get("price_path")).strip()
    found = next(iter(_values(document, path)), None) if path else None
    if found is not None:
        return found
    fallback = given.get("fallback_price")
    return 0 if fallback is None or fallback == "" else fallback


def _values(document: Document, path: str) -> list[str]:
    """Return the values at a path, trimmed, without blank ones."""
    trimmed = (value.strip() for value in document.found(path))
    return [value for value in trimmed if value]


def _captured(expression: str, text: str) -> str | None:
    pattern = term_pattern(expression) if expression else None
    match = None if pattern is None else pattern.search(text)
    if match is None:
        return None
    return str((match.group(1) if match.groups() else match.group()) or "")


def _cookie(given: Given, headers: Headers) -> str | None:
    """Return the first cookie, in the order of their texts, that the term finds."""
    term = text_of(given.get("cookie_search_term"))
    if not term.strip():
        return None
    cookies = sorted(_header(headers, "set-cookie"))
    return next((cookie for cookie in cookies if _is_found(term, [cookie])), None)


def _header(headers: Headers, name: str) -> list[str]:
    """Return the values of a header; several where it came more than once."""
    found: list[str] = []
    for key, value in headers.items():
        if key.lower() == name:
            found += map(str, value) if isinstance(value, list | tuple) else [str(value)]
    return found
