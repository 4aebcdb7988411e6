"""Workflows, and an engine that runs them, as tests need them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pointsman.dispatch import Retries
from pointsman.ids import derived
from pointsman.model import Organization, Workflow
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.legs import Leg
from pointsman.store.records import Author, RecordStore
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Next, Run, StepRecord
from pointsman.store.runs import RunStore
from pointsman.store.timers import Handler
from pointsman.workflows.compile import compile_workflow
from pointsman.workflows.engine import Engine
from pooling import ORGANIZATION, LoadedRules, make_organization, new_lead, refuse
from support import wait_until

__all__ = [
    "QUICK",
    "House",
    "add_tag",
    "engine",
    "make_workflow",
    "organization_with",
    "tagged_leg",
    "webhook",
]

QUICK = Retries(first=timedelta(milliseconds=40), longest=timedelta(milliseconds=200), attempts=6)
"""Retries that a test can wait for."""


def add_tag(*tags: str, **more: Any) -> dict[str, Any]:
    """Return an ``add_tag`` action."""
    return {"action_type": "add_tag", "config": {"tags": list(tags)}, **more}


def webhook(url: str, *, on_error: str = "fail", **config: Any) -> dict[str, Any]:
    """Return a ``webhook`` action."""
    return {"action_type": "webhook", "config": {"url": url, **config}, "on_error": on_error}


def make_workflow(
    *actions: Mapping[str, Any], file: str = "workflows/greet.yaml", **document: Any
) -> Workflow:
    """Return a workflow of these actions; it is triggered by every new lead."""
    document = {"trigger_type": "lead_created", "actions": list(actions), **document}
    return compile_workflow(
        file=file,
        document=document,
        workflow_id=derived(ORGANIZATION, "workflow", file),
        organization_id=ORGANIZATION,
        report=refuse,
    )


def organization_with(*workflows: Workflow, generation: int = 0, **values: Any) -> Organization:
    """Return an organization of these workflows that may call this machine."""
    triggers: dict[tuple[str, str], list[Workflow]] = {}
    for workflow in workflows:
        triggers.setdefault((workflow.module, workflow.trigger_type), []).append(workflow)
    values = {"allow_networks": ("127.0.0.0/8", "::1/128"), **values}
    return replace(
        make_organization([], generation=generation),
        workflows={workflow.id: workflow for workflow in workflows},
        triggers=triggers,
        **values,
    )


async def tagged_leg(
    run: Run, records: RecordStore, tag: str, step: StepRecord, following: Next
) -> Leg:
    """Return a leg of one step that put a tag on the run's record."""
    leg = Leg(run, records)
    leg.enter(quick=True)
    organization = replace(make_organization([]), id=run.organization_id)
    await leg.records.change(
        organization,
        run.module,
        run.subject,
        lambda found: {"tags": [*found.get("tags", ()), tag]},
        Author("o", "workflow:w", 1),
    )
    leg.add(step, following)
    return leg


class House:
    """The stores of one Redis, and the rules that its engines serve."""

    def __init__(self, store: RedisStore, organization: Organization) -> None:
        self.store = store
        self.settings = Settings(drain_timeout=timedelta(seconds=2))
        self.rules = LoadedRules(organization)
        self.leads = LeadStore(store, self.settings)
        self.records = RecordStore(store, self.settings)
        self.runs = RunStore(store, self.settings)
        self.keys = Keys(organization.id)

    async def post(self, **data: Any) -> str:
        """Take a lead in and return its id."""
        lead = new_lead({"email": "ada@example.com", **data})
        await self.leads.take(ORGANIZATION, lead, reason="no_matching_pool")
        return lead.id

    async def change(self, lead_id: str, **fields: Any) -> None:
        """Change fields of a lead over the API."""
        organization = self.rules.current.organizations["acme"]
        author = Author(self.records.new_id())
        await self.records.change(organization, "leads", lead_id, lambda _: fields, author)

    async def tags(self, lead_id: str) -> list[str]:
        """Return a lead's tags."""
        lead, _ = await self.leads.read(ORGANIZATION, lead_id)
        assert lead
        return list(lead.data.get("tags", ()))

    async def runs_of(self, workflow: Workflow) -> Sequence[Run]:
        """Return a workflow's runs, newest first."""
        runs, _ = await self.runs.runs(ORGANIZATION, workflow.id, 10_000, 0)
        return runs

    async def finished(self, workflow: Workflow, number: int = 1) -> Sequence[Run]:
        """Return a workflow's runs once so many are finished."""

        async def finished() -> Sequence[Run]:
            if await self.store.redis.zcard(self.keys.workflow_runs(workflow.id)) < number:
                return ()
            done = [run for run in await self.runs_of(workflow) if run.finished]
            return done if len(done) >= number else ()

        return await wait_until(finished, f"{number} runs of {workflow.name} finished", seconds=20)

    async def quiet(self) -> None:
        """Wait until every event is acknowledged."""

        async def acknowledged() -> bool:
            groups = await self.store.redis.xinfo_groups(self.keys.events)
            return bool(groups) and not groups[0]["pending"] and not groups[0]["lag"]

        await wait_until(acknowledged, "every event is acknowledged")


@asynccontextmanager
async def engine(
    house: House, url: str, *, retries: Retries = QUICK, timers: Mapping[str, Handler] | None = None
) -> AsyncIterator[Engine]:
    """Run an engine until the block ends."""
    made = Engine(
        house.rules,
        house.store,
        house.settings,
        url,
        retries=retries,
        timers={} if timers is None else timers,
    )
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled() and (error := running.exception()):
            raise error
