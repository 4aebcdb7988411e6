"""What no file can know of itself: names that lead nowhere, files that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pointsman.config.documents import Page
from pointsman.config.organization import Header
from pointsman.fields.table import FieldTable
from pointsman.model import Action, Connection, Flow, Pool, Source, Workflow
from pointsman.plugin import actions
from pointsman.pools.match import clashes, given_keys
from pointsman.registry import nearest
from pointsman.rules.interpolate import environment_names

__all__ = [
    "check_flows",
    "check_ids",
    "check_pools",
    "check_tests",
    "check_workflows",
    "is_generic",
    "routes",
]

Pools = Sequence[tuple[Page, Pool]]
Workflows = Sequence[tuple[Page, Workflow]]
Flows = Sequence[tuple[Page, Flow]]


def check_ids(kind: str, things: Iterable[tuple[Page, Pool | Workflow | Flow]]) -> None:
    """Report files that claim one id."""
    first: dict[str, Page] = {}
    for page, thing in things:
        owner = first.setdefault(thing.id, page)
        if owner is not page:
            page.report(("id",), f"the {kind} in {owner.name} has this id; each needs its own")


def check_pools(pools: Pools, header: Header, workflows: Workflows) -> None:
    """Report connections that cannot work, and pools that take each other's leads."""
    _check_generic(pools, header)
    stems = {workflow.id: page.stem for page, workflow in workflows}
    inactive = {pool.id: pool for _, pool in pools if not pool.active}
    for page, pool in pools:
        if pool.active and pool.fallback in inactive:
            message = f"{inactive[pool.fallback].file} is not active, so it is not asked"
            page.warn(("fallback_pool",), message)
        _check_workflow_connections(page, stems)
        _check_doubled_ids(page, "connections", pool.connections)
        _check_doubled_ids(page, "participants", pool.participants)
        if "id" not in page.data:
            advice = f"add 'id: {pool.id}' and it can be renamed"
            page.report((), f"turns are counted under the file's name; {advice}", "hint")
    _warn_of_clashes(pools)


def check_flows(flows: Flows, pools: Pools, fields: FieldTable) -> None:
    """Report fields that nobody has, and intakes that two flows claim."""
    inactive = {pool.id: pool for _, pool in pools if not pool.active}
    claimed: dict[tuple[str, str | None], Page] = {}
    for page, flow in flows:
        for place, name in enumerate(page.data.get("fields", ())):
            if name not in fields.types:
                hint = nearest(name, list(fields.types)) or "; add it to fields.yaml"
                page.report(("fields", place), f"no field '{name}'{hint}")
        _check_doubled_ids(page, "sources", flow.sources)
        _check_doubled_ids(page, "steps", flow.steps)
        for place, step in enumerate(flow.steps):
            if step.enabled and step.pool_id in inactive:
                message = f"{inactive[step.pool_id].file} is not active, so no lead is assigned"
                page.warn(("steps", place), message)
        for place, source in enumerate(flow.sources if flow.enabled else ()):
            owner = claimed.setdefault((source.intake, source.source_key), page)
            if owner is not page:
                message = f"{owner.name} takes the leads of this source; disable one of the flows"
                page.report(("sources", place), message)


def check_workflows(workflows: Workflows, header: Header) -> None:
    """Report what actions want of organization.yaml and is not there."""
    for page, workflow in workflows:
        for action in workflow.actions:
            for path, message in _wanting(action, header):
                page.report((*action.place, *path), message)


def check_tests(
    pages: Iterable[Page], header: Header, pools: Sequence[str], workflows: Sequence[str]
) -> None:
    """Report pools and workflows (by file stem) and people that tests name and nobody has."""
    known = {"pool": pools, "workflow": workflows, "member": list(header.handles)}
    for page in pages:
        for path, kind, name in _named(page.data):
            if name not in known[kind]:
                page.report(path, f"no {kind} '{name}'{nearest(name, list(known[kind]))}")


def routes(flows: Flows) -> dict[tuple[str, str | None], tuple[Flow, Source]]:
    """Return which flow takes the leads of an intake and source key; disabled flows take none."""
    return {
        (source.intake, source.source_key): (flow, source)
        for _, flow in flows
        if flow.enabled
        for source in flow.sources
    }


def is_generic(connection: Connection) -> bool:
    """Whether a connection is the generic webhook: it has no key but its source."""
    return connection.source == "webhook" and not given_keys(connection)


def _wanting(action: Action, header: Header) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what an action names or needs of organization.yaml and is not there, with its path."""
    known = actions.get(action.type)
    if known is None:
        return
    if known.needs and not {"smtp": header.mail, "twilio": header.twilio}[known.needs]:
        yield ("action_type",), f"'{action.type}' needs '{known.needs}' in organization.yaml"
    for path, name in known.credentials(action.config):
        if name not in header.credentials:
            hint = nearest(name, list(header.credentials)) or "; add it to organization.yaml"
            yield ("config", *path), f"no credential '{name}'{hint}"
    for path, name in environment_names(action.config):
        if name not in header.environment:
            hint = nearest(name, list(header.environment)) or "; add it under allow_env"
            yield ("config", *path), f"'env.{name}' is not allowed{hint} in organization.yaml"


def _check_generic(pools: Pools, header: Header) -> None:
    """Report a generic webhook connection that is not switched on, and a second one."""
    holder: Page | None = None
    for page, pool in pools:
        for connection in pool.connections:
            if not is_generic(connection):
                continue
            path = ("connections", _place(pool, connection))
            if not header.lead_webhook:
                page.report(
                    path,
                    "the lead webhook is off; in organization.yaml set "
                    "integrations.lead_webhook.enabled: true, or add a source_key here",
                )
            if holder is not None and holder is not page:
                page.report(
                    path,
                    f"the generic webhook goes to {holder.name} already; "
                    "only one pool can have it, add a source_key or utm_campaign",
                )
            holder = holder or page


def _check_workflow_connections(page: Page, stems: Mapping[str, str]) -> None:
    """Report connections to no workflow; ``stems`` are file stems by id."""
    for place, connection in enumerate(page.data.get("connections", ())):
        named = connection.get("workflow_id")
        if named and connection.get("source") == "workflow" and named not in stems:
            meant = next((id_ for id_, stem in stems.items() if stem == named), None)
            hint = f"; that of workflows/{named}.yaml is {meant}" if meant else ""
            path = ("connections", place, "workflow_id")
            page.report(path, f"no workflow has the id '{named}'{hint}")


def _warn_of_clashes(pools: Pools) -> None:
    pages = {pool.id: page for page, pool in pools}
    for winner, loser, connection in clashes(pool for _, pool in pools):
        if not is_generic(connection):  # those are errors already
            pages[loser.id].warn(
                ("connections", _place(loser, connection)),
                f"{winner.file} has the same connection and gets all its leads; "
                "change one, or set 'priority' to choose",
            )


def _check_doubled_ids(page: Page, listed: str, things: Iterable[Any]) -> None:
    first: dict[str, int] = {}
    for place, thing in enumerate(things):
        if first.setdefault(thing.id.lower(), place) != place:
            message = f"the same id as {listed}[{first[thing.id.lower()]}]; each needs its own"
            page.report((listed, place, "id"), message)


def _place(pool: Pool, connection: Connection) -> int:
    return next(i for i, known in enumerate(pool.connections) if known.id == connection.id)


def _named(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield path, kind and name of everything that a file of tests refers to."""
    for place, test in enumerate(data["tests"]):
        at: tuple[str | int, ...] = ("tests", place)
        for stem, state in test.get("pools", {}).items():
            yield (*at, "pools", stem), "pool", stem
            if "next" in state:
                yield (*at, "pools", stem, "next"), "member", state["next"]
        expected = test["expect"]
        if "pool" in expected:
            yield (*at, "expect", "pool"), "pool", expected["pool"]
        if "person" in expected:
            yield (*at, "expect", "person"), "member", expected["person"]
        for index, stem in enumerate(expected.get("workflows", ())):
            yield (*at, "expect", "workflows", index), "workflow", stem
