"""What a vendor posts to a source, whatever its form, as one object of parameters.

Forms, JSON and XML are read the way vendors have come to rely on (flows-reference §1): dotted names
of a form nest, those of the query stay flat, and the query wins over the body. Refusals are plain
texts with the wording that their senders' integrations look for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from lxml import etree
from yarl import URL

from pointsman.errors import PointsmanError
from pointsman.fields.limits import DEPTH, PARAMETERS

__all__ = ["Misposted", "Posted", "read_parameters"]

_TYPES: Final = (
    "application/x-www-form-urlencoded",
    "application/json",
    "application/xml",
    "text/xml",
)
_BREAKS = str.maketrans("", "", "\r\n\t")
_CERTIFICATE = "trustedform_cert_url"
_CERTIFICATE_NAMES = frozenset({"xxtrustedformcerturl"})
_PING_NAMES = frozenset({"xxtrustedformpingurl", "trustedform_ping_url"})
_LONGEST_INDEX = 4


class Misposted(PointsmanError):
    """A request that is no submission; the text is all that is answered."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Posted(dict[str, Any]):
    """Parameters by name; ``redirect`` is where the sender wants to be sent on."""

    redirect: str | None = None


def read_parameters(query: str, raw: bytes | None, content_type: str, *, ping: bool) -> Posted:
    """Return the parameters of a request; ``raw`` is ``None`` where no body was announced.

    Raises ``Misposted``.
    """
    asked = _collect(_pairs(query.encode()))
    body = {} if raw is None else _read_body(raw, _media(content_type))
    posted = Posted(_certified({**body, **asked}, ping=ping))
    posted.redirect = _redirect(asked.get("redir_url"))
    return posted


def _media(content_type: str) -> str:
    if not content_type:
        raise Misposted(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type header is required")
    media = content_type.partition(";")[0].strip().lower()
    if media not in _TYPES:
        raise Misposted(
            HTTPStatus.NOT_ACCEPTABLE,
            f"MIME type in Content-Type header is not supported. Use only {', '.join(_TYPES)}.",
        )
    return media


def _read_body(raw: bytes, media: str) -> Mapping[str, Any]:
    if not raw.strip():
        return {}
    if media == "application/json":
        return _json(raw)
    return _form(raw) if media == _TYPES[0] else _xml(raw)


def _json(raw: bytes) -> Mapping[str, Any]:
    """Return a JSON object; what else is valid JSON has no parameters."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        body = _mended_json(raw, error)
    return body if isinstance(body, dict) else {}


def _mended_json(raw: bytes, error: orjson.JSONDecodeError) -> Any:
    """Try once more without the line breaks and tabs that senders leave inside of texts."""
    try:
        return orjson.loads(raw.decode().translate(_BREAKS))
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        raise _unreadable(f"Unable to parse JSON -- {error}") from error


def _form(raw: bytes) -> Mapping[str, Any]:
    pairs = _pairs(raw)
    if not any("." in name for name, _ in pairs):
        return _collect(pairs)
    if b"&&" in raw:
        raise _unreadable("Unable to parse body -- an empty parameter between two '&'")
    return _nested(_collect(pairs))


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS
        )
    except ValueError as error:  # UnicodeDecodeError among them
        raise _unreadable(f"Unable to parse body -- {error}") from error


def _collect(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return parameters by name; a name that comes several times has a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return objects for dotted names; a plain name wins over those below it."""
    tree: dict[str, Any] = {name: value for name, value in flat.items() if "." not in name}
    for name, value in flat.items():
        parts = name.split(".")
        if len(parts) == 1:
            continue
        if len(parts) > DEPTH:
            raise _unreadable(f"Unable to parse body -- '{name[:40]}' is nested too deeply")
        _plant(tree, parts, value)
    return {name: _listed(value) for name, value in tree.items()}


def _plant(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            return
        tree = below
    tree.setdefault(parts[-1], value)


def _listed(value: Any) -> Any:
    """Return objects whose names are the first numbers as lists."""
    if not isinstance(value, dict):
        return value
    below = {name: _listed(one) for name, one in value.items()}
    if all(name.isdecimal() and len(name) <= _LONGEST_INDEX for name in below):
        return [below[name] for name in sorted(below, key=int)]
    return below


def _xml(raw: bytes) -> Mapping[str, Any]:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        message = f"Body does not contain XML or XML is unparseable -- {error}"
        raise _unreadable(message) from error
    if root.getroottree().docinfo.doctype:
        message = "Body does not contain XML or XML is unparseable -- a DOCTYPE is not allowed"
        raise _unreadable(message)
    found = _element(root, 1)
    return found if isinstance(found, dict) else {}


def _element(element: etree._Element, depth: int) -> Any:
    """Return an element's attributes and children by name; one without any is its text."""
    if depth > DEPTH:
        message = "Body does not contain XML or XML is unparseable -- nested too deeply"
        raise _unreadable(message)
    children = [(etree.QName(child).localname, _element(child, depth + 1)) for child in element]
    attributes = [(etree.QName(name).localname, text) for name, text in element.attrib.items()]
    text = (element.text or "").strip()
    if not children and not attributes:
        return text
    return _collect_any([*attributes, *children, *([("_", text)] if text else [])])


def _collect_any(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _certified(parameters: dict[str, Any], *, ping: bool) -> dict[str, Any]:
    """Give TrustedForm's parameters their field's name; those of pings count for pings only."""
    found: dict[str, Any] = {}
    pinged = None
    for name, value in parameters.items():
        lower = name.lower()
        if lower in _PING_NAMES:
            pinged = value
        elif lower in _CERTIFICATE_NAMES:
            found.setdefault(_CERTIFICATE, value)
        else:
            found[name] = value
    if ping and pinged is not None:
        found[_CERTIFICATE] = pinged
    return found


def _redirect(asked: Any) -> str | None:
    """Return where to send the sender on: an absolute address of the web."""
    if asked is None:
        return None
    first = asked[0] if isinstance(asked, list) else asked
    try:
        url = URL(first)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host or not first.isprintable():
        raise _unreadable("Invalid redir_url")
    return str(first)


def _unreadable(message: str) -> Misposted:
    return Misposted(HTTPStatus.BAD_REQUEST, message)
