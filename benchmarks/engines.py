"""Workflow engines for benchmarks: one in a process of its own, and leads for it to find.

``python -m benchmarks.engines URL WORKFLOW`` runs an engine on the workflow (JSON on the command
line) until it is killed. Its two actions do nothing: ``idle`` is quick, ``idle_job`` is not.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT

from pointsman.fields.table import compile_fields
from pointsman.ids import derived, lead_id, milliseconds
from pointsman.model import Organization, Origin, Ruleset, Workflow
from pointsman.observe import configure_logging
from pointsman.plugin import ActionContext, Options, action
from pointsman.pools.match import PoolIndex
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore, NewLead
from pointsman.store.redis import RedisStore
from pointsman.workflows.compile import compile_workflow
from pointsman.workflows.engine import Engine

__all__ = ["KEYS", "ORGANIZATION", "Loaded", "engine", "leads", "organization", "workflow"]

ORGANIZATION = derived("benchmarks", "workflows")
KEYS = Keys(ORGANIZATION)
_AT_ONCE = 200


class NoOptions(Options):
    """None."""


@action("idle", quick=True)
async def idle(options: NoOptions, context: ActionContext) -> None:
    """Do nothing, where events are read."""


@action("idle_job")
async def idle_job(options: NoOptions, context: ActionContext) -> None:
    """Do nothing, as a job."""


class Loaded:
    """Rules that never change."""

    def __init__(self, organization: Organization) -> None:
        self.current = Ruleset({organization.handle: organization})

    async def catch_up(self, handle: str, _generation: int) -> Organization | None:
        """Return what is served."""
        return self.current.organizations[handle]


def workflow(document: Mapping[str, Any], number: int = 0) -> Workflow:
    """Return a workflow of a new lead, unless the document says otherwise."""
    file = f"workflows/w{number}.yaml"
    return compile_workflow(
        file=file,
        document={"trigger_type": "lead_created", **document},
        workflow_id=derived(ORGANIZATION, file),
        organization_id=ORGANIZATION,
        report=_refuse,
    )


def organization(workflows: Sequence[Workflow]) -> Organization:
    """Return an organization of these workflows, as it is published first."""
    triggers: dict[tuple[str, str], list[Workflow]] = {}
    for one in workflows:
        triggers.setdefault((one.module, one.trigger_type), []).append(one)
    return Organization(
        id=ORGANIZATION,
        handle="bench",
        name="Bench",
        hash="",
        fields=compile_fields(None, _refuse),
        matcher=PoolIndex([]),
        generation=1,
        workflows={one.id: one for one in workflows},
        triggers=triggers,
    )


async def leads(store: RedisStore, data: Sequence[Mapping[str, Any]]) -> None:
    """Take leads in, many at once."""
    taking = LeadStore(store, Settings())

    async def one(each: Mapping[str, Any]) -> None:
        now = milliseconds()
        lead = NewLead(lead_id(now), now, each, Origin("webhook"), "webhook")
        await taking.take(ORGANIZATION, lead, reason="no_matching_pool")

    for first in range(0, len(data), _AT_ONCE):
        await asyncio.gather(*map(one, data[first : first + _AT_ONCE]))


@contextmanager
def engine(url: str, document: Mapping[str, Any]) -> Iterator[int]:
    """Run an engine in a process of its own; return its id."""
    with tempfile.TemporaryDirectory(prefix="pmbench") as folder:
        with (Path(folder) / "log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.engines", url, json.dumps(document)],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        try:
            yield child.pid
        finally:
            if child.poll() is not None:
                raise SystemExit((Path(folder) / "log").read_text()[-4000:])
            child.kill()
            child.wait()


def _refuse(path: tuple[str | int, ...], message: str) -> None:
    raise AssertionError(f"{path}: {message}")


async def _run(url: str, document: Mapping[str, Any]) -> None:
    async with RedisStore.open(url) as store:
        rules = Loaded(organization([workflow(document)]))
        await Engine(rules, store, Settings(), url).run()


if __name__ == "__main__":
    configure_logging(Settings())
    asyncio.run(_run(sys.argv[1], json.loads(sys.argv[2])))
