"""The http room over rules compiled from files and published: what its tests talk to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pointsman.config.changes import NoChanges
from pointsman.config.load import compile_organization
from pointsman.config.publication import publication
from pointsman.config.serving import Served, Serving
from pointsman.delivery import Delivery
from pointsman.errors import ConfigError, Problem
from pointsman.flows.flights import Flights
from pointsman.flows.intake import Intake
from pointsman.flows.meta_leads import MetaLeads
from pointsman.flows.ownership import Owners
from pointsman.http.application import application
from pointsman.http.services import Check, Services
from pointsman.settings import Settings
from pointsman.store.feed import Feed
from pointsman.store.generations import GenerationStore
from pointsman.store.leadgens import LeadgenStore
from pointsman.store.leads import LeadStore
from pointsman.store.notifications import NotificationStore
from pointsman.store.owners import OwnerStore
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from pointsman.store.seen import SeenStore

__all__ = [
    "ACME",
    "RIVAL",
    "Operator",
    "Site",
    "bearer",
    "filled",
    "key_text",
    "listening",
    "publish_files",
]

ACME = {
    "organization.yaml": """
name: Acme
members:
  - {handle: ada, name: Ada Lovelace, email: ada@example.com}
  - {handle: bob, name: Bob Bobson, email: bob@example.com}
  - {handle: eve, name: Eve Evans, active: false}
api_keys:
  - {name: all, sha256: %(all)s, scopes: [superuser]}
  - {name: reader, sha256: %(reader)s, scopes: ["leads:read", "round-robin:read", "members:read"]}
  - {name: writer, sha256: %(writer)s, scopes: ["leads:write", "round-robin:write"]}
  - {name: late, sha256: %(late)s, scopes: [superuser], expires_at: 2020-01-01T00:00:00Z}
  - {name: off, sha256: %(off)s, scopes: [superuser], active: false}
  - {name: demo, sha256: %(demo)s, scopes: [superuser], demo: true}
integrations: {lead_webhook: {enabled: true}}
""",
    "fields.yaml": """
fields:
  - {id: email, type: email, required: true}
  - {id: budget, type: number}
""",
    "pools/inbound.yaml": """
name: Inbound
participants: [ada, bob]
assign_manual_leads: true
connections: [{source: webhook}]
""",
    "pools/spring.yaml": """
name: Spring
participants: [bob, ada]
connections:
  - {source: webhook, source_key: spring}
  - {source: webhook, utm_campaign: spring-sale}
""",
    "pools/away.yaml": """
name: Away
participants: [eve]
connections: [{source: webhook, source_key: away}]
""",
}
"""Leads of anyone go to ada and bob in turn; those of ``spring`` the other way round."""

RIVAL = {
    "organization.yaml": """
name: Rival
members: [{handle: rita, name: Rita Rival}]
api_keys: [{name: all, sha256: %(rival)s, scopes: [superuser]}]
integrations: {lead_webhook: {enabled: true}}
""",
    "pools/only.yaml": """
name: Only
participants: [rita]
connections: [{source: webhook, source_key: nobody}]
""",
}


def key_text(name: str) -> str:
    """Return the API key called ``name`` in the files above."""
    return f"pm_k_{sha256(name.encode()).hexdigest()}" if name != "demo" else "pm_k_demo"


def bearer(name: str) -> dict[str, str]:
    """Return the headers of a call with that key."""
    return {"Authorization": f"Bearer {key_text(name)}"}


@dataclass
class Operator:
    """The daemon as the admin endpoints see it; a test says what it answers."""

    checks: Sequence[Check] = (Check("redis", passed=True),)
    generations: Mapping[str, int] = field(default_factory=dict)
    refusal: ConfigError | None = None

    async def reload(self) -> Mapping[str, int]:
        """Answer as told."""
        if self.refusal is not None:
            raise self.refusal
        return self.generations

    def readiness(self) -> Sequence[Check]:
        """Answer as told."""
        return self.checks

    def problems(self) -> Sequence[Problem]:
        """Answer that all is well."""
        return ()

    def active(self) -> Mapping[str, Any]:
        """Answer something to recognise."""
        return {"organizations": {"acme": {"generation": 1}}}


@dataclass
class Site:
    """A listening application and what is behind it."""

    client: TestClient[web.Request, web.Application]
    services: Services
    operator: Operator
    serving: Serving

    async def post_lead(self, body: Any = None, path: str = "", **options: Any) -> Any:
        """Post a lead to Acme's webhook; it must be taken."""
        lead = {"email": "lead@example.com"} if body is None else body
        answer = await self.client.post(f"/intake/acme/webhook{path}", json=lead, **options)
        assert answer.status == 201, await answer.text()
        return await answer.json()

    def pool_id(self, name: str, handle: str = "acme") -> str:
        """Return the id of a pool by its name."""
        pools = self.serving.current.organizations[handle].pools.values()
        return next(pool.id for pool in pools if pool.name == name)


def filled(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files with the digests of their keys."""
    digests = _Digests()
    return {
        name: text % digests if name == "organization.yaml" else text
        for name, text in files.items()
    }


async def publish_files(
    serving: Serving, generations: GenerationStore, handle: str, files: Mapping[str, str]
) -> None:
    """Compile an organization's files, publish them and serve them."""
    raw = {name: text.encode() for name, text in filled(files).items()}
    organization, problems = compile_organization(handle, raw, root=None)
    assert organization is not None, problems
    current = await generations.current(organization.id)
    told = publication(organization, raw, current, "test", pool_ids={})
    generation = await generations.publish(organization.id, told)
    serving.install(organization, Served(generation, raw))


@asynccontextmanager
async def listening(
    store: RedisStore,
    organizations: Mapping[str, Mapping[str, str]] | None = None,
    **settings: Any,
) -> AsyncIterator[Site]:
    """Serve these organizations (Acme and its rival) on a free port."""
    chosen = Settings(**settings)
    generations = GenerationStore(store, chosen)
    serving = Serving(generations)
    trees = {"acme": ACME, "rival": RIVAL} if organizations is None else organizations
    for handle, files in trees.items():
        await publish_files(serving, generations, handle, files)
    leads = LeadStore(store, chosen)
    operator = Operator()
    deliveries = AsyncExitStack()
    pools = PoolStore(store)
    delivery = Delivery(deliveries, time.monotonic)
    flights = Flights(leads, serving, delivery, chosen)
    intake, leadgens = Intake(leads, serving, flights=flights), LeadgenStore(store, chosen)
    services = Services(
        settings=chosen,
        rules=serving,
        store=store,
        intake=intake,
        flights=flights,
        meta=MetaLeads(intake, leadgens, delivery),
        leads=leads,
        pools=pools,
        owners=Owners(OwnerStore(store, chosen), pools, serving),
        seen=SeenStore(store),
        control=operator,
        changes=NoChanges(serving),
        feed=Feed(NotificationStore(store, chosen), "unix://nowhere"),
        delivery=delivery,
    )
    server = TestServer(application(services), access_log=None)
    async with deliveries, TestClient(server) as client:
        yield Site(client, services, operator, serving)


class _Digests(dict[str, str]):
    """SHA-256 of every key by its name."""

    def __missing__(self, name: str) -> str:
        return sha256(key_text(name).encode()).hexdigest()
