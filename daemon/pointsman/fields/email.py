"""``email``: addresses, compared without regard to case.

The grammar is that of message headers (RFC 5322), so ``Ada <ada@example.com>``, comments and spaces
around dots are fine and a domain needs no dot; whether a mailbox exists is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from pointsman.fields.mailbox import mailbox
from pointsman.fields.text import as_text
from pointsman.fields.types import VALID, Value, field_type

__all__ = ["email"]

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*+"
_PLAIN = re.compile(rf"[ \t]*({_DOTTED})@({_DOTTED})[ \t]*")
_LONGEST = 1_024


def _split(text: str) -> tuple[str, str] | None:
    """Return user and domain of an address, in the case they were written."""
    if len(text) > _LONGEST:
        return None
    if plain := _PLAIN.fullmatch(text):
        user, domain = plain.groups()
        return user, domain
    return mailbox(text)


def _read(posted: Any) -> str | None:
    parts = _split(posted) if isinstance(posted, str) else None
    return f"{parts[0]}@{parts[1]}".lower() if parts else None


@field_type(
    "email",
    operators=("equal", "obscene", "valid", "search", "list", "pattern"),
    attributes={
        "raw": "string",
        "user": "string",
        "domain": "string",
        "host": "string",
        "tld": "string",
        "is_free": "boolean",
        "is_disposable": "boolean",
    },
    read=_read,
)
def email(posted: Any, _now: datetime | None) -> Value:
    """Read an address: spaces dropped, lower case; of ``Ada <ada@example.com>`` the address.

    Attributes, in the case they were written: ``user``, ``domain``, ``tld`` (after the last dot),
    ``host`` (before it), ``is_free`` (a provider that anybody can join) and ``is_disposable``.
    """
    raw = as_text(posted)
    parts = _split(raw)
    if parts is None:
        return Value(raw, raw, valid=False)
    user, domain = parts
    known_by = domain if raw.endswith(".com") else domain.lower()
    attributes = {"user": user, **_of_domain(domain, known_by)}
    return Value(raw, f"{user}@{domain}".lower(), VALID, attributes)


@lru_cache(maxsize=1024)
def _of_domain(domain: str, known_by: str) -> Mapping[str, Any]:
    """Return what a domain tells; most addresses have one of a few.

    Providers are known in lower case. As in the reference, an address that ends in ``.com`` is
    looked up in the case it was written, every other one in lower case.
    """
    host, dot, tld = domain.rpartition(".")
    disposable = _is_in(known_by, _disposable())
    return {
        "domain": domain,
        "host": host if dot else domain,
        "tld": tld,
        "is_free": disposable or _is_in(known_by, _free()),
        "is_disposable": disposable,
    }


def _is_in(domain: str, known: frozenset[str]) -> bool:
    """Tell whether a domain or one that it belongs to is known."""
    while domain:
        if domain in known:
            return True
        domain = domain.partition(".")[2]
    return False


@cache
def _free() -> frozenset[str]:
    text = (files("pointsman.fields") / "free_mail.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))


@cache
def _disposable() -> frozenset[str]:
    from disposable_email_domains import blocklist  # noqa: PLC0415 - read when first asked for

    return frozenset(blocklist)
