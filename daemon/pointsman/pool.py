"""The nouns of pools: what their files compile to, and where leads come from; made once a load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pointsman.calendar import Schedule

__all__ = [
    "Acceptance",
    "Cap",
    "Connection",
    "Limits",
    "Match",
    "Matcher",
    "Member",
    "Origin",
    "Participant",
    "Pool",
    "Sticky",
]


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the organization; ``roles`` are names by which several can be told at once."""

    id: str
    handle: str
    name: str
    email: str | None = None
    phone: str | None = None
    active: bool = True
    availability: Schedule | None = None
    roles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Cap:
    """How many turns someone may take per calendar hour, day, week or month of a zone."""

    limit: int
    per: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Participant:
    """A member's place in one pool; ``order`` counts from 1.

    ``weight`` is the share of turns beside the others'; with 0 there are none. ``schedules`` are
    the member's and those of this place: only who is there by all of them is served.
    """

    id: str
    member: Member
    order: int
    active: bool = True
    weight: int = 1
    schedules: Sequence[Schedule] = ()
    caps: Sequence[Cap] = ()


class Origin(NamedTuple):
    """Where a lead came from: what connections are matched against, stored with the lead."""

    source: str
    source_key: str | None = None
    provider: str | None = None
    meta_page_id: str | None = None
    meta_form_id: str | None = None
    meta_ad_id: str | None = None
    meta_campaign_id: str | None = None
    utm_campaign: str | None = None
    workflow_id: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What routes a lead into a pool; every key it gives must match."""

    id: str
    source: str = "webhook"
    provider: str | None = None
    source_key: str | None = None
    meta_page_id: str | None = None
    meta_form_id: str | None = None
    meta_ad_id: str | None = None
    meta_campaign_id: str | None = None
    utm_campaign: str | None = None
    workflow_id: str | None = None
    active: bool = True


class Limits(Protocol):
    """What keeps people of a pool from being served now."""

    def at(self, now: int) -> str:
        """Return what the script of a turn must know at ``now`` (milliseconds)."""

    def until(self, now: int) -> int:
        """Return to before when that stays as it is at ``now``."""


class Acceptance(Protocol):
    """How long someone has to accept a lead of a pool, and what happens else.

    After so many ``hops`` to the next in turn, or when nobody else may be served, ``then`` is done:
    ``keep``, ``unassign`` or ``fallback``.
    """

    hops: int
    then: str

    def at(self, now: int) -> str:
        """Return what the script of a turn must know at ``now`` (milliseconds)."""

    def told(self) -> str:
        """Return all of it as a sentence."""


@dataclass(frozen=True, slots=True)
class Sticky:
    """How long someone's leads go to who had the last one, known again ``by`` email or phone.

    ``within`` is in milliseconds. With ``takes_turn`` such a lead is one of the owner's turns.
    """

    by: Sequence[str]
    within: int
    takes_turn: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """An ordered list of participants with a pointer (which lives in Redis).

    ``revision`` is a hash of everything here that the pointer's script depends on; a decision made
    with another revision than the published one is refused as stale.
    ``on_change`` is ``keep`` or ``reset``: what a change of the participants does to the pointer.
    ``turns`` is one whole cycle: places in ``participants``, those with weight 0 among them.
    ``hold`` tells whether who is passed over is first in line when back; ``limits`` is ``None``
    where neither the time nor a number keeps anyone from being served. ``fallback`` is the id of
    the pool that is asked if nobody of this one may be served; ``parks`` tells whether the lead
    then waits in line. ``accept`` is ``None`` where leads need not be accepted.
    """

    id: str
    name: str
    file: str
    participants: Sequence[Participant]
    connections: Sequence[Connection] = ()
    active: bool = True
    assign_inbound_leads: bool = True
    assign_manual_leads: bool = False
    priority: int = 0
    on_change: str = "keep"
    revision: str = ""
    turns: Sequence[int] = ()
    hold: bool = False
    limits: Limits | None = None
    fallback: str | None = None
    parks: bool = False
    sticky: Sticky | None = None
    accept: Acceptance | None = None
    follower: Member | None = None
    email_notifications: bool = False
    goal_total_deals: int | None = None
    goal_won_deals: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The pool that a lead's origin leads to, and by which rule of the precedence.

    ``why`` tells the same as the inside of a JSON object, for the history of the pool.
    """

    pool: Pool
    fallback_type: str
    connection_id: str | None = None
    why: str = ""


class Matcher(Protocol):
    """Finds the pool of an origin; compiled once a load so that its cost is flat in the pools."""

    def match(self, origin: Origin, source: str = "webhook") -> Match | None:
        """Return the most specific active pool, or ``None``.

        ``source`` is what history will record; it chooses between the pools' two switches.
        """
