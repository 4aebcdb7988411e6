"""Every key of an organization, in one place.

All carry the hash tag ``{<organization id>}``: one organization's state is one slot, so that its
scripts are atomic on a cluster too. What holds personal data lives under ``lead:<id>``.
"""

from __future__ import annotations

__all__ = ["ORGANIZATIONS", "Keys"]

ORGANIZATIONS = "pm:organizations"
"""Hash of handle to organization id, of every organization that was ever published."""


class Keys:
    """Builds the keys of one organization."""

    __slots__ = (
        "events",
        "format",
        "generation",
        "leases",
        "nodes",
        "outbox",
        "pools",
        "prefix",
        "running",
        "secret",
    )

    def __init__(self, organization: str) -> None:
        self.prefix = prefix = f"pm:{{{organization}}}:"
        self.format = f"{prefix}format"
        self.generation = f"{prefix}generation"
        self.nodes = f"{prefix}nodes"
        self.leases = f"{prefix}leases"
        self.pools = f"{prefix}pools"
        self.events = f"{prefix}events"
        self.outbox = f"{prefix}outbox"
        self.running = f"{prefix}running"
        self.secret = f"{prefix}secret"

    def lease(self, name: str) -> str:
        """Return the string with a TTL that tells ``<token> <holder>`` of the right ``name``."""
        return f"{self.prefix}lease:{name}"

    def files(self, generation: int | str) -> str:
        """Hash of one generation: its compressed files and what is known of it."""
        return f"{self.prefix}generation:{generation}"

    def lead(self, identifier: str) -> str:
        """Hash of a lead."""
        return f"{self.prefix}lead:{identifier}"

    def log(self, identifier: str) -> str:
        """List of a lead's changes, oldest first."""
        return f"{self.prefix}lead:{identifier}:log"

    def run(self, identifier: str, run: str) -> str:
        """Hash of a workflow run of a lead."""
        return f"{self.prefix}lead:{identifier}:run:{run}"

    def lead_runs(self, identifier: str) -> str:
        """Set of a lead's run ids: what an erasure has to find."""
        return f"{self.prefix}lead:{identifier}:runs"

    def run_index(self, run: str) -> str:
        """String: the lead that a run belongs to."""
        return f"{self.prefix}run:{run}"

    def workflow_runs(self, workflow: str) -> str:
        """Sorted set of a workflow's run ids by start time."""
        return f"{self.prefix}workflow:{workflow}:runs"

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

    def stats(self, identifier: str) -> str:
        """Hash of a pool's counters."""
        return f"{self.prefix}pool:{identifier}:stats"

    def caps(self, identifier: str) -> str:
        """Hash of how much of a pool's caps is used."""
        return f"{self.prefix}pool:{identifier}:caps"

    def held(self, identifier: str) -> str:
        """List of the people who were passed over in a pool and have a turn left."""
        return f"{self.prefix}pool:{identifier}:held"

    def seen(self, identifier: str) -> str:
        """Hash: when a pool and its parts were first published and last changed."""
        return f"{self.prefix}pool:{identifier}:seen"

    def once(self, operation: str) -> str:
        """String: the first answer to an operation, for ten minutes."""
        return f"{self.prefix}once:{operation}"

    def idempotency(self, digest: str) -> str:
        """Hash: what a sender's idempotency key stands for, for a day."""
        return f"{self.prefix}idempotency:{digest}"
