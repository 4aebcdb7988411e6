"""What a vendor is answered: the outcome of a submission, in the form that its request accepts.

A post is answered 201 whatever became of the lead, because for the vendor's client the request
worked: ``outcome`` says the rest (flows-reference §1). Keys keep their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import orjson
from aiohttp import web

from pointsman.http.answers import answer
from pointsman.http.parameters import Misposted

__all__ = ["acceptable", "content", "respond"]

_JSON = "application/json"
_XML = ("application/xml", "text/xml")
_FORM = "application/x-www-form-urlencoded"
_OFFERED = (_FORM, _JSON, *_XML)
"""Of those that are named and wanted equally, the last is chosen, as in the reference."""

_UNNAMED = (_FORM, *reversed(_XML), _JSON)
"""Of those that are wanted because everything is, the last."""

_ANYTHING = frozenset({"", "*/*", _JSON, "application/*"})
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no document of XML 1.0 may have."""

_KEPT = {"\r": "&#xD;"}
"""What a reader of XML would take for something else."""

_REFUSAL = "Not capable of generating content according to the Accept header"


def acceptable(accept: str | None) -> str:
    """Return the media type to answer in; JSON where the sender does not care.

    Raises ``Misposted`` if nothing that is offered is accepted.
    """
    if accept is None or accept.strip() in _ANYTHING:
        return _JSON
    wanted = list(_ranges(accept))
    best, best_rank = "", (0.0, False, 0)
    for place, offered in enumerate(_OFFERED):
        quality, named = _quality(offered, wanted)
        rank = (quality, named, place if named else _UNNAMED.index(offered))
        if quality and rank > best_rank:
            best, best_rank = offered, rank
    if not best:
        raise Misposted(HTTPStatus.NOT_ACCEPTABLE, _REFUSAL)
    return best


def content(outcome: str, reason: str | None, price: Any, lead_id: str | None) -> dict[str, Any]:
    """Return an answer's content in its order; a ping has no lead."""
    told: dict[str, Any] = {"outcome": outcome}
    if reason:
        told["reason"] = reason
    if lead_id is not None:
        told["lead"] = {"id": lead_id}
    told["price"] = price
    return told


def respond(told: Mapping[str, Any], media: str, status: int, redirect: str | None) -> web.Response:
    """Return the response; with a ``redirect`` the sender is sent on, with the same body."""
    if media == _JSON and redirect is None:
        return answer(told, status)
    headers = {}
    if redirect is not None:
        status, headers = HTTPStatus.SEE_OTHER, {"Location": redirect}
    if media == _JSON:
        body = orjson.dumps(told)
    elif media == _FORM:
        body = urlencode(list(_flat(told))).encode()
    else:
        body = "\n".join(['<?xml version="1.0"?>', *_element("result", told, "")]).encode()
    return web.Response(body=body, status=status, headers=headers, content_type=media)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield the media ranges of an ``Accept`` header with their qualities."""
    for part in accept.split(",")[:100]:
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                quality = _number(value)
        yield "*/*" if media == "*" else media.lower(), quality


def _number(text: str) -> float:
    """Return a quality; what is none is as good as said."""
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0


def _quality(offered: str, wanted: Sequence[tuple[str, float]]) -> tuple[float, bool]:
    """Return how much a type is wanted, and whether it is named: what names it best counts."""
    kind = offered.partition("/")[0]
    for named in (offered, f"{kind}/*", "*/*"):
        found = [quality for media, quality in wanted if media == named]
        if found:
            return max(found), named == offered
    return 0.0, False


def _element(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"{indent}<{name}>"
        for child, below in value.items():
            yield from _element(child, below, f"{indent}  ")
        yield f"{indent}</{name}>"
    else:
        yield f"{indent}<{name}>{escape(_FORBIDDEN.sub('', str(value)), _KEPT)}</{name}>"


def _flat(told: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(value)
