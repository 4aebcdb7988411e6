"""One turn in a pool's history: how a lead came to somebody, and what became of that.

The row is what a script wrote when the turn was taken (``turn.lua``); what happened to the
assignment later is noted in it (``history.lua``). It holds ids, never what a lead says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from orjson import dumps, loads

from pointsman.ids import assignment_id
from pointsman.store.stored import rfc3339

__all__ = ["FALLBACKS", "StoredAssignment", "Waiting", "assignment_of", "waiting_of"]

FALLBACKS = (
    "meta_ad",
    "meta_form",
    "meta_campaign",
    "meta_page",
    "meta",
    "automation_key",
    "automation",
    "workflow",
    "webhook_key",
    "utm_campaign",
    "webhook",
    "manual",
)
"""How a pool is found; a row tells the place in here, so the order must never change."""

_LETTERS = {
    "i": "inactive",
    "w": "weight_zero",
    "h": "out_of_hours",
    "o": "out_of_office",
    "c": "at_cap",
    "r": "reassigned",
    "n": "not_accepted",
}
_WAITER = re.compile(r"(\d+)([a-z])")
_MORE = re.compile(r"\+(\d+)$")


class Waiting(NamedTuple):
    """Who waited in line with a turn left (by order), and why they did not get it."""

    people: Sequence[tuple[int, str]] = ()
    more: int = 0


class StoredAssignment(NamedTuple):
    """One turn that was taken; ``metadata`` is JSON text as the API shows it."""

    id: str
    lead_id: str
    member_id: str
    order: int
    turn: int
    source: str
    at: int
    metadata: str


def assignment_of(pool_id: str, row: bytes) -> StoredAssignment:
    """Return the assignment of a row."""
    told = loads(row)
    lead, turn = told["l"], told["t"]
    return StoredAssignment(
        id=assignment_id(pool_id, lead, turn),
        lead_id=lead,
        member_id=told["m"],
        order=told["o"],
        turn=turn,
        source=told["s"],
        at=told["a"],
        metadata=dumps(_metadata(told)).decode(),
    )


def waiting_of(text: str) -> Waiting:
    """Return what a row's ``j`` tells."""
    people = [(int(order), _LETTERS.get(letter, letter)) for order, letter in _WAITER.findall(text)]
    more = _MORE.search(text)
    return Waiting(people, int(more[1]) if more else 0)


def _metadata(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the lead came to this pool and whom it passed over, in the API's words."""
    metadata = _found(told)
    if "h" in told:
        metadata["held"] = True
    if "y" in told:
        metadata["sticky"] = {"by": told["y"]}
    if "x" in told:
        by, owner, reason = told["x"]
        metadata["sticky"] = {"by": by, "ownerId": owner, "notServed": reason}
    if "z" in told:
        metadata["parkedAt"] = rfc3339(told["z"])
    if "k" in told:
        metadata["skipped"] = [{"participantId": i, "reason": reason} for i, reason in told["k"]]
    if "r" in told:
        metadata["skippedMore"] = told["r"]
    if "j" in told:
        left = waiting_of(told["j"])
        metadata["waiting"] = [{"turnOrder": o, "reason": reason} for o, reason in left.people]
        metadata |= {"waitingMore": left.more} if left.more else {}
    return metadata | _afterwards(told)


def _found(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the pool was found."""
    metadata: dict[str, Any] = {}
    if "f" in told:
        found = told["f"]
        rule = FALLBACKS[found] if isinstance(found, int) else found
        metadata["match"] = {"fallbackType": rule, "connectionId": told.get("c")}
    if "w" in told:
        metadata["flow"] = {"flowId": told["w"], "stepId": told["p"]}
    if "b" in told:
        metadata["fallbackFrom"] = told["b"]
    return metadata


def _afterwards(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return who had the lead before, who asked for the change, and what came after it."""
    metadata: dict[str, Any] = {}
    if "v" in told:
        metadata["from"] = {"userId": told["v"][0], "reason": told["v"][1]}
    if "g" in told:
        metadata["by"] = told["g"]
    if "u" in told:
        metadata["turnTaken"] = False
    if "q" in told:
        at, by = told["q"]
        metadata["accepted"] = {"at": rfc3339(at), "by": by}
    if "e" in told:
        how, at, by = told["e"]
        metadata["ended"] = {"how": how, "at": rfc3339(at), "by": by}
    if "d" in told:
        at, turns, caps, by = told["d"]
        metadata["credited"] = {"at": rfc3339(at), "turns": turns, "caps": caps, "by": by}
    return metadata
