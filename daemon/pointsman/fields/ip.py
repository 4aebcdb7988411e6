"""``ip``: addresses of the Internet, versions 4 and 6."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from ipaddress import AddressValueError, IPv6Address
from typing import Any

from pointsman.fields.text import WHITE, as_text
from pointsman.fields.types import VALID, Value, field_type

__all__ = ["ip"]

_SPACES = str.maketrans("", "", WHITE)
_PLACE = re.compile(r"[/?#\\]")
_FOUR = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.?(?::([0-9]*))?")
_BRACKETED = re.compile(r"\[([0-9a-f:.]+)\](?::([0-9]*))?")
_EIGHT = re.compile(r"((?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4})(?::[0-9]*)?")
_MAPPED = re.compile(r"(::ffff:|ffff::)((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?::[0-9]*)?")
_LONGEST = 1_000
_LAST_PORT = 65_535
_LAST_BYTE = 255
_HEX = {str(byte): f"{byte:x}" for byte in range(_LAST_BYTE + 1)}
_TWO_HEX = {str(byte): f"{byte:02x}" for byte in range(_LAST_BYTE + 1)}


@field_type(
    "ip",
    operators=("equal", "valid", "search", "list"),
    attributes={"raw": "string", "is_ipv4": "boolean", "ipv6_format": "string"},
)
def ip(posted: Any, _now: datetime | None) -> Value:
    """Read an address; protocol, port, path, brackets and spaces are dropped.

    The normal form is the shortest. Attributes: ``is_ipv4`` and ``ipv6_format``.
    """
    raw = as_text(posted)
    if len(raw) > _LONGEST:
        return Value(raw, raw, valid=False)
    if usual := _usual(raw):
        return usual
    text = raw
    if not (four := _four(raw)):
        text = _host(raw)
        four = _four(text.rpartition("@")[2])
    if four:
        a, b, c, d = four
        mapped = _as_six(f"{a << 8 | b:x}", f"{c << 8 | d:x}")
        return _value(raw, f"{a}.{b}.{c}.{d}", mapped, is_four=True)
    if (six := _six(text)) is not None:
        return _value(raw, six, six, is_four=False)
    return Value(raw, raw, valid=False)


def _usual(raw: str) -> Value | None:
    """Return four bytes without zeros in front or anything around, which stay as they are."""
    try:
        a, b, c, d = raw.split(".", 4)
        six = _as_six(_group(a, b), _group(c, d))
    except (KeyError, ValueError):
        return None
    return Value(raw, raw, VALID, {"is_ipv4": True, "ipv6_format": six})


def _group(high: str, low: str) -> str:
    """Return two bytes, told in digits, as a group of an address of version 6."""
    return _HEX[low] if high == "0" else _HEX[high] + _TWO_HEX[low]


def _as_six(high: str, low: str) -> str:
    """Return what version 6 makes of an address of version 4, of its two groups."""
    if high != "0":
        return f"ffff::{high}:{low}"
    return "ffff::" if low == "0" else f"ffff::{low}"


def _host(text: str) -> str:
    """Return what stands where an address has its host, without white space."""
    return _PLACE.split(text.translate(_SPACES).rpartition("://")[2], maxsplit=1)[0].lower()


def _value(raw: str, normal: str, six: str, *, is_four: bool) -> Value:
    return Value(raw, normal, valid=True, attributes={"is_ipv4": is_four, "ipv6_format": six})


def _four(host: str) -> Sequence[int] | None:
    """Return the bytes of a dotted address; one that begins with 0 is octal, as in a browser."""
    if not (found := _FOUR.fullmatch(host)) or not _is_port(found[5]):
        return None
    parts = found.groups()[:4]
    try:
        four = [int(part, 8) if part[0] == "0" else int(part) for part in parts]
    except ValueError:
        return None
    return four if max(four) <= _LAST_BYTE else None


def _is_port(text: str | None) -> bool:
    return not text or (len(text) <= len(str(_LAST_PORT)) and int(text) <= _LAST_PORT)


def _six(host: str) -> str | None:
    """Return an address of eight groups in its shortest spelling."""
    if bracketed := _BRACKETED.fullmatch(host):
        return _shortest(bracketed[1]) if _is_port(bracketed[2]) else None
    if eight := _EIGHT.fullmatch(host):
        return _shortest(eight[1])
    if mapped := _MAPPED.fullmatch(host):
        return _shortest(mapped[1] + mapped[2])
    return _shortest(host) if "." not in host and "%" not in host else None


def _shortest(text: str) -> str | None:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return None
    groups = f"{int(address):032x}"
    return _compressed([int(groups[place : place + 4], 16) for place in range(0, 32, 4)])


def _compressed(groups: list[int]) -> str:
    """Spell out groups; the first of the longest runs of zeros, if two or more, becomes ``::``."""
    runs = [
        (end - start, -start)
        for start in range(len(groups))
        for end in range(start + 2, len(groups) + 1)
        if not any(groups[start:end])
    ]
    if not runs:
        return ":".join(f"{group:x}" for group in groups)
    length, start = max(runs)
    head, tail = groups[:-start], groups[-start + length :]
    return "::".join(":".join(f"{group:x}" for group in part) for part in (head, tail))
