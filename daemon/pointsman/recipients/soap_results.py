"""The result in a SOAP answer: what stands in the body's first element, as data.

A result that is XML written as text, as some services answer, is read as XML.
"""

from __future__ import annotations

from typing import Any

from pointsman.recipients.documents import Document, JsonDocument, TextDocument, read_document
from pointsman.recipients.markup import XmlDocument

__all__ = ["result_of"]

_XML = "text/xml"


def result_of(body: bytes) -> Document:
    """Return the result, or the whole body as text where there is none."""
    document = read_document(body, _XML)
    if not isinstance(document, XmlDocument):
        return document
    envelope = next(iter(document.appended().values()))
    inside = envelope.get("Body") if isinstance(envelope, dict) else None
    if not isinstance(inside, dict):
        return TextDocument(document.text)
    answered = next((value for value in inside.values() if isinstance(value, dict)), {})
    return JsonDocument(document.text, {name: _opened(value) for name, value in answered.items()})


def _opened(value: Any) -> Any:
    """Return what a text of XML says, and any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("<"):
        return value
    inner = read_document(value.encode("utf-8", "replace"), _XML)
    return inner.appended() if isinstance(inner, XmlDocument) else value
