"""What a vendor posts to a source, whatever its form, as one object of parameters.

Forms, JSON and XML are read the way vendors have come to rely on (flows-reference §1): dotted names
of a form nest, those of the query stay flat, and the query wins over the body. Refusals are plain
texts with the wording that their senders' integrations look for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
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
_CERTIFIER = "trustedform"
"""What the names of all its parameters have in common."""

_CERTIFICATE = "trustedform_cert_url"
_CERTIFICATE_NAMES = frozenset({"xxtrustedformcerturl"})
_PING_NAMES = frozenset({"xxtrustedformpingurl", "trustedform_ping_url"})
_LONGEST_INDEX = 4
_LONGEST_GAPPED = 100
"""Of a longer list, gaps are left out: few parameters must not make many values."""

_UTF_8 = "utf-8"
_OF_ONE_BYTE = frozenset({"latin1", "iso-8859-1", "iso-8859-15", "windows-1252", "us-ascii"})


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
    asked: Mapping[str, Any] = _collect(_pairs(query.encode(), _UTF_8)) if query else {}
    redirect = _redirect(asked.get("redir_url"))
    body = {} if raw is None else _read_body(raw, *_form_of(content_type))
    every = _merged(body, asked)
    if _CERTIFIER in " ".join(every).lower():
        asked = _certified(asked, ping=ping)
        every = _certified(_merged(body, asked), ping=ping)
    posted = Posted(every)
    posted.redirect = redirect
    return posted


@lru_cache(maxsize=256)
def _form_of(content_type: str) -> tuple[str, str]:
    """Return the media type and the charset of a body; a sender writes them the same every time."""
    return _media(content_type), _charset(content_type)


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


def _charset(content_type: str) -> str:
    """Return how the text of a body is encoded: UTF-8, but for the old charsets of one byte."""
    name = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" '\"")
    return name if name in _OF_ONE_BYTE else _UTF_8


def _merged(body: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return both; the query wins, over the first values of a longer list too."""
    found = {**body, **asked}
    for name, values in asked.items():
        if isinstance(values, list) and isinstance(below := body.get(name), list):
            found[name] = [*values, *below[len(values) :]]
    return found


def _read_body(raw: bytes, media: str, charset: str) -> Mapping[str, Any]:
    raw = raw.strip()
    if not raw:
        return {}
    if media == "application/json":
        return _json(raw, charset)
    return _form(raw, charset) if media == _TYPES[0] else _xml(raw)


def _json(raw: bytes, charset: str) -> Mapping[str, Any]:
    """Return a JSON object; what else is valid JSON has no parameters."""
    try:
        body = orjson.loads(raw if charset == _UTF_8 else raw.decode(charset, "replace"))
    except orjson.JSONDecodeError as error:
        body = _mended_json(raw.decode(charset, "replace"), error)
    return body if isinstance(body, dict) else {}


def _mended_json(text: str, error: orjson.JSONDecodeError) -> Any:
    """Try once more without the line breaks and tabs that senders leave inside of texts.

    Nor does it fail for a byte order mark, or for bytes that are no text.
    """
    try:
        return orjson.loads(text.removeprefix("\ufeff").translate(_BREAKS))
    except orjson.JSONDecodeError:
        raise _unreadable(f"Unable to parse JSON -- {error}") from error


def _form(raw: bytes, charset: str) -> Mapping[str, Any]:
    pairs = _pairs(raw, charset)
    if not any("." in name for name, _ in pairs):
        return _collect(pairs)
    if b"&&" in raw:
        raise _unreadable("Unable to parse body -- an empty parameter between two '&'")
    return _nested(_collect(pairs))


def _pairs(raw: bytes, charset: str) -> list[tuple[str, str]]:
    """Return names and values; bytes that are no text become marks of that, as a lead is dear."""
    text = raw.decode(charset, "replace")
    if "%" not in text and "+" not in text and text.count("&") < PARAMETERS:  # nothing to decode
        return [pair.partition("=")[::2] for pair in text.split("&") if pair]
    try:
        return parse_qsl(text, keep_blank_values=True, encoding=charset, max_num_fields=PARAMETERS)
    except ValueError as error:
        raise _unreadable(f"Unable to parse body -- {error}") from error


def _collect(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return parameters by name; a name that comes several times has a list."""
    found: dict[str, Any] = dict(pairs)
    if len(found) == len(pairs):  # nearly always
        return found
    found.clear()
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
    """Return objects whose names are numbers as lists; numbers left out are gaps."""
    if not isinstance(value, dict):
        return value
    below = {name: _listed(one) for name, one in value.items()}
    if not all(name.isdecimal() and len(name) <= _LONGEST_INDEX for name in below):
        return below
    by_place = {int(name): one for name, one in below.items()}
    last = max(by_place)
    places = range(last + 1) if last < _LONGEST_GAPPED else sorted(by_place)
    return [by_place.get(place) for place in places]


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
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    if not children and not attributes:
        return text
    return _collect_any([*attributes, *children, *([("_", text)] if text.strip() else [])])


def _collect_any(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _certified(parameters: Mapping[str, Any], *, ping: bool) -> dict[str, Any]:
    """Give TrustedForm's parameters their field's name; those of pings count for pings only.

    What its script has put into a form wins over a field that the sender has filled.
    """
    found: dict[str, Any] = {}
    written = pinged = None
    for name, value in parameters.items():
        lower = name.lower()
        if lower in _PING_NAMES:
            pinged = value
        elif lower in _CERTIFICATE_NAMES:
            written = value
        else:
            found[name] = value
    certificate = (pinged if ping else None) or written
    if certificate:
        found[_CERTIFICATE] = certificate
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
