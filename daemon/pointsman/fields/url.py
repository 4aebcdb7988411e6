"""``url``: addresses of the web, read as browsers read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type

__all__ = ["parts_of", "url"]

_WEB = frozenset(("http:", "https:"))


def parts_of(text: str) -> Mapping[str, str] | None:
    """Return the parts of an address, ``href`` and those of :func:`url`; ``None`` if it is none."""
    from ada_url import URL  # noqa: PLC0415 - loads a library of 7 MB

    try:
        read = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        return None
    if read.protocol not in _WEB:
        return None
    return {
        "href": read.href,
        "protocol": read.protocol[:-1],
        "host": read.host,
        "port": read.port,
        "path": read.pathname,
        "query": read.search[1:],
        "hash": read.hash,
    }


@field_type(
    "url",
    operators=("equal", "obscene", "valid", "search", "list"),
    attributes={
        "raw": "string",
        "protocol": "string",
        "host": "string",
        "port": "string",
        "path": "string",
        "query": "string",
        "hash": "string",
    },
)
def url(posted: Any, _now: datetime | None) -> Value:
    """Read an address of ``http`` or ``https``; one without a protocol gets ``http://``.

    The host becomes lower case and ASCII; a bare word is a host. Attributes: ``protocol``,
    ``host`` (with its port), ``port``, ``path``, ``query`` and ``hash`` (with its ``#``).
    """
    raw = as_text(posted)
    parts = parts_of(raw)
    if parts is None:
        return Value(raw, raw, valid=False)
    named = {name: part for name, part in parts.items() if name != "href"}
    return Value(raw, parts["href"], valid=True, attributes=named)
