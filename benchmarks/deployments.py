"""The deployments that are measured, written as files like anybody's."""

from __future__ import annotations

import random
from pathlib import Path

__all__ = ["many_flows", "many_pools", "pool_of", "soaked", "two_participants"]

ORGANIZATION = """\
name: Benchmark
time_zone: Europe/Berlin
integrations:
  lead_webhook: {enabled: true}
intake: {auth: none}
members:
"""
WORKFLOW = """\
name: Tag
trigger_module: leads
trigger_type: lead_created
actions:
  - key: tag
    action_type: add_tag
    config: {tag: measured}
"""
NEVER = """\
trigger_filters:
  logic: AND
  conditions:
    - {field: city, operator: equals, value: Nowhere}
"""
LIST = "{name: Seen, kind: duplicate, type: email}\n"
FLOW = """\
name: Flow {number}
fields: [first_name, last_name, email, phone_1, state, postal_code, dob, ip_address]
list_checks:
  duplicate: {{value: "{{{{lead.email}}}}", list_name: seen}}
acceptance_criteria:
  rule_set:
    op: and
    rules:
      - {{lhv: lead.email, op: is not blank}}
      - {{lhv: lead.state, op: is not equal to, rhv: FL}}
      - {{lhv: suppressionlist.is_duplicate, op: is false}}
pricing:
  prices:
    - amount: 10
    - amount: 12.5
      rule_set: {{op: and, rules: [{{lhv: lead.state, op: is equal to, rhv: TX}}]}}
caps: [{{key: all, maximum: 1000000000, duration_units: month}}]
sources: [{{key: a}}]
steps: [{{type: pool, key: team, pool: inbound}}]
"""


def many_flows(folder: Path, number: int) -> None:
    """Write ``number`` flows with gates, prices, a cap and a pool that all of them share."""
    organization = _organization(folder, members=2)
    for name in ("flows", "lists"):
        (organization / name).mkdir()
    (organization / "lists/seen.yaml").write_text(LIST)
    (organization / "pools/inbound.yaml").write_text(_pool("Inbound", ["m0", "m1"]))
    (organization / "workflows/tag.yaml").write_text(WORKFLOW + NEVER)
    for i in range(number):
        (organization / f"flows/f{i}.yaml").write_text(FLOW.format(number=i))


def two_participants(folder: Path, *, tagged: bool) -> None:
    """Write one pool of two and a workflow that tags every lead, or none."""
    organization = _organization(folder, members=2)
    (organization / "pools/inbound.yaml").write_text(_pool("Inbound", ["m0", "m1"]))
    (organization / "workflows/tag.yaml").write_text(WORKFLOW + ("" if tagged else NEVER))


def many_pools(folder: Path, number: int) -> None:
    """Write ``number`` pools of two, each with a campaign of its own."""
    organization = _organization(folder, members=20)
    chance = random.Random(number)
    for i in range(number):
        pair = chance.sample([f"m{m}" for m in range(20)], 2)
        (organization / f"pools/p{i}.yaml").write_text(_pool(f"Pool {i}", pair, campaign=f"c{i}"))
    (organization / "workflows/tag.yaml").write_text(WORKFLOW + NEVER)


def _organization(folder: Path, *, members: int) -> Path:
    organization = folder / "bench"
    for name in ("pools", "workflows"):
        (organization / name).mkdir(parents=True)
    people = "".join(f"  - {{handle: m{i}, name: Member {i}}}\n" for i in range(members))
    (organization / "organization.yaml").write_text(ORGANIZATION + people)
    return organization


def _pool(name: str, participants: list[str], *, campaign: str | None = None) -> str:
    connection = "source: webhook" + (f", utm_campaign: {campaign}" if campaign else "")
    return (
        f"name: {name}\nassign_inbound_leads: true\n"
        f"participants: [{', '.join(participants)}]\nconnections:\n  - {{{connection}}}\n"
    )


def soaked(folder: Path) -> None:
    """Write one pool of five and a workflow that tags every lead."""
    organization = _organization(folder, members=5)
    (organization / "pools/inbound.yaml").write_text(pool_of([f"m{i}" for i in range(5)]))
    (organization / "workflows/tag.yaml").write_text(WORKFLOW)


def pool_of(people: list[str], *, away: str | None = None) -> str:
    """Return the generic webhook's pool, with one of its people switched off."""
    participants = "".join(
        f"  - {{member: {name}, is_active: {str(name != away).lower()}}}\n" for name in people
    )
    return f"name: Inbound\nparticipants:\n{participants}connections:\n  - {{source: webhook}}\n"
