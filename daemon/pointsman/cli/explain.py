"""``pointsman explain``: where a lead would go and why, without taking a turn.

Rules come from the files, so no daemon need run; whose turn it is comes from Redis if it can be
reached, and is told to be assumed if not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from pointsman.cli.explain_event import explain_event
from pointsman.cli.explain_flow import explain_flow, print_flow
from pointsman.cli.options import (
    ConfigDirOption,
    DataDir,
    Format,
    RedisUrl,
    chosen_dir,
    chosen_plugins,
    read_settings,
)
from pointsman.config.load import load
from pointsman.config.ruletest import RECORDED, origin_of
from pointsman.errors import ConfigError, Refused, Unavailable
from pointsman.flows.explain import Explanation, explain_lead
from pointsman.model import Organization, Origin, Participant, Pool
from pointsman.registry import nearest
from pointsman.store.away import unavailable_if_away
from pointsman.store.embedded import recorded_url
from pointsman.store.generations import GenerationStore
from pointsman.store.pools import PoolState, PoolStore, unpublished
from pointsman.store.redis import RedisStore

__all__ = ["explain"]

_ASSUMED = "Redis is not reachable, so turns are assumed to be at the first participant"


def explain(
    lead: Annotated[
        typer.FileText, typer.Argument(help="File with the lead as it would be posted; - is stdin.")
    ],
    *,
    organization: Annotated[
        str | None, typer.Option(help="Directory name; may be left out if there is only one.")
    ] = None,
    intake: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the lead comes in: the webhook's SOURCE_KEY, or KEY=VALUE as in a "
            "connection, such as source=meta; repeat for more."
        ),
    ] = None,
    submit: Annotated[
        str | None,
        typer.Option(
            help="FLOW/SOURCE: the lead is posted to a flow's own address; tell what each gate, "
            "cap and step of the flow would do with it."
        ),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            help="An event such as task_completed: tell which workflows it would start if LEAD, a "
            "record of its module, had become what it is by it."
        ),
    ] = None,
    previous: Annotated[
        typer.FileText | None,
        typer.Option(help="With --event: file with the record before; none: it is a new one."),
    ] = None,
    config_dir: ConfigDirOption = None,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Tell where a lead would go, without taking a turn.

    Says of every pool why it matches or not, who is next, and who would be passed over. Exits 1
    if the lead would be refused. With --event: which workflows an event of a record would start.
    """
    body = _body(lead)
    chosen = _organization(chosen_dir(config_dir), organization)
    if event is not None:
        before = _body(previous) if previous else None
        explain_event(chosen, event, body, before, output)
        return
    if submit is not None:
        url = _url(data_dir, redis_url)
        print_flow(asyncio.run(explain_flow(chosen, submit, body, url)), output)
        return
    origin = _origin(intake or [], body)
    try:
        told, assumed = asyncio.run(_explained(chosen, body, origin, _url(data_dir, redis_url)))
    except Refused as error:
        typer.echo(f"refused: {error}")
        raise typer.Exit(1) from error
    if output is Format.JSON:
        typer.echo(json.dumps(_told(told, assumed=assumed), indent=2))
    else:
        typer.echo("\n".join(_lines(told)))
        if assumed and told.pool is not None:
            typer.echo(_ASSUMED, err=True)


def _body(file: typer.FileText) -> dict[str, Any]:
    try:
        body = json.load(file)
    except ValueError as error:
        raise typer.BadParameter(f"no JSON: {error}", param_hint="LEAD") from error
    if not isinstance(body, dict):
        raise typer.BadParameter("expected a JSON object", param_hint="LEAD")
    return body


def _organization(root: Path, name: str | None) -> Organization:
    organizations, problems = load(root, chosen_plugins())
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise ConfigError(errors)
    known = sorted(organizations)
    if name is None and len(known) == 1:
        return organizations[known[0]]
    if name not in organizations:
        said = f"no organization '{name}'{nearest(name, known)}" if name else "which organization?"
        raise typer.BadParameter(f"{said} (known: {', '.join(known)})", param_hint="--organization")
    return organizations[name]


def _origin(intake: list[str], body: Mapping[str, Any]) -> Origin:
    known = list(Origin._fields)
    given: dict[str, str] = {}
    for text in intake:
        name, equals, value = text.rpartition("=")
        name = name if equals else "source_key"
        if name not in known:
            listed = ", ".join(known)
            raise typer.BadParameter(
                f"unknown key '{name}'{nearest(name, known)} (known: {listed})",
                param_hint="--intake",
            )
        given[name] = value
    if given.get("source", "webhook") not in RECORDED:
        known_sources = ", ".join(RECORDED)
        raise typer.BadParameter(
            f"unknown source '{given['source']}' (known: {known_sources})", param_hint="--intake"
        )
    return origin_of(given, body)


def _url(data_dir: Path | None, redis_url: str | None) -> str | None:
    settings = read_settings(data_dir=data_dir, redis_url=redis_url)
    return settings.redis_url or recorded_url(settings.data_dir)


async def _explained(
    organization: Organization, body: Mapping[str, Any], origin: Origin, url: str | None
) -> tuple[Explanation, bool]:
    """Return the explanation, and whether whose turn it is had to be assumed."""
    source = RECORDED[origin.source]

    async def assumed(pool: Pool, marks: str) -> PoolState:  # noqa: ARG001 - nobody is known
        return unpublished(pool)

    if url is not None:
        async with RedisStore.open(url) as store:
            pools = PoolStore(store)
            try:
                with unavailable_if_away():
                    published = await GenerationStore(store, read_settings()).current(
                        organization.id
                    )
                return await explain_lead(
                    replace(organization, secret=published.secret) if published else organization,
                    body,
                    origin,
                    source,
                    lambda pool, marks: pools.state(organization.id, pool, marks=marks),
                ), False
            except Unavailable:
                pass
    return await explain_lead(organization, body, origin, source, assumed), True


def _lines(told: Explanation) -> Iterator[str]:
    origin = {name: value for name, value in told.origin._asdict().items() if value is not None}
    said = ", ".join(f"{name}={value}" for name, value in origin.items())
    yield f"A lead for {told.organization} with {said}"
    if told.closed is not None:
        yield f"Over HTTP it would get 404: {told.closed}"
    if told.flow is not None:
        yield f"Flow '{told.flow.name}' ({told.flow.file}) takes it: connections do not count"
    for verdict in told.verdicts:
        mark = "->" if verdict.chosen else "  "
        yield f"{mark} {verdict.pool.name} ({verdict.pool.file})"
        yield from (f"     {reason}" for reason in verdict.reasons)
    if told.pool is not None:
        yield f"Pool: {told.pool.name} ({told.pool.file})"
        yield from (f"     {line}" for line in told.turn)
    if told.fallback is not None:
        yield f"Fallback pool: {told.fallback.name} ({told.fallback.file})"
        yield from (f"     {line}" for line in told.fallback_turn)
    if told.reason == "parked":
        yield "It would wait in line until somebody may be served: parked"
    elif told.reason is not None:
        yield f"Nobody would get it: {told.reason}"


def _told(told: Explanation, *, assumed: bool) -> dict[str, Any]:
    state = told.state
    return {
        "organization": told.organization,
        "origin": {name: v for name, v in told.origin._asdict().items() if v is not None},
        "flow": told.flow and {"name": told.flow.name, "file": told.flow.file},
        "pools": [
            {
                "name": verdict.pool.name,
                "file": verdict.pool.file,
                "chosen": verdict.chosen,
                "matches": verdict.matches,
                "reasons": list(verdict.reasons),
            }
            for verdict in told.verdicts
        ],
        "pool": told.pool and {"name": told.pool.name, "file": told.pool.file},
        "fallback": told.fallback and {"name": told.fallback.name, "file": told.fallback.file},
        "next": _person(state.next) if state and state.next else None,
        "passed_over": [
            {**_person(person), "reason": reason} for person, reason in state.passed_over
        ]
        if state
        else [],
        "reason": told.reason,
        "closed": told.closed,
        "turn_assumed": assumed,
    }


def _person(participant: Participant) -> dict[str, Any]:
    return {"handle": participant.member.handle, "order": participant.order}
