"""What the daemon says when it is ready: to people, and to scripts that wait for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pointsman.model import Organization, Origin, Ruleset

__all__ = ["announce", "greeting"]

_LEAD = '{"firstName": "Grace", "lastName": "Hopper", "email": "grace@example.com"}'


def greeting(url: str, ruleset: Ruleset) -> str:
    """Return where the daemon listens, what it serves, and a call that works when pasted."""
    lines = [f"Pointsman listens on {url}", *map(_summary, ruleset.organizations.values())]
    if not ruleset.organizations:
        lines.append("  no organization is published yet")
    for organization in ruleset.organizations.values():
        if organization.lead_webhook and organization.intake_auth.kind == "none":
            lines += ["Post a lead:", *_call(url, organization)]
            break
    return "\n".join(lines) + "\n"


def announce(port: int, port_file: Path | None, ready_fd: int | None) -> None:
    """Tell scripts that the daemon is ready on ``port``."""
    if port_file is not None:
        fresh = port_file.with_name(f"{port_file.name}.{os.getpid()}")
        fresh.write_text(f"{port}\n", encoding="utf-8")
        fresh.replace(port_file)
    if ready_fd is not None:
        os.write(ready_fd, f"ready {port}\n".encode())
        os.close(ready_fd)


def _summary(organization: Organization) -> str:
    counts = ", ".join(
        f"{count} {noun}{'' if count == 1 else 's'}"
        for noun, count in (
            ("pool", len(organization.pools)),
            ("workflow", len(organization.workflows)),
            ("flow", sum(flow.enabled for flow in organization.distinct_flows())),
            ("member", len(organization.members)),
        )
    )
    generation = f"{organization.handle} (generation {organization.generation})"
    return f"  {generation}: {counts}{_waiting(organization)}"


def _waiting(organization: Organization) -> str:
    """Say that what is live of flows is not what is saved."""
    count = len(organization.undeployed)
    told = f"; {count} flow{'' if count == 1 else 's'} to be deployed (pointsman deploy)"
    return told if count else ""


def _call(url: str, organization: Organization) -> Iterator[str]:
    yield f"  curl -sS {url}/intake/{organization.handle}/webhook{_source(organization)} \\"
    yield f"    -H 'Content-Type: application/json' -d '{_LEAD}'"


def _source(organization: Organization) -> str:
    """Return what to add to the address so that a pool gets the lead."""
    if organization.matcher.match(Origin("webhook")):
        return ""
    keys = [
        connection.source_key
        for pool in organization.pools.values()
        for connection in pool.connections
    ]
    for key in filter(None, keys):
        if organization.matcher.match(Origin("webhook", source_key=key)):
            return f"/{key}"
    return ""
