"""SOAP envelopes from options: ``function``, ``arg.Lead.Name``, ``soap_header.…``, credentials.

No WSDL is fetched, so the ``namespace`` of the function is an option. A password is sent as it is,
or as the digest that WS-Security defines of it, a nonce and the time.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from pointsman.recipients.given import Given, flag, grouped, text_of
from pointsman.recipients.xml_body import elements, tree_of

__all__ = ["VERSIONS", "action_headers", "envelope", "soap_url"]

VERSIONS = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"]")
_NONCE = 16


def soap_url(given: Given) -> str:
    """Return where to post to: the address without ``?WSDL``."""
    url = text_of(given.get("url")).strip()
    return url[: -len("?wsdl")] if url.lower().endswith("?wsdl") else url


def action_headers(given: Given) -> tuple[str, dict[str, str]]:
    """Return the content type, and the headers that name the function and prove who asks."""
    headers = {}
    if token := text_of(given.get("bearer_token")):
        headers["Authorization"] = f"Bearer {token}"
    action = _UNSAFE.sub("", text_of(given.get("soap_action")) or _action(given))
    if _version(given) == "1.2":
        return f'application/soap+xml; charset=utf-8; action="{action}"', headers
    return "text/xml; charset=utf-8", {**headers, "SOAPAction": f'"{action}"'}


def envelope(given: Given) -> str:
    """Return the envelope with the function and its arguments."""
    namespace = VERSIONS[_version(given)]
    head = "".join((_security(given), _tight(tree_of(grouped(given, "soap_header")))))
    name, root = _root(given)
    inside = _tight(tree_of(grouped(given, "arg")))
    header = f"<soap:Header>{head}</soap:Header>" if head else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{namespace}">{header}'
        f"<soap:Body><{name}{root}>{inside}</{name}></soap:Body></soap:Envelope>"
    )


def _version(given: Given) -> str:
    version = text_of(given.get("version")).strip()
    return version if version in VERSIONS else "1.1"


def _action(given: Given) -> str:
    namespace = text_of(given.get("namespace"))
    joint = "" if not namespace or namespace.endswith(("/", "#")) else "/"
    return f"{namespace}{joint}{text_of(given.get('function'))}"


def _root(given: Given) -> tuple[str, str]:
    """Return the name of the function's element and its declarations of namespaces."""
    function = text_of(given.get("function"))
    prefix = text_of(given.get("root_namespace_prefix"))
    name = f"{prefix}:{function}" if prefix else function
    key = text_of(given.get("root_xmlns_attribute_name"))
    value = text_of(given.get("root_xmlns_attribute_value"))
    if not (key and value):
        value = text_of(given.get("namespace"))
        key = f"xmlns:{prefix}" if prefix else "xmlns"
    written = "".join(elements({name: {f"@{key}": value}} if value else {name: None}))
    return name, written[len(name) + 1 : -2]


def _tight(tree: Any) -> str:
    """Return elements without white space between them."""
    return "".join(line.strip() for line in elements(tree))


def _security(given: Given) -> str:
    username = text_of(given.get("wss_username"))
    if not username:
        return ""
    password = text_of(given.get("wss_password"))
    if not flag(given, "wss_digest_password"):
        named: dict[str, Any] = {"wsse:Password": _password(password, "PasswordText")}
    else:
        nonce = secrets.token_bytes(_NONCE)
        created = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        signed = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
        digest = base64.b64encode(signed.digest()).decode()
        named = {
            "wsse:Password": _password(digest, "PasswordDigest"),
            "wsse:Nonce": base64.b64encode(nonce).decode(),
            "wsu:Created": created,
        }
    token = {"wsse:Username": username, **named}
    security = {
        "wsse:Security": {
            "@xmlns:wsse": f"{_OASIS}wssecurity-secext-1.0.xsd",
            "@xmlns:wsu": f"{_OASIS}wssecurity-utility-1.0.xsd",
            "wsse:UsernameToken": token,
        }
    }
    return _tight(security)


def _password(text: str, kind: str) -> dict[str, str]:
    return {"@Type": f"{_OASIS}username-token-profile-1.0#{kind}", "#text": text}
