"""``trustedform_url``: certificates of consent.

An id tells its kind and age only to who holds ActiveProspect's key, so neither is known here:
``type`` is nothing and ``is_web`` and the like are false, as in the reference without its key.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type
from pointsman.fields.url import parts_of

__all__ = ["trustedform_url"]

_HOST = re.compile(
    r"(?:cert|ping)\."
    r"(?:trustedform\.com|staging\.trustedform\.com|trustedform-(?:staging|dev)\.com"
    r"|trustedform\.localhost)"
)
_DIGEST = re.compile(r"[0-9a-fA-F]{40}")
_ID = re.compile(r"0\.[0-9A-Za-z._~%=+/\-]*|[0-9A-Za-z._~%=+/\-]{40,}")


@field_type(
    "trustedform_url",
    operators=("valid",),
    attributes={
        "raw": "string",
        "type": "string",
        "cert_id": "string",
        "is_masked": "boolean",
        "is_web": "boolean",
        "is_mobile": "boolean",
        "is_facebook": "boolean",
        "host": "string",
        "path": "string",
    },
)
def trustedform_url(posted: Any, _now: datetime | None) -> Value:
    """Read the address of a TrustedForm certificate, ``https://cert.trustedform.com/…``.

    Attributes: ``cert_id``, ``host`` and ``path``; of ``type``, ``is_web``, ``is_mobile``,
    ``is_facebook`` and ``is_masked`` nothing is known without ActiveProspect's key.
    """
    raw = as_text(posted)
    if not raw:
        return Value(None, raw)
    parts = parts_of(raw)
    if parts is None:
        return Value(raw, raw, valid=False)
    certificate = parts["path"].removeprefix("/")
    secure = parts["protocol"] == "https" and _HOST.fullmatch(parts["host"])
    if not secure or not _ID.fullmatch(certificate):
        return Value(raw, parts["href"], valid=False)
    if _DIGEST.fullmatch(certificate):
        certificate = certificate.lower()
    return _value(raw, certificate, parts["host"], parts["path"])


def _value(raw: str, certificate: str, host: str, path: str) -> Value:
    kinds = dict.fromkeys(("is_masked", "is_web", "is_mobile", "is_facebook"), False)
    named = {"type": None, "cert_id": certificate, **kinds, "host": host, "path": path}
    return Value(raw, f"https://{host}/{certificate}", valid=True, attributes=named)
