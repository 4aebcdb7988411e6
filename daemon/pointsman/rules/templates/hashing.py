"""Helpers that hash: ``{{md5 lead.email}}``, ``{{sha256 lead.email lead.phone_1 salt="x"}}``.

Several values are hashed as one text, one after the other, and ``salt`` comes last. Two of them
exist in no OpenSSL of today: MD4 is a library's, Whirlpool our own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from pointsman.rules.templates.helpers import Render, Usage, template_helper
from pointsman.rules.variables import Scope

__all__ = ["ALGORITHMS", "digest"]

Digest = Callable[[bytes], bytes]

_LONGEST = 64 * 1024
"""Characters that are hashed; what comes after them is left out."""


def digest(name: str, data: bytes) -> bytes:
    """Return the digest of ``data`` by the algorithm of that name."""
    return ALGORITHMS[name](data)


def _of_openssl(name: str) -> Digest:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()


def _ripemd160(data: bytes) -> bytes:
    from Crypto.Hash import RIPEMD160  # noqa: PLC0415 - loads a library of C

    return RIPEMD160.new(data).digest()


def _md4(data: bytes) -> bytes:
    from Crypto.Hash import MD4  # noqa: PLC0415 - loads a library of C

    return MD4.new(data).digest()  # noqa: S303 - asked for by name, not for secrets


def _whirlpool(data: bytes) -> bytes:
    from pointsman.rules.templates.whirlpool import whirlpool  # noqa: PLC0415 - makes tables

    return whirlpool(data)


ALGORITHMS: dict[str, Digest] = {
    "md4": _md4,
    "md5": _of_openssl("md5"),
    "ripemd": _ripemd160,
    "ripemd160": _ripemd160,
    "sha1": _of_openssl("sha1"),
    "sha224": _of_openssl("sha224"),
    "sha256": _of_openssl("sha256"),
    "sha384": _of_openssl("sha384"),
    "sha512": _of_openssl("sha512"),
    "whirlpool": _whirlpool,
}

_SLOW = {"whirlpool": 100}
"""What takes that much longer than others, as it is not done in C."""

_ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "base64": lambda found: base64.b64encode(found).decode(),
    "latin1": lambda found: found.decode("latin-1"),
}


def _build(name: str) -> Callable[[Usage], Render]:
    def build(usage: Usage) -> Render:
        usage.check(("salt", "encoding"))
        if not usage.arguments:
            raise ValueError("needs something to hash")
        parts = [*usage.arguments, *(usage.options.get(key) for key in ("salt",))]
        written = usage.constant("encoding") or "hex"
        if written not in _ENCODINGS:
            known = ", ".join(_ENCODINGS)
            raise ValueError(f"does not know the encoding '{written}' (known: {known})")
        encode, algorithm = _ENCODINGS[written], ALGORITHMS[name]

        def hashed(scope: Scope) -> str:
            text = "".join(part.text(scope) for part in parts if part is not None)
            return encode(algorithm(text[:_LONGEST].encode("utf-8", "replace")))

        return hashed

    return build


for _name in ALGORITHMS:
    template_helper(
        _name,
        f'{{{{{_name} lead.email salt="pepper"}}}}',
        f"The {_name.upper()} digest of the values, one after the other, and of `salt` after them; "
        'in hexadecimal, or as `encoding="base64"` or `"latin1"` says.',
        cost=_SLOW.get(_name, 1),
    )(_build(_name))
