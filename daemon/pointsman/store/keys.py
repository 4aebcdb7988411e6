"""Every key of an organization, in one place.

All carry the hash tag ``{<organization id>}``: one organization's state is one slot, so that its
scripts are atomic on a cluster too. What holds personal data lives under ``lead:<id>``, but for the
runs that the lead names.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Self, cast

from pointsman.modules import place

__all__ = ["ORGANIZATIONS", "Keys"]

ORGANIZATIONS = "pm:organizations"
"""Hash of handle to organization id, of every organization that was ever published."""


class Keys:
    """Builds the keys of one organization; those that are asked for often are built once."""

    __slots__ = (
        "clock",
        "dead_letters",
        "deployed",
        "events",
        "firehose",
        "flow_events",
        "flows",
        "format",
        "generation",
        "leases",
        "nodes",
        "outbox",
        "outcomes",
        "pools",
        "prefix",
        "running",
        "secret",
        "sinks",
        "workflows",
    )

    def __new__(cls, organization: str) -> Self:
        """Return the one of this organization."""
        return cast("Self", _keys(organization))

    def _name(self, organization: str) -> None:
        self.prefix = prefix = f"pm:{{{organization}}}:"
        self.format = f"{prefix}format"
        self.generation = f"{prefix}generation"
        self.nodes = f"{prefix}nodes"
        self.leases = f"{prefix}leases"
        self.pools = f"{prefix}pools"
        self.events = f"{prefix}events"
        self.flow_events = f"{prefix}flow_events"
        self.firehose = f"{prefix}firehose"
        self.outbox = f"{prefix}outbox"
        self.outcomes = f"{prefix}outcomes"
        self.running = f"{prefix}running"
        self.secret = f"{prefix}secret"
        self.sinks = f"{prefix}sinks"
        self.clock = f"{prefix}clock"
        self.workflows = f"{prefix}workflows"
        self.flows = f"{prefix}flows"
        self.deployed = f"{prefix}deployed"
        self.dead_letters = f"{prefix}dead_letters"

    def lease(self, name: str) -> str:
        """Return the string with a TTL that tells ``<token> <holder>`` of the right ``name``."""
        return f"{self.prefix}lease:{name}"

    def files(self, generation: int | str) -> str:
        """Hash of one generation: its compressed files and what is known of it."""
        return f"{self.prefix}generation:{generation}"

    def lead(self, placed: str) -> str:
        """Hash of a lead; or of the record at a place such as ``task:<id>``, as runs know it."""
        return f"{self.prefix}{placed}" if ":" in placed else f"{self.prefix}lead:{placed}"

    def log(self, identifier: str) -> str:
        """List of a lead's changes, oldest first."""
        return f"{self.prefix}lead:{identifier}:log"

    def errands(self, identifier: str) -> str:
        """Hash: how a lead began its way, for deliveries of it that are tried again."""
        return f"{self.prefix}lead:{identifier}:errands"

    def record(self, module: str, identifier: str) -> str:
        """Hash of a record; a lead's is that of ``lead``."""
        return self.prefix + place(module, identifier)

    def index(self, module: str) -> str:
        """Sorted set in which a module's records are listed and found."""
        return f"{self.prefix}index:{module}"

    def owned(self, module: str) -> str:
        """Sorted set: a module's open records by owner, while somebody wants to know."""
        return f"{self.prefix}index:{module}:owned"

    def reserved(self, name: str) -> str:
        """String: the id that a caller's name for a record stands for."""
        return f"{self.prefix}reserved:{name}"

    def used_fields(self, flow: str, day: str) -> str:
        """Hash: how many leads of a flow had each field on a day; with a TTL."""
        return f"{self.prefix}flow:{flow}:fields:{day}"

    def deployed_versions(self, flow: str) -> str:
        """Hash of the last texts of a flow that were deployed, by number."""
        return f"{self.prefix}flow:{flow}:deployed"

    def flow_story(self, identifier: str) -> str:
        """List of the events of a lead's way through a flow."""
        return f"{self.prefix}lead:{identifier}:events"

    def run(self, run: str) -> str:
        """Hash of a workflow run; ``lead_runs`` names those of a record."""
        return f"{self.prefix}run:{run}"

    def notes(self, placed: str) -> str:
        """Hash: what notifications about the record at a place say, by their ids."""
        return f"{self.lead(placed)}:notes"

    def inbox(self, member: str) -> str:
        """Sorted set: a member's notifications by time, each with the place of its record."""
        return f"{self.prefix}inbox:{member}"

    def unread(self, member: str) -> str:
        """Sorted set: those of a member's notifications that are not read yet."""
        return f"{self.prefix}inbox:{member}:unread"

    @property
    def notifications(self) -> str:
        """Stream: ids of new notifications, and whose they are."""
        return f"{self.prefix}notifications"

    def lead_runs(self, placed: str) -> str:
        """Set of a record's run ids: what an erasure has to find."""
        return f"{self.lead(placed)}:runs"

    def workflow_runs(self, workflow: str) -> str:
        """Sorted set of a workflow's run ids by start time."""
        return f"{self.prefix}workflow:{workflow}:runs"

    def runs(self, status: str) -> str:
        """Sorted set of the ids of all runs of a status by start."""
        return f"{self.prefix}runs:{status}"

    def definition(self, digest: str) -> str:
        """String: a workflow's definition, kept while a run began with it."""
        return f"{self.prefix}definition:{digest}"

    def pool(self, identifier: str) -> str:
        """Hash of a pool's pointer."""
        return f"{self.prefix}pool:{identifier}"

    def cycle(self, identifier: str) -> str:
        """Hash of a pool's cycle: position to participant."""
        return f"{self.prefix}pool:{identifier}:cycle"

    def history(self, identifier: str) -> str:
        """List of a pool's assignments, oldest first."""
        return f"{self.prefix}pool:{identifier}:history"

    def rows(self, identifier: str, source: str) -> str:
        """List of the numbers of a source's assignments in a pool's history, oldest first."""
        return f"{self.prefix}pool:{identifier}:history:{source}"

    def staged(self, identifier: str, operation: str, source: str | None = None) -> str:
        """List of the rows of a history that is being moved here, or of a source's numbers."""
        staged = f"{self.prefix}pool:{identifier}:import:{operation}"
        return f"{staged}:{source}" if source else staged

    def moves(self, identifier: str) -> str:
        """List of what moved a pool's pointer or lines beside turns, oldest first."""
        return f"{self.prefix}pool:{identifier}:moves"

    def people(self, identifier: str) -> str:
        """Hash of the lists of people that a pool had, by digest."""
        return f"{self.prefix}pool:{identifier}:people"

    def stats(self, identifier: str) -> str:
        """Hash of a pool's counters."""
        return f"{self.prefix}pool:{identifier}:stats"

    def caps(self, identifier: str) -> str:
        """Hash of how much of a pool's caps is used."""
        return f"{self.prefix}pool:{identifier}:caps"

    def held(self, identifier: str) -> str:
        """List of the people who were passed over in a pool and have a turn left."""
        return f"{self.prefix}pool:{identifier}:held"

    def owed(self, identifier: str) -> str:
        """Hash of the turns that people of a pool took ahead."""
        return f"{self.prefix}pool:{identifier}:owed"

    def owner(self, identifier: str, mark: str) -> str:
        """String: who of a pool has a person known by ``mark``, a keyed hash."""
        return f"{self.prefix}pool:{identifier}:owner:{mark}"

    def parked(self, identifier: str) -> str:
        """Sorted set: a pool's line, ids of the leads that wait by when they came."""
        return f"{self.prefix}pool:{identifier}:parked"

    def seen(self, identifier: str) -> str:
        """Hash: when a pool and its parts were first published and last changed."""
        return f"{self.prefix}pool:{identifier}:seen"

    def leadgen(self, identifier: str) -> str:
        """Hash: which lead one of Meta's is, and whether it still has to be read."""
        return f"{self.prefix}leadgen:{identifier}"

    def calls(self, who: str) -> str:
        """Sorted set: calls of an API key or a client address in the last minute."""
        return f"{self.prefix}calls:{who}"

    @property
    def failed_leadgens(self) -> str:
        """Sorted set: ids of Meta's leads that were given up, by when."""
        return f"{self.prefix}leadgens:failed"

    def once(self, operation: str) -> str:
        """String: the first answer to an operation, for ten minutes."""
        return f"{self.prefix}once:{operation}"

    def idempotency(self, digest: str) -> str:
        """Hash: what a sender's idempotency key stands for, for a day."""
        return f"{self.prefix}idempotency:{digest}"


@lru_cache(maxsize=1024)
def _keys(organization: str) -> Keys:
    keys = object.__new__(Keys)
    keys._name(organization)
    return keys
