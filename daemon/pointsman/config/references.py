"""What no file can know of itself: names that lead nowhere, files that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pointsman.config.documents import Page
from pointsman.config.organization import Header
from pointsman.fields.table import FieldTable
from pointsman.flow import PluginStep, Recipient, within
from pointsman.model import Action, Connection, Flow, Pool, PoolStep, Source, Workflow
from pointsman.plugin import ActionType, actions
from pointsman.pools.match import clashes, given_keys
from pointsman.registry import nearest
from pointsman.rules.interpolate import environment_names

__all__ = [
    "advise_ids",
    "check_flows",
    "check_ids",
    "check_pools",
    "check_tests",
    "check_workflows",
    "is_generic",
    "routes",
]

_OWNER = "owner"
_ROLE = "role:"

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
        _check_switches(page, "connections", "source", header)
        _check_mails(page, pool, header)
        _check_doubled_ids(page, "connections", pool.connections)
        _check_doubled_ids(page, "participants", pool.participants)
        if "id" not in page.data:
            advice = f"add 'id: {pool.id}' and it can be renamed"
            page.report((), f"turns are counted under the file's name; {advice}", "hint")
    _warn_of_clashes(pools)


def check_flows(flows: Flows, pools: Pools, header: Header, fields: FieldTable) -> None:
    """Report fields that nobody has, and intakes that two flows claim."""
    inactive = {pool.id: pool for _, pool in pools if not pool.active}
    claimed: dict[tuple[str, str | None], Page] = {}
    for page, flow in flows:
        for place, name in enumerate(page.data.get("fields", ())):
            if name not in fields.types:
                hint = nearest(name, list(fields.types)) or "; add it to fields.yaml"
                page.report(("fields", place), f"no field '{name}'{hint}")
        _check_switches(page, "sources", "intake", header)
        _check_doubled_ids(page, "sources", flow.sources)
        _check_steps(page, flow, inactive, header)
        _check_copies(page, header)
        for place, source in enumerate(flow.sources if flow.enabled else ()):
            if source.intake is None:
                continue
            owner = claimed.setdefault((source.intake, source.source_key), page)
            if owner is not page:
                message = f"{owner.name} takes the leads of this source; disable one of the flows"
                page.report(("sources", place), message)


def advise_ids(flows: Flows) -> None:
    """Recommend ids where a flow that is renamed would have to be deployed as a new one."""
    for page, flow in flows:
        if "id" not in page.data:
            advice = f"add 'id: {flow.id}' and it can be renamed"
            page.report((), f"what is live hangs on the file's name; {advice}", "hint")


def check_workflows(workflows: Workflows, header: Header, pools: Mapping[str, str]) -> None:
    """Report what actions want of organization.yaml and is not there, and pools that nobody has.

    ``pools`` are ids by file stem.
    """
    for page, workflow in workflows:
        for action in workflow.actions:
            for path, message in _wanting(action, header, pools):
                page.report((*action.place, *path), message)
            _advise(page, action)


def check_tests(
    pages: Iterable[Page],
    header: Header,
    pools: Sequence[str],
    workflows: Sequence[str],
    flows: Sequence[str],
) -> None:
    """Report pools, workflows and flows (by file stem) and people that nobody has."""
    people = list(header.handles)
    known = {"pool": pools, "workflow": workflows, "member": people, "flow": flows}
    for page in pages:
        for place, test in enumerate(page.data["tests"]):
            if "submit" in test and "intake" in test:
                page.report(("tests", place, "intake"), "a lead comes in there or by 'submit'")
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
        if source.intake is not None
    }


def is_generic(connection: Connection) -> bool:
    """Whether a connection is the generic webhook: it has no key but its source."""
    return connection.source == "webhook" and not given_keys(connection)


def _wanting(
    action: Action, header: Header, pools: Mapping[str, str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what an action names or needs and is not there, with its path."""
    known = actions.get(action.type)
    if known is None:
        return
    if known.needs and not {"smtp": header.mail, "twilio": header.twilio}[known.needs]:
        yield ("action_type",), f"'{action.type}' needs '{known.needs}' in organization.yaml"
    for path, message in _unknown(known, action.config, header, pools):
        yield ("config", *path), message
    for path, name in known.marked("x-credential", action.config):
        if name not in header.credentials:
            yield ("config", *path), f"no credential '{name}'{_added(name, header)}"
    for path, name in environment_names(action.config):
        if name not in header.environment:
            hint = nearest(name, list(header.environment)) or "; add it under allow_env"
            yield ("config", *path), f"'env.{name}' is not allowed{hint} in organization.yaml"


def _unknown(
    known: ActionType, config: Mapping[str, Any], header: Header, pools: Mapping[str, str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the members, roles and pools that an action names and nobody has, with their path."""
    roles = sorted({role for member in header.members.values() for role in member.roles})
    for path, name in known.marked("x-pool", config):
        if name not in pools and name not in pools.values():
            yield path, f"no pool '{name}'{nearest(name, list(pools))}"
    for path, name in known.marked("x-recipient", config):
        role = name.removeprefix(_ROLE)
        if role == name and name != _OWNER:
            yield from _unknown_member(path, name, header)
        elif role != name and role not in roles:
            hint = nearest(role, roles) or "; add it to 'roles' of a member"
            yield path, f"no member has the role '{role}'{hint}"
    for path, name in known.marked("x-member", config):
        yield from _unknown_member(path, name, header)


def _unknown_member(
    path: tuple[str | int, ...], name: str, header: Header
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if header.handles.get(name, name.lower()) not in header.members:
        hint = nearest(name, list(header.handles))
        yield path, f"no member '{name}'{hint}; members are in organization.yaml"


def _advise(page: Page, action: Action) -> None:
    """Recommend an id where state hangs on it: a pointer that an action has of its own."""
    known = actions.get(action.type)
    document: Any = page.data
    for part in action.place:
        document = document[part]
    if known and known.marked("x-pointer", action.config) and not {"id", "key"} & document.keys():
        advice = "add 'key: <a name>' and it can be changed"
        page.report(action.place, f"turns are counted under what the action says; {advice}", "hint")


def _check_mails(page: Page, pool: Pool, header: Header) -> None:
    """Report mails that nobody could send, and warn of people whom none would reach."""
    if not pool.email_notifications:
        return
    path = ("email_notifications_enabled",)
    if header.mail is None:
        page.report(path, "mails need 'smtp' in organization.yaml")
    people = [person.member for person in pool.participants]
    unreachable = sorted({member.handle for member in people if not member.email})
    if unreachable:
        page.warn(path, f"no mail reaches {', '.join(unreachable)}: add 'email' to the member")
    if pool.follower is not None and not pool.follower.email:
        page.warn(("follower",), f"no mail reaches {pool.follower.handle}: add 'email'")


def _check_switches(page: Page, listed: str, key: str, header: Header) -> None:
    """Warn of connections or sources that wait for leads which no address takes."""
    for place, entry in enumerate(page.data.get(listed, ())):
        intake = entry.get(key)
        if intake == "automation" and not header.automation:
            page.warn(
                (listed, place),
                "automations may not send leads; in organization.yaml set "
                "integrations.automation.enabled: true",
            )
        elif intake == "meta" and header.meta is None:
            message = "Meta's leads are not taken; add integrations.meta to organization.yaml"
            page.warn((listed, place), message)


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


def _check_steps(page: Page, flow: Flow, inactive: Mapping[str, Pool], header: Header) -> None:
    """Report what steps name and is not there, or takes no leads."""
    for place, step in enumerate(flow.steps):
        for inner in within(step):
            if isinstance(inner, PoolStep) and inner.pool_id in inactive:
                message = f"{inactive[inner.pool_id].file} is not active, so no lead is assigned"
                page.warn(("steps", place), message)
            if isinstance(inner, Recipient):
                _check_feedback(page, place, inner, header)
            for path, name in inner.credentials if isinstance(inner, PluginStep) else ():
                if name not in header.credentials:
                    page.report(path, f"no credential '{name}'{_added(name, header)}")


def _check_copies(page: Page, header: Header) -> None:
    """Report a flow's wishes for a firehose that organization.yaml has not, or not so."""
    wanted = page.data.get("firehose") or {"enabled": False}
    if header.firehose_kind is None and wanted.get("enabled", True):
        said = "organization.yaml has no firehose; its 'url' says where all flows' events go"
        page.report(("firehose",), f"{said}, and with which credentials")
    elif header.firehose_kind == "file" and "bucket" in wanted:
        page.report(("firehose", "bucket"), "a folder has no buckets; remove it, or use 'prefix'")


def _check_feedback(page: Page, place: int, step: Recipient, header: Header) -> None:
    """Report a credential for feedback that organization.yaml does not have."""
    wanted = step.feedback.credential if step.feedback else None
    if wanted is not None and wanted not in header.credentials:
        hint = _added(wanted, header)
        page.report(("steps", place), f"no credential '{wanted}'{hint}, for feedback")


def _added(name: str, header: Header) -> str:
    """Return what to do about a credential that organization.yaml does not have."""
    return nearest(name, list(header.credentials)) or "; add it to organization.yaml"


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
        if "submit" in test:
            yield (*at, "submit", "flow"), "flow", test["submit"]["flow"]
        expected = test["expect"]
        if "pool" in expected:
            yield (*at, "expect", "pool"), "pool", expected["pool"]
        if "person" in expected:
            yield (*at, "expect", "person"), "member", expected["person"]
        for index, stem in enumerate(expected.get("workflows", ())):
            yield (*at, "expect", "workflows", index), "workflow", stem
