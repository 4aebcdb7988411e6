"""Pools, organizations and leads as tests need them, published to the real store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from pointsman.fields.table import compile_fields
from pointsman.flows.compile import compile_flow
from pointsman.flows.terms import terms
from pointsman.ids import derived, lead_id, milliseconds
from pointsman.model import Flow, Member, Organization, Origin, Pool, Ruleset
from pointsman.pools.availability import compile_availability
from pointsman.pools.compile import compile_pool, published
from pointsman.pools.match import PoolIndex
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.leads import Choice, LeadStore, NewLead
from pointsman.store.redis import RedisStore

__all__ = [
    "ORGANIZATION",
    "LoadedRules",
    "choice",
    "leads_of",
    "make_flow",
    "make_organization",
    "make_pool",
    "member",
    "new_lead",
    "publish",
]

ORGANIZATION = "8a2f5a0e-92ac-5d0b-9d1e-0d7b3a3f6c11"


def member(handle: str, *, active: bool = True) -> Member:
    """Return a member whose id derives from the handle."""
    return Member(derived(ORGANIZATION, handle), handle, handle.title(), active=active)


def refuse(path: tuple[str | int, ...], message: str) -> None:
    """Fail a test whose document was meant to be right."""
    raise AssertionError(f"{path}: {message}")


def make_pool(
    people: Iterable[Any],
    *,
    file: str = "pools/inbound.yaml",
    availability: Mapping[str, Any] | None = None,
    **document: Any,
) -> Pool:
    """Return a pool of people named by handle, or by document; it takes every webhook lead.

    ``availability`` is that of the members, by handle.
    """
    kept = {
        handle: compile_availability(written, "UTC", refuse)
        for handle, written in (availability or {}).items()
    }
    listed = list(people)
    handles = [entry if isinstance(entry, str) else entry["member"] for entry in listed]
    document = {
        "name": "Inbound",
        "participants": listed,
        "connections": [{"source": "webhook"}],
        **document,
    }
    return compile_pool(
        file=file,
        document=document,
        pool_id=derived(ORGANIZATION, "pool", file),
        organization_id=ORGANIZATION,
        pools={"overflow": derived(ORGANIZATION, "pool", "pools/overflow.yaml")},
        members={
            handle: replace(member(handle), availability=kept.get(handle)) for handle in handles
        },
        report=refuse,
    )


def make_flow(pools: Iterable[Pool], **document: Any) -> Flow:
    """Return a flow whose steps may name the pools by file stem."""
    stems = {pool.file.removeprefix("pools/").removesuffix(".yaml"): pool.id for pool in pools}
    return compile_flow(
        file="flows/web.yaml",
        document={"name": "Web", **document},
        flow_id=derived(ORGANIZATION, "flow", "web"),
        organization_id=ORGANIZATION,
        pools=stems,
        report=refuse,
    )


def make_organization(
    pools: Iterable[Pool], *, flows: Iterable[Flow] = (), generation: int = 0
) -> Organization:
    """Return an organization of these pools and flows."""
    listed = list(pools)
    return Organization(
        id=ORGANIZATION,
        handle="acme",
        name="Acme",
        hash="",
        fields=compile_fields(None, refuse),
        matcher=PoolIndex(listed),
        generation=generation,
        pools={pool.id: pool for pool in listed},
        flows={
            (source.intake, source.source_key): (flow, source)
            for flow in flows
            for source in flow.sources
            if source.intake is not None
        },
    )


class LoadedRules:
    """Rules as one daemon serves them; ``latest`` is what it would load when told to catch up."""

    def __init__(self, organization: Organization) -> None:
        self.current = Ruleset({organization.handle: organization})
        self.latest: Organization | None = organization
        self.asked: list[int] = []

    async def catch_up(self, handle: str, generation: int) -> Organization | None:
        """Serve the latest organization."""
        self.asked.append(generation)
        self.current = Ruleset({handle: self.latest} if self.latest else {})
        return self.latest


async def publish(store: RedisStore, *pools: Pool, settings: Settings | None = None) -> int:
    """Publish these pools, and no others, as the next generation; return its number."""
    generations = GenerationStore(store, settings or Settings())
    current = await generations.current(ORGANIZATION)
    publication = Publication(
        parent=current.number if current else 0,
        hash="",
        files={},
        pools=[published(pool) for pool in pools],
        author="test",
    )
    return (await generations.publish(ORGANIZATION, publication)).number


def choice(pool: Pool, at: int | None = None, marks: str = "-") -> Choice:
    """Return the choice of a pool by its generic connection, now or ``at``."""
    now = milliseconds() if at is None else at
    limits = pool.limits.at(now) if pool.limits else ""
    till = pool.limits.until(now) if pool.limits else 0
    told = terms(pool, pool if pool.parks else None, till, marks)
    return Choice(pool.id, pool.revision, '"f":"webhook","c":"0"', limits, terms=told)


_numbers = count(1)


def new_lead(data: Mapping[str, Any] | None = None, **values: Any) -> NewLead:
    """Return a new lead from the web."""
    now = milliseconds()
    lead = NewLead(
        lead_id(now),
        now,
        data or {"email": f"{next(_numbers)}@example.com"},
        Origin("webhook"),
        "webhook",
    )
    return lead._replace(**values)


async def leads_of(leads: LeadStore, pool: Pool, number: int, at: int | None = None) -> list[str]:
    """Post so many leads one after the other and return the handles they went to, "-" for none."""
    when: dict[str, Any] = {} if at is None else {"at": at}
    handles = {person.member.id: person.member.handle for person in pool.participants}
    served = []
    for _ in range(number):
        taken = await leads.take(ORGANIZATION, new_lead(**when), choice(pool, at))
        assert taken.status == "taken"
        served.append(handles[taken.assignment.member_id] if taken.assignment else "-")
    return served


def without(pool: Pool, **changes: Any) -> Pool:
    """Return the pool with other attributes."""
    return replace(pool, **changes)
