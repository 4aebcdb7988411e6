"""``state``: states, territories and provinces of the United States and Canada."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import VALID, Value, field_type

__all__ = ["NAMES", "state"]

NAMES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa",
    "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland",
    "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi",
    "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina",
    "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania",
    "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee",
    "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington",
    "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "AS": "American Samoa", "DC": "District of Columbia", "FM": "Federated States of Micronesia",
    "GU": "Guam", "MH": "Marshall Islands", "MP": "Northern Mariana Islands", "PR": "Puerto Rico",
    "PW": "Palau", "VI": "U.S. Virgin Islands",
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "NT": "Northwest Territories",
    "NU": "Nunavut", "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec",
    "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip

_CODES = {spelling.lower(): code for code, name in NAMES.items() for spelling in (code, name)}
_LONGEST = max(map(len, NAMES.values()))


@field_type(
    "state",
    operators=("equal", "obscene", "search", "list"),
    attributes={"raw": "string", "name": "string"},
)
def state(posted: Any, _now: datetime | None) -> Value:
    """Read a state by its code or its name, in any case, as the two letters of its code.

    Anything else stays as it is: a region of another country is as valid. Attribute: ``name``.
    """
    raw = as_text(posted)
    code = _CODES.get(raw.lower(), raw) if len(raw) <= _LONGEST else raw
    return Value(raw, code, VALID, {"name": NAMES.get(code, raw)})
