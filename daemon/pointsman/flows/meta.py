"""What Meta posts of Lead Ads, read: notifications, and leads with what people filled in.

A notification usually carries ids alone; what the person said is then asked of the Graph API, whose
answer is one more form of a lead here. Anything of another shape is refused as a whole, so that
nothing of it is lost unseen: whoever sent it gets to know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pointsman.errors import Refused
from pointsman.model import Origin

__all__ = ["LONGEST_POST", "MetaLead", "Notification", "read_lead", "read_post"]

LONGEST_POST = 1000
"""Leads in one post; Meta sends as many at most."""

_ID = re.compile(r"[0-9A-Za-z_:.-]{1,64}", re.ASCII)
_LEADGEN = "leadgen"
_NAMES = {
    "phone_number": "phone_1",
    "work_phone_number": "phone_2",
    "street_address": "address_1",
    "post_code": "postal_code",
    "zip_code": "postal_code",
    "zip": "postal_code",
    "province": "state",
    "date_of_birth": "dob",
    "company_name": "company.name",
    "job_title": "title",
}
"""Meta's names of what its forms ask for, where the standard fields have others."""

_IDS = ("page_id", "form_id", "ad_id", "adset_id", "campaign_id")

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetaLead:
    """A lead by Meta's id; ``body`` is what intake takes, ``None`` if only ids are known."""

    id: str
    origin: Origin
    body: Fields | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """What one post holds; ``ignored`` counts changes of a page that are no leads."""

    leads: Sequence[MetaLead]
    ignored: int = 0


def read_post(post: Fields) -> Notification:
    """Return the leads of a post: a notification, a lead of the Graph API, or a page of them.

    Raises ``Refused`` naming the place that is not understood.
    """
    if "entry" in post:
        return _notification(post)
    if "field_data" in post:
        return Notification([read_lead(post)])
    if isinstance(post.get("data"), list):
        _check_number(len(post["data"]))
        return Notification([read_lead(one, f"data[{i}]") for i, one in enumerate(post["data"])])
    raise _not_understood(
        "body", "expected 'entry' (a notification), 'field_data' (a lead) or 'data' (leads)"
    )


def read_lead(lead: Any, place: str = "", known: Origin | None = None) -> MetaLead:
    """Return a lead with its ``field_data``; ``known`` is what its notification said of it.

    ``place`` is where in the post it stands, for whoever has to correct it.
    """
    fields = _object(lead, place or "body")
    name = "leadgen_id" if "leadgen_id" in fields else "id"
    identifier = _identifier(fields, name, _below(place, name))
    origin = _origin(fields, place, known)
    if "field_data" not in fields:
        return MetaLead(identifier, origin)
    filled = _filled(fields["field_data"], _below(place, "field_data"))
    campaign = filled.get("utm_campaign")
    if isinstance(campaign, str) and campaign.strip():
        origin = origin._replace(utm_campaign=campaign.strip())
    return MetaLead(identifier, origin, {**_facebook(identifier, fields, origin), **filled})


def _notification(post: Fields) -> Notification:
    if post.get("object", "page") != "page":
        raise _not_understood("object", "expected 'page': subscribe the page's leadgen field")
    leads: list[MetaLead] = []
    ignored = 0
    for place, change, page in _changes(post["entry"]):
        if change.get("field") != _LEADGEN:
            ignored += 1
            continue
        value = _object(change.get("value"), f"{place}.value")
        if "leadgen_id" not in value:
            raise _not_understood(f"{place}.value.leadgen_id", "is required")
        leads.append(read_lead({"page_id": page, **value}, f"{place}.value"))
        _check_number(len(leads))
    return Notification(leads, ignored)


def _changes(entries: Any) -> Iterator[tuple[str, Fields, Any]]:
    """Yield the place of every change, the change, and the id of its page."""
    for i, entry in enumerate(_list(entries, "entry")):
        held = _object(entry, f"entry[{i}]")
        for j, change in enumerate(_list(held.get("changes"), f"entry[{i}].changes")):
            place = f"entry[{i}].changes[{j}]"
            yield place, _object(change, place), held.get("id")


def _origin(lead: Fields, place: str, known: Origin | None) -> Origin:
    """Return where a lead came from; ``adgroup_id`` is what older versions call the ad."""
    told = {name: _optional(lead, name, place) for name in _IDS}
    told["ad_id"] = told["ad_id"] or _optional(lead, "adgroup_id", place)
    origin = known or Origin("meta")
    return origin._replace(
        meta_page_id=told["page_id"] or origin.meta_page_id,
        meta_form_id=told["form_id"] or origin.meta_form_id,
        meta_ad_id=told["ad_id"] or origin.meta_ad_id,
        meta_campaign_id=told["campaign_id"] or origin.meta_campaign_id,
    )


def _facebook(identifier: str, lead: Fields, origin: Origin) -> dict[str, Any]:
    """Return what Meta knows of a lead under the standard fields for it."""
    told = {
        "leadgen_id": identifier,
        "page_id": origin.meta_page_id,
        "form_id": origin.meta_form_id,
        "ad_id": origin.meta_ad_id,
        "campaign_id": origin.meta_campaign_id,
        "platform": lead.get("platform"),
        "is_organic": lead.get("is_organic"),
    }
    return {f"facebook.{name}": value for name, value in told.items() if value is not None}


def _filled(field_data: Any, place: str) -> dict[str, Any]:
    """Return what the person filled in: one value as it is, several as a list."""
    filled: dict[str, Any] = {}
    for i, entry in enumerate(_list(field_data, place)):
        at = f"{place}[{i}]"
        field = _object(entry, at)
        name, values = field.get("name"), field.get("values")
        if not isinstance(name, str) or not name:
            raise _not_understood(f"{at}.name", "expected the name of a question")
        listed = [value for value in _list(values, f"{at}.values") if value not in (None, "")]
        if listed:
            filled.setdefault(_NAMES.get(name, name), listed[0] if len(listed) == 1 else listed)
    return _with_names(filled)


def _with_names(filled: dict[str, Any]) -> dict[str, Any]:
    """Add first and last name where a form asks for the full name alone."""
    full = filled.get("full_name")
    if not isinstance(full, str) or "first_name" in filled or "last_name" in filled:
        return filled
    first, _, last = full.strip().partition(" ")
    return {**filled, "first_name": first, **({"last_name": last.strip()} if last else {})}


def _optional(fields: Fields, name: str, place: str) -> str | None:
    if fields.get(name) in (None, ""):
        return None
    return _identifier(fields, name, _below(place, name))


def _identifier(fields: Fields, name: str, place: str) -> str:
    value = fields.get(name)
    if type(value) is int and value >= 0:
        return str(value)
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise _not_understood(place, "expected an id of Meta: up to 64 letters, digits, _ : . -")
    return value


def _object(value: Any, place: str) -> Fields:
    if not isinstance(value, dict):
        raise _not_understood(place, "expected an object")
    return value


def _list(value: Any, place: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise _not_understood(place, "expected a list")
    return value


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _check_number(number: int) -> None:
    if number > LONGEST_POST:
        raise Refused(
            f"more than {LONGEST_POST} leads in one post; send fewer",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            code="PAYLOAD_TOO_LARGE",
        )


def _not_understood(place: str, expected: str) -> Refused:
    return Refused(f"{place}: {expected}", code="VALIDATION_ERROR")
