"""``pointsman explain --submit``: what a flow would do with a lead, part by part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import typer

from pointsman.cli.options import Format, read_settings
from pointsman.config.ruletest import source_of
from pointsman.errors import Unavailable
from pointsman.flow import Flow, Source
from pointsman.flows.lists import CHECKS, asked
from pointsman.flows.passage import enter
from pointsman.flows.submission import Submission
from pointsman.flows.trial import Remark, tried
from pointsman.ids import lead_id, milliseconds
from pointsman.model import Organization
from pointsman.pools.explain import explain_turn
from pointsman.registry import nearest
from pointsman.store.away import unavailable_if_away
from pointsman.store.caps import CapStore, Counter
from pointsman.store.generations import GenerationStore
from pointsman.store.lists import ListStore
from pointsman.store.pools import PoolStore, unpublished
from pointsman.store.redis import RedisStore

__all__ = ["explain_flow", "print_flow"]

_ASSUMED = "Redis is not reachable, so lists, caps and turns are assumed to be untouched"


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of a lead; ``turn`` is who would get it, if the flow assigns it."""

    flow: Flow
    source: Source
    remarks: tuple[Remark, ...]
    turn: tuple[str, ...]
    assumed: bool


async def explain_flow(
    organization: Organization, named: str, body: Mapping[str, Any], url: str | None
) -> Trial:
    """Return what the flow and source ``named`` (``FLOW/SOURCE``) would do with a lead."""
    flow, source = _found(organization, named)
    if url is not None:
        async with RedisStore.open(url) as store:
            try:
                with unavailable_if_away():
                    return await _known(organization, flow, source, body, store)
            except Unavailable:
                pass
    submission = _entered(organization, flow, source, body)
    submission.look_up({})
    remarks = tuple(tried(submission, {}))
    pool = next((organization.pools[r.pool_id] for r in remarks if r.pool_id), None)
    turn = explain_turn(unpublished(pool)) if pool else ()
    return Trial(flow, source, remarks, tuple(turn), assumed=True)


def print_flow(trial: Trial, output: Format) -> None:
    """Print what would become of a lead."""
    if output is Format.JSON:
        told = {
            "flow": {"name": trial.flow.name, "file": trial.flow.file},
            "source": {"id": trial.source.id, "name": trial.source.name},
            "parts": [asdict(remark) for remark in trial.remarks],
            "turn": list(trial.turn),
            "assumed": trial.assumed,
        }
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"A lead of {trial.source.name} for flow '{trial.flow.name}' ({trial.flow.file})")
    for remark in trial.remarks:
        typer.echo(f"  {remark}")
        if remark.pool_id:
            for line in trial.turn:
                typer.echo(f"     {line}")
    if trial.assumed:
        typer.echo(_ASSUMED, err=True)


async def _known(
    organization: Organization,
    flow: Flow,
    source: Source,
    body: Mapping[str, Any],
    store: RedisStore,
) -> Trial:
    """Return what would become of a lead as lists, caps and turns stand."""
    published = await GenerationStore(store, read_settings()).current(organization.id)
    if published is not None:
        organization = replace(organization, secret=published.secret)
    submission = _entered(organization, flow, source, body)
    checks = asked(flow.checks, submission.scope, organization.secret)
    at = submission.at
    wanted = [(check.list, value, check.since(at)) for check, value in checks]
    there = await ListStore(store).find(organization.id, wanted, at)
    found = {CHECKS[check.name]: known for (check, _), known in zip(checks, there, strict=True)}
    submission.look_up(found)
    counters: dict[str, Counter] = {}
    if submission.admit():
        counters = await CapStore(store).read(organization.id, submission.counted, at)
    remarks = tuple(tried(submission, counters))
    pool = next((organization.pools[r.pool_id] for r in remarks if r.pool_id), None)
    state = await PoolStore(store).state(organization.id, pool) if pool else None
    return Trial(flow, source, remarks, tuple(explain_turn(state)) if state else (), assumed=False)


def _entered(
    organization: Organization, flow: Flow, source: Source, body: Mapping[str, Any]
) -> Submission:
    now = milliseconds()
    return enter(organization, flow, source, body, lead_id=lead_id(now), at=now)


def _found(organization: Organization, named: str) -> tuple[Flow, Source]:
    called, _, of = named.partition("/")
    flow = organization.named_flows.get(called)
    if flow is None:
        known = sorted(
            {each.file.split("/")[-1].rpartition(".")[0] for each in organization.distinct_flows()}
        )
        hint = f"no flow '{called}'{nearest(called, known)} (known: {', '.join(known)})"
        raise typer.BadParameter(hint, param_hint="--submit")
    try:
        return flow, source_of(flow, of) if of else flow.sources[0]
    except LookupError as error:
        message = f"no source {error.args[0]}"
        raise typer.BadParameter(message, param_hint="--submit") from error
