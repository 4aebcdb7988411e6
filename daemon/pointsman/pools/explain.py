"""Why a lead would go where it would go, without taking a turn.

This says in words what ``match.PoolIndex`` does by look-up; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pointsman.model import Connection, Match, Origin, Participant, Pool
from pointsman.pools.match import PoolIndex, fallback_type, given_keys
from pointsman.store.pools import PoolState

__all__ = ["Verdict", "explain", "explain_turn"]

_WORDS = {
    "weight_zero": "weight 0",
    "out_of_hours": "out of working hours",
    "out_of_office": "out of office",
    "at_cap": "a cap is used up",
    "inactive": "inactive",
    "not_in_pool": "no longer in the pool",
    "turn_taken": "took this turn ahead, with a lead of their own",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one pool: whether it is the one, whether it could have been, and why."""

    pool: Pool
    chosen: bool
    matches: bool
    reasons: Sequence[str]


def explain(index: PoolIndex, origin: Origin, source: str = "webhook") -> list[Verdict]:
    """Return a verdict on every pool, in the order in which equals are preferred."""
    match = index.match(origin, source)
    return [_verdict(pool, match, origin, source) for pool in index.pools]


def explain_turn(state: PoolState) -> list[str]:
    """Return who is next, and who would be passed over and why."""
    told = [
        f"{_person(person)} would be passed over: {_why(person, reason)}"
        for person, reason in state.passed_over
    ]
    if state.owner and state.owner.reason:
        why = _WORDS.get(state.owner.reason, state.owner.reason)
        told.append(f"whoever had the last lead with this {state.owner.by} cannot take it: {why}")
    if state.parked:
        return [*told, f"{_waiting(state.parked)} in line already, and this one would go behind"]
    if state.next is None:
        return [*told, "nobody may be served: no_eligible_participant"]
    if state.owner and not state.owner.reason:
        return [*told, f"{_person(state.next)} had the last lead with this {state.owner.by}"]
    return [*told, f"{_person(state.next)} is next"]


def _verdict(pool: Pool, match: Match | None, origin: Origin, source: str) -> Verdict:
    if refusal := _refusal(pool, source):
        return Verdict(pool, chosen=False, matches=False, reasons=[refusal])
    chosen = match is not None and match.pool is pool
    lines = [_tell(connection, origin) for connection in pool.connections]
    reasons = [line for _, line in lines] or ["it has no connections"]
    matches = any(fits for fits, _ in lines) or chosen
    if chosen and match is not None and match.connection_id is None:
        reasons.append("it is the first pool that takes manual leads")
    elif chosen and not any(fits for fits, _ in lines):
        reasons.append("it is the pool of the generic webhook, which takes what has no origin")
    elif matches and not chosen and match is not None:
        reasons.append(f"'{match.pool.name}' is preferred: it matches by {match.fallback_type}")
    return Verdict(pool, chosen, matches, reasons)


def _refusal(pool: Pool, source: str) -> str | None:
    if not pool.active:
        return "it is not active (is_active: false)"
    if source == "manual" and not pool.assign_manual_leads:
        return "it takes no manual leads (assign_manual_leads: false)"
    if source != "manual" and not pool.assign_inbound_leads:
        return "it takes no inbound leads (assign_inbound_leads: false)"
    return None


def _tell(connection: Connection, origin: Origin) -> tuple[bool, str]:
    """Return whether a connection matches, and a sentence about it."""
    rule = fallback_type(connection)
    if not connection.active:
        return False, f"connection {rule} is not active"
    wrong = list(_mismatches(connection, origin))
    if wrong:
        return False, f"connection {rule} does not match: {'; '.join(wrong)}"
    return True, f"connection {rule} matches"


def _mismatches(connection: Connection, origin: Origin) -> Iterator[str]:
    for name in ("source", *given_keys(connection)):
        wanted, found = getattr(connection, name), getattr(origin, name)
        if wanted != found:
            has = "none" if found is None else f"'{found}'"
            yield f"{name} must be '{wanted}', the lead has {has}"


def _waiting(number: int) -> str:
    return "1 lead waits" if number == 1 else f"{number} leads wait"


def _person(participant: Participant) -> str:
    return f"{participant.order}. {participant.member.name}"


def _why(participant: Participant, reason: str) -> str:
    if reason == "inactive":
        return "inactive" if participant.active else "inactive in this pool"
    return _WORDS.get(reason, reason)
