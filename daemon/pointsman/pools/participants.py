"""The people of a pool's file, and the order of turns as the scripts keep it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pointsman.ids import derived
from pointsman.model import Member, Participant
from pointsman.pools.availability import compile_availability, effective
from pointsman.pools.cycle import LONGEST_CYCLE, cycle_length
from pointsman.pools.limits import compile_caps, slots
from pointsman.registry import nearest

__all__ = ["compile_participants", "cycle_entries", "unknown_member"]

Report = Callable[[tuple[str | int, ...], str], None]


def compile_participants(
    documents: Sequence[Any],
    pool_id: str,
    members: Mapping[str, Member],
    time_zone: str,
    report: Report,
) -> tuple[Participant, ...]:
    """Return the participants in their order; ``members`` by handle and by id."""
    found: list[Participant] = []
    first: dict[str, int] = {}
    for place, document in enumerate(documents):
        written = {"member": document} if isinstance(document, str) else document
        path = ("participants", place) + (() if isinstance(document, str) else ("member",))
        name = written["member"]
        member = members.get(name)
        if member is None:
            report(path, unknown_member(name, members))
        elif member.id in first:
            report(path, f"'{name}' is in the pool already, at participants[{first[member.id]}]")
        else:
            first[member.id] = place
            below = _below(report, path[:2])
            ready = _participant(written, member, pool_id, time_zone, below)
            found.append(replace(ready, order=len(found) + 1))
    return tuple(found) if _short_enough(found, report) else ()


def unknown_member(name: str, members: Mapping[str, Member]) -> str:
    """Return what to say of a name that no member has."""
    handles = sorted({known.handle for known in members.values()})
    return f"no member '{name}'{nearest(name, handles)}; members are in organization.yaml"


def cycle_entries(participants: Sequence[Participant], order: Sequence[int]) -> list[str]:
    """Return the entry of every turn; turn.lua says what its parts mean."""
    windows = {slot: str(place) for place, slot in enumerate(slots(participants))}
    entries = [_entry(person, windows) for person in participants]
    return [entries[place] for place in order]


def _participant(
    written: Mapping[str, Any],
    member: Member,
    pool_id: str,
    time_zone: str,
    report: Report,
) -> Participant:
    """Return a participant who has no place in the order yet."""
    own = compile_availability(
        written.get("availability"), time_zone, _below(report, ("availability",))
    )
    return Participant(
        id=str(written.get("id") or derived(pool_id, "participant", member.id)),
        member=member,
        order=0,
        active=bool(written.get("is_active", True)),
        weight=int(written.get("weight", 1)),
        schedules=effective(member.availability, own),
        caps=compile_caps(written.get("caps", ()), time_zone, report),
    )


def _short_enough(participants: Sequence[Participant], report: Report) -> bool:
    length = cycle_length([person.weight for person in participants])
    if length > LONGEST_CYCLE:
        report(
            ("participants",),
            f"with these weights the order of turns repeats only after {length} of them, at most "
            f"{LONGEST_CYCLE} are possible; choose weights with a common divisor, or smaller ones",
        )
    return length <= LONGEST_CYCLE


def _entry(person: Participant, windows: Mapping[tuple[str, str], str]) -> str:
    active = person.active and person.member.active
    state = "0" if not active else "1" if person.weight else "2"
    if person.caps:
        caps = (f"{cap.limit}@{windows[cap.per, cap.time_zone]}" for cap in person.caps)
        state += f":{','.join(caps)}"
    return f"{person.order}|{state}|{person.member.id}|{person.id}"


def _below(report: Report, place: tuple[str | int, ...]) -> Report:
    """Return a report for what stands at ``place``."""
    return lambda path, message: report((*place, *path), message)
