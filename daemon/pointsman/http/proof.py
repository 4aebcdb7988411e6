"""What senders and recipients prove themselves with: a secret, as Basic or Bearer."""

from __future__ import annotations

import hmac
from base64 import b64decode
from hashlib import sha256

__all__ = ["proves"]


def proves(header: str, secret: str) -> bool:
    """Whether an Authorization header holds the secret, as Basic's password or Bearer's token."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(_digest(given.strip()), _digest(secret))


def _digest(text: str) -> bytes:
    return sha256(text.encode(errors="surrogateescape")).digest()
