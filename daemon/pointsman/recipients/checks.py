"""What is wrong with the options of a recipient, told before anything is sent.

A problem skips the step, and its text is the reason. Names are not resolved here: that a name leads
to a private address shows when the connection is made, and is refused there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from pointsman.delivery import is_public
from pointsman.recipients.given import Given, grouped, text_of
from pointsman.recipients.soap import VERSIONS
from pointsman.recipients.xml_body import tree_of, wrong_name

__all__ = ["KINDS", "problem", "url_problem"]

_LONGEST_URL = 8_192
_HOST = re.compile(r"(?=.{1,253}\.?$)[^\s/?#@\\<>\"'`{}|^,;:\[\]()&=+$!*%]+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FUNCTION = re.compile(r"[A-Za-z_][\w.-]*")
_OUTCOMES = ("success", "failure", "error")
_LOCAL = (".localhost", ".local", ".internal", ".localdomain")
_OURS = ("content-length", "accept", "host", "transfer-encoding", "connection")

KINDS: Mapping[str, tuple[str, ...]] = {
    "json": ("POST", "PUT", "DELETE", "PATCH"),
    "form": ("POST",),
    "query": ("GET",),
    "xml": ("POST", "PUT"),
    "soap": ("POST",),
    "default": ("POST", "GET"),
}
"""The kinds of requests, and their methods."""

_CONTENT_TYPES: Mapping[str, tuple[str, ...]] = {
    "json": ("json",),
    "form": ("x-www-form-urlencoded",),
    "query": (),
    "xml": ("xml",),
    "soap": ("xml",),
    "default": (),
}


def problem(kind: str, given: Given, *, public: bool = True) -> str | None:
    """Return what is wrong with the options of a request of a ``kind``, ``None`` if nothing is.

    Without ``public`` the address may be a private one.
    """
    return (
        url_problem(text_of(given.get("url")).strip(), public=public)
        or (_soap_problem(given) if kind == "soap" else None)
        or _method_problem(kind, given)
        or _outcome_problem(kind, given)
        or _header_problem(kind, given)
        or (_xml_problem(given) if kind == "xml" else None)
    )


def url_problem(url: str, *, public: bool = True) -> str | None:
    """Return what is wrong with an address."""
    if not url:
        return "URL is required"
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return "URL must be valid"
    bracketed = ":" in host
    if (
        len(url) > _LONGEST_URL
        or parts.scheme not in ("http", "https")
        or not (bracketed or _HOST.fullmatch(host))
        or any(sign.isspace() or not sign.isprintable() for sign in url)
    ):
        return "URL must be valid"
    return None if not public or _is_public_name(host) else "URL must be public"


def _is_public_name(host: str) -> bool:
    if host == "localhost" or host.endswith(_LOCAL):
        return False
    try:
        return is_public(ip_address(host.partition("%")[0]))
    except ValueError:
        # Digits alone are an address in another spelling: 127.1, 2130706433, 0x7f000001.
        return not re.fullmatch(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*", host)


def _method_problem(kind: str, given: Given) -> str | None:
    method = text_of(given.get("method")).strip().upper()
    if not method or method in KINDS[kind] or kind in ("form", "query", "soap"):
        return None
    if kind == "default":
        return f"Unsupported HTTP method {method[:20]}. Use GET or POST."
    return f"Unsupported HTTP method - use {', '.join(KINDS[kind])}"


def _outcome_problem(kind: str, given: Given) -> str | None:
    name = "default_outcome" if kind == "default" else "outcome_on_match"
    outcome = text_of(given.get(name)).strip().lower()
    if not outcome or outcome in _OUTCOMES:
        return None
    if kind == "default":
        return 'default outcome must be "success", "failure" or "error"'
    return "Outcome on match must be 'success', 'failure', or 'error'"


def _header_problem(kind: str, given: Given) -> str | None:
    for name, value in grouped(given, "header").items():
        lower = name.lower()
        if lower in _OURS:
            return f"{name.title()} header is not allowed"
        if not _HEADER.fullmatch(name):
            return f"'{name[:50]}' is no name of a header"
        if lower == "content-type" and (text := text_of(value).strip().lower()):
            known = _CONTENT_TYPES[kind]
            if not any(part in text for part in known):
                return "Invalid Content-Type header value"
    return None


def _soap_problem(given: Given) -> str | None:
    function = text_of(given.get("function"))
    if not function:
        return "Function is required"
    if not _FUNCTION.fullmatch(function):
        return "Function must have valid name"
    version = text_of(given.get("version")).strip()
    if version and version not in VERSIONS:
        return "Must be valid SOAP version: 1.1 or 1.2"
    return None


def _xml_problem(given: Given) -> str | None:
    paths = grouped(given, "xml_path")
    if name := wrong_name(paths):
        return f"'{name[:50]}' is no name of an XML element"
    tree = tree_of(paths)
    if isinstance(tree, list) or (isinstance(tree, dict) and len(tree) > 1):
        return "XML paths must begin with the same element"
    return None
