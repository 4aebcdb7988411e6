"""The nouns every room shares: immutable data, made once a load.

A :class:`Ruleset` is what all files of a tree compile to. A request takes the organization it needs
from the ruleset once, at its start, and keeps it to its end, whatever is published meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pointsman.flow import Destination, Flow, PoolStep, Source, SuppressionList
from pointsman.pool import (
    Acceptance,
    Cap,
    Connection,
    Limits,
    Match,
    Matcher,
    Member,
    Origin,
    Participant,
    Pool,
    Sticky,
)

__all__ = [
    "WORKFLOW_DEPTH",
    "Acceptance",
    "Action",
    "ApiKey",
    "Cap",
    "Change",
    "Connection",
    "Destination",
    "FieldTable",
    "Firehose",
    "Flow",
    "IntakeAuth",
    "Limits",
    "MailServer",
    "Match",
    "Matcher",
    "Member",
    "MetaApp",
    "Organization",
    "Origin",
    "Participant",
    "Pool",
    "PoolStep",
    "Rules",
    "Ruleset",
    "Snapshot",
    "Source",
    "Sticky",
    "TwilioAccount",
    "Workflow",
]

WORKFLOW_DEPTH = 8
"""How deep an event may be to begin runs, where organization.yaml does not tell."""


class FieldTable(Protocol):
    """Turns a posted body into a lead's data; compiled from ``fields.yaml``.

    ``found_by`` are the fields that a search looks at, each with its kind, ``email`` or ``phone``;
    ``types`` is field type by field id, ``labels`` what people call fields that say so.
    """

    @property
    def labels(self) -> Mapping[str, str]:
        """What people call fields, by field id."""

    @property
    def found_by(self) -> Sequence[tuple[str, str]]:
        """The fields that a search looks at."""

    @property
    def types(self) -> Mapping[str, str]:
        """Field type by field id."""

    def take(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lead's data: known fields typed, everything else under ``custom_fields``.

        Raises ``Refused`` (422, ``VALIDATION_ERROR``) naming every field that fails.
        """

    def read(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same of some of a lead's fields: none is required, null empties one."""


class Change(NamedTuple):
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


class Snapshot(NamedTuple):
    """A record as a change left it, and as it was before (``None`` on created).

    ``pool_id`` is the pool whose turn a lead's owner took last.
    """

    current: Mapping[str, Any]
    previous: Mapping[str, Any] | None = None
    pool_id: str | None = None


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
    ``digest`` half of its SHA-256. ``document`` is what the file says and ``content`` a digest of
    it, but for ``is_active``. ``reenter`` lets it see what it did to the record itself;
    ``concurrency`` is ``allow``, ``queue`` or ``skip``: what happens while a run of the same record
    is open.
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
    reenter: bool = False
    concurrency: str = "allow"
    content: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)


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
class MetaApp:
    """The Meta app that tells of new leads; without a token it is not asked what they say."""

    verify_token: str = field(repr=False)
    app_secret: bytes = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    graph_url: str = "https://graph.facebook.com"


@dataclass(frozen=True, slots=True)
class Firehose:
    """Where copies of the events of flows go: an object store or a folder.

    ``url`` is ``s3://``, ``gs://``, ``az://`` or ``file://``; ``user`` the access key's id or the
    storage account. Without a secret the machine's own credentials are used.
    """

    url: str
    prefix: str = ""
    region: str | None = None
    endpoint: str | None = None
    user: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Organization:
    """Everything one organization's files compile to, at one generation.

    ``members`` and ``pools`` go by id (``handles`` finds a member's id); ``triggers`` by
    ``(module, type)``; ``flows`` by intake and source key,
    ``named_flows`` by id and by file stem: those that are live. ``saved_flows`` are so named what
    the files say; they are others only with ``manual_deploy``, and ``undeployed`` then tells, by
    flow id, what deploying would do: ``new``, ``changed`` or ``removed``. ``environment`` is
    what placeholders may read of the daemon's. ``generation`` is 0 while a tree is only checked and
    not published. ``secret`` keys the hashes of personal values (``ids.keyed``); it never changes.
    ``workflow_depth`` is how deep an event may be to begin runs; a change made by a run is one
    deeper than the event that began it.
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
    lists: Mapping[str, SuppressionList] = field(default_factory=dict)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    named_flows: Mapping[str, Flow] = field(default_factory=dict)
    saved_flows: Mapping[str, Flow] = field(default_factory=dict)
    manual_deploy: bool = False
    undeployed: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    mail: MailServer | None = None
    twilio: TwilioAccount | None = None
    firehose: Firehose | None = None
    lead_url: str | None = None
    lead_webhook: bool = False
    flows_api: bool = True
    automation: bool = False
    meta: MetaApp | None = None
    intake_auth: IntakeAuth = IntakeAuth()
    intake_limit: int | None = None
    keep_history: bool = False
    workflow_depth: int = WORKFLOW_DEPTH
    allow_networks: Sequence[str] = ()

    def member(self, name: str) -> Member | None:
        """Return the member with this handle or id."""
        return self.members.get(self.handles.get(name, name.lower()))

    def distinct_flows(self) -> list[Flow]:
        """Return the live flows, each once, in the order of their files."""
        return _distinct(self.named_flows)

    def distinct_saved_flows(self) -> list[Flow]:
        """Return the flows of the files, each once, in the order of these."""
        return _distinct(self.saved_flows)

    def secrets(self) -> list[str]:
        """Return everything that is never stored with a run."""
        senders = (self.mail and self.mail.password, self.twilio and self.twilio.auth_token)
        sent = [*senders, self.firehose and self.firehose.secret]
        if self.meta:
            sent += [self.meta.app_secret.decode(), self.meta.access_token]
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


def _distinct(named: Mapping[str, Flow]) -> list[Flow]:
    found = {flow.id: flow for flow in named.values()}
    return sorted(found.values(), key=lambda flow: flow.file)
