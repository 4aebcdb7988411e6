"""The nouns every room shares: immutable data, made once a load.

A :class:`Ruleset` is what all files of a tree compile to. A request takes the organization it needs
from the ruleset once, at its start, and keeps it to its end, whatever is published meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pointsman.calendar import Schedule

__all__ = [
    "Action",
    "ApiKey",
    "Cap",
    "Change",
    "Connection",
    "FieldTable",
    "Flow",
    "IntakeAuth",
    "Limits",
    "MailServer",
    "Match",
    "Matcher",
    "Member",
    "Organization",
    "Origin",
    "Participant",
    "Pool",
    "PoolStep",
    "Rules",
    "Ruleset",
    "Snapshot",
    "Source",
    "TwilioAccount",
    "Workflow",
]


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the organization."""

    id: str
    handle: str
    name: str
    email: str | None = None
    phone: str | None = None
    active: bool = True
    availability: Schedule | None = None


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


@dataclass(frozen=True, slots=True)
class Origin:
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


@dataclass(frozen=True, slots=True)
class Pool:
    """An ordered list of participants with a pointer (which lives in Redis).

    ``revision`` is a hash of everything here that the pointer's script depends on; a decision made
    with another revision than the published one is refused as stale.
    ``on_change`` is ``keep`` or ``reset``: what a change of the participants does to the pointer.
    ``turns`` is one whole cycle: places in ``participants``, those with weight 0 among them.
    ``hold`` tells whether who is passed over is first in line when back; ``limits`` is ``None``
    where neither the time nor a number keeps anyone from being served. ``fallback`` is the id of
    the pool that is asked if nobody of this one may be served.
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
    follower: Member | None = None
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


class FieldTable(Protocol):
    """Turns a posted body into a lead's data; compiled from ``fields.yaml``."""

    def take(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lead's data: known fields typed, everything else under ``custom_fields``.

        Raises ``Refused`` (422, ``VALIDATION_ERROR``) naming every field that fails.
        """

    def read(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same of some of a lead's fields: none is required, null empties one."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a flow's leads come from: an intake (``webhook``), perhaps with one source key."""

    id: str
    name: str
    intake: str
    source_key: str | None = None


@dataclass(frozen=True, slots=True)
class PoolStep:
    """A flow step that assigns the lead through a named pool; its connections are not consulted."""

    id: str
    pool_id: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """What happens to the leads of its sources: which fields are kept, then the steps in order.

    ``fields`` is the set of kept fields, ``None`` for all.
    """

    id: str
    name: str
    file: str
    sources: Sequence[Source]
    steps: Sequence[PoolStep]
    fields: frozenset[str] | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record, as the event stream tells it: ids and names, never values.

    ``id`` is the stream entry's id; ``revision`` the record's revision that the change made;
    ``at`` milliseconds. One change can be several events (``types``), e.g. ``lead_created`` and
    ``lead_assigned``.
    """

    id: str
    types: tuple[str, ...]
    module: str
    record_id: str
    revision: int
    origin: str
    depth: int
    at: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A record as a change left it, and as it was before (``None`` on created)."""

    current: Mapping[str, Any]
    previous: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a workflow: a plugin's type with its configuration as written.

    Actions inside of others are steps too, after the one that holds them. ``following`` is the
    index of the step after this one, ``branches`` where those begin that it may choose, by option;
    ``place`` is its path in the file.
    """

    id: str
    type: str
    config: Mapping[str, Any]
    on_error: str = "fail"
    following: int = 0
    branches: Mapping[str, int] = field(default_factory=dict)
    place: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """Actions that run, in order, for every event of ``trigger_type`` that ``matches``.

    ``definition`` is the canonical JSON a run needs to go on with the version it began with;
    ``digest`` its SHA-256.
    """

    id: str
    name: str
    file: str
    module: str
    trigger_type: str
    matches: Callable[[Snapshot], bool]
    actions: Sequence[Action]
    definition: bytes
    digest: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key's digest and what it may do; ``demo`` keys count from loopback peers only."""

    name: str
    sha256: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    active: bool = True
    demo: bool = False


@dataclass(frozen=True, slots=True)
class IntakeAuth:
    """How senders of leads prove themselves.

    ``none``; ``key``: a Bearer key with scope ``leads:write``; ``hmac``:
    ``X-Pointsman-Signature: sha256=<hex>`` over the raw body.
    """

    kind: str = "none"
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who sends an organization's mail; ``tls`` is ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    tls: str
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Who sends an organization's texts, and as whom: numbers, or a messaging service's SID."""

    account_sid: str
    auth_token: str = field(repr=False)
    base_url: str = "https://api.twilio.com"
    sms_from: str | None = None
    whatsapp_from: str | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """Everything one organization's files compile to, at one generation.

    ``members`` and ``pools`` go by id (``handles`` finds a member's id); ``triggers`` by
    ``(module, type)``; ``flows`` by intake and source key. ``environment`` is what placeholders
    may read of the daemon's. ``generation`` is 0 while a tree is only checked and not published.
    ``secret`` keys the hashes of personal values (``ids.keyed``); it never changes.
    """

    id: str
    handle: str
    name: str
    hash: str
    fields: FieldTable
    matcher: Matcher
    time_zone: str = "UTC"
    generation: int = 0
    secret: bytes = field(default=b"", repr=False)
    members: Mapping[str, Member] = field(default_factory=dict)
    handles: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[ApiKey] = ()
    pools: Mapping[str, Pool] = field(default_factory=dict)
    workflows: Mapping[str, Workflow] = field(default_factory=dict)
    triggers: Mapping[tuple[str, str], Sequence[Workflow]] = field(default_factory=dict)
    flows: Mapping[tuple[str, str | None], tuple[Flow, Source]] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    mail: MailServer | None = None
    twilio: TwilioAccount | None = None
    lead_webhook: bool = False
    intake_auth: IntakeAuth = IntakeAuth()
    allow_networks: Sequence[str] = ()

    def secrets(self) -> list[str]:
        """Return everything that is never stored with a run."""
        sent = [self.mail and self.mail.password, self.twilio and self.twilio.auth_token]
        return [*self.credentials.values(), *(secret for secret in sent if secret)]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What the daemon serves: organizations by handle, and API keys by their SHA-256 in hex."""

    organizations: Mapping[str, Organization] = field(default_factory=dict)
    keys: Mapping[str, tuple[Organization, ApiKey]] = field(default_factory=dict)


class Rules(Protocol):
    """Where the rooms find what is served now."""

    current: Ruleset

    async def catch_up(self, handle: str, generation: int) -> Organization | None:
        """Serve at least ``generation`` of an organization and return it; ``None`` if it is gone.

        Called when Redis told of a newer generation than the one in hand, or refused a decision
        made with a stale pool revision (then ``generation`` is the one Redis told).
        """
