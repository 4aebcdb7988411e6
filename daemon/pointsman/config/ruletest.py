"""Tests of the rules: a lead goes in, and what became of it is held against what was expected.

The organization is published to a real server, and the lead takes the way that a posted one takes;
the clock is the test's, and so is what recipients of flows answer. Each test begins with an empty
server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from pointsman.config.formats import moment
from pointsman.config.reading import Positions, read
from pointsman.config.ruletest_answers import Answers
from pointsman.config.tree import kind_of
from pointsman.errors import Refused
from pointsman.flow import Flow, Source
from pointsman.flows.flights import Flights
from pointsman.flows.intake import Intake
from pointsman.flows.submissions import Submissions
from pointsman.ids import milliseconds
from pointsman.model import Organization, Origin, Pool, Ruleset
from pointsman.pools.compile import published
from pointsman.registry import nearest
from pointsman.settings import Settings
from pointsman.store.caps import CapStore
from pointsman.store.flow_events import FlowEvents
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.leads import LeadStore, Taken
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore

__all__ = ["RECORDED", "Difference", "Outcome", "origin_of", "run_tests", "source_of", "written"]

RECORDED = {"webhook": "webhook", "automation": "webhook", "meta": "meta", "workflow": "system"}
"""What history records as a lead's source, by where the lead came in."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came out otherwise than expected; ``what`` is its key under ``expect``."""

    what: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.what}: expected {_shown(self.expected)}, found {_shown(self.found)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one test came to; it passed if there is no difference."""

    file: str
    line: int
    column: int
    name: str
    differences: tuple[Difference, ...] = ()


class _Fixed:
    """Rules that stay as they are."""

    def __init__(self, organization: Organization) -> None:
        self.current = Ruleset({organization.handle: organization})

    async def catch_up(self, handle: str, generation: int) -> Organization | None:  # noqa: ARG002
        """Return the only organization there is."""
        return self.current.organizations.get(handle)


class _Bench:
    """One organization on an otherwise empty server."""

    def __init__(self, organization: Organization, store: RedisStore) -> None:
        settings = Settings.model_construct()
        self._store = store
        self._organization = replace(organization, generation=1)
        self._pools = PoolStore(store)
        self._leads = LeadStore(store, settings)
        self._generations = GenerationStore(store, settings)
        self._settings = settings
        self._answers = Answers()
        self._stems = {_stem(pool.file): pool for pool in organization.pools.values()}

    async def run(self, test: Mapping[str, Any]) -> tuple[Difference, ...]:
        """Take the test's lead in and return what came out otherwise."""
        await self._prepare()
        wrong = [
            d for stem, s in test.get("pools", {}).items() if (d := await self._point(stem, s))
        ]
        if wrong:
            return tuple(wrong)
        clock = test.get("clock")
        at = int(moment(clock).timestamp() * 1000) if clock else milliseconds()
        self._answers.answers = test.get("answers", {})
        try:
            found = (
                await self._submitted(test, at) if "submit" in test else await self._in(test, at)
            )
        except Refused as error:
            return (Difference("lead", "taken", f"refused: {error}"),)
        except LookupError as error:
            return (Difference("submit.source", "a source of the flow", error.args[0]),)
        return tuple(_differences(test["expect"], found))

    async def _in(self, test: Mapping[str, Any], at: int) -> dict[str, Any]:
        """Take a lead in through an intake."""
        origin = origin_of(test.get("intake", {}), test["lead"])
        taken = await self._intake(at).take(
            self._organization, test["lead"], origin, source=RECORDED[origin.source]
        )
        return await self._found(taken)

    async def _submitted(self, test: Mapping[str, Any], at: int) -> dict[str, Any]:
        """Send a lead to a flow's own address."""
        flow = self._organization.named_flows[test["submit"]["flow"]]
        source = source_of(flow, test["submit"]["source"])
        door = Submissions(self._intake(at), CapStore(self._store), clock=lambda: at)
        told, taken = await door.post(self._organization, flow, source, test["lead"], address=None)
        return {
            **await self._found(taken),
            "outcome": told.outcome,
            "reason": told.reason,
            "price": told.price,
            "steps": await self._steps(taken.lead_id),
        }

    def _intake(self, at: int) -> Intake:
        rules = _Fixed(self._organization)
        flights = Flights(self._leads, rules, self._answers, self._settings, clock=lambda: at)
        return Intake(self._leads, rules, flights=flights, clock=lambda: at)

    async def _steps(self, lead_id: str) -> dict[str, str]:
        """Return what came of each step, by its key."""
        events = await FlowEvents(self._store).of_lead(self._organization.id, lead_id)
        return {
            event["key"]: event["outcome"]
            for event in events
            if "key" in event and event.get("type") != "bid"
        }

    async def _prepare(self) -> None:
        await self._store.redis.flushall()
        pools = [published(pool) for pool in self._organization.pools.values()]
        publication = Publication(0, self._organization.hash, {}, pools, "test")
        await self._generations.publish(self._organization.id, publication)

    async def _point(self, stem: str, state: Mapping[str, Any]) -> Difference | None:
        """Make the named member next; return what is wrong with the names."""
        pool = self._stems.get(stem)
        if pool is None:
            return Difference(f"pools.{stem}", "a pool's file name", _missing(stem, self._stems))
        if "next" not in state:
            return None
        people = {p.member.handle: p.id for p in pool.participants}
        chosen = people.get(state["next"])
        if chosen is None or not await self._pools.point(self._organization.id, pool.id, chosen):
            why = _missing(state["next"], people)
            return Difference(f"pools.{stem}.next", "a participant's handle", why)
        return None

    async def _found(self, taken: Taken) -> dict[str, Any]:
        """Return all that a test may expect, as it came out."""
        organization, assignment = self._organization, taken.assignment
        lead, _ = await self._leads.read(organization.id, taken.lead_id, log=True)
        events = [kind for entry in lead.log for kind in entry.types] if lead else []
        started = [
            _stem(workflow.file)
            for entry in (lead.log if lead else ())
            for kind in entry.types
            for workflow in organization.triggers.get(("leads", kind), ())
            if workflow.id in organization.workflows
            and lead
            and workflow.active
            and workflow.matches(lead.snapshot(entry.revision))
        ]
        pool = organization.pools.get(assignment.pool_id) if assignment else None
        return {
            "assigned": assignment is not None,
            "pool": _stem(pool.file) if pool else None,
            "person": organization.members[assignment.member_id].handle if assignment else None,
            "reason": taken.reason,
            "events": events,
            "workflows": sorted(started),
        }


def written(files: Mapping[str, bytes]) -> Iterator[tuple[str, int, int, Mapping[str, Any]]]:
    """Yield file, line, column and text of every test among valid files of an organization."""
    for name, raw in sorted(files.items()):
        if kind_of(name) == "ruletest":
            positions = Positions(raw)
            for place, test in enumerate(read(raw).data["tests"]):
                yield name, *positions.of(("tests", place)), test


async def run_tests(
    organization: Organization, files: Mapping[str, bytes], store: RedisStore
) -> list[Outcome]:
    """Run every test of an organization; ``store`` is emptied before each."""
    bench = _Bench(organization, store)
    return [
        Outcome(file, line, column, test["name"], await bench.run(test))
        for file, line, column, test in written(files)
    ]


def source_of(flow: Flow, named: str) -> Source:
    """Return a source by its key, id or name; raises ``LookupError`` that says which there are."""
    for source in flow.sources:
        if named in (source.id, source.key, source.name):
            return source
    known = [source.key or source.id for source in flow.sources]
    raise LookupError(f"'{named}'{nearest(named, known)} (known: {', '.join(known)})")


def origin_of(intake: Mapping[str, Any], lead: Mapping[str, Any]) -> Origin:
    """Return the origin that ``intake`` describes; the lead itself may carry its utm_campaign."""
    campaign = lead.get("utm_campaign")
    carried = (campaign.strip() or None) if isinstance(campaign, str) else None
    return Origin(**{"source": "webhook", "utm_campaign": carried, **intake})


def _differences(expect: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    for what, expected in expect.items():
        wanted = sorted(expected) if what == "workflows" else expected
        if what == "steps":
            for key, outcome in expected.items():
                if found[what].get(key) != outcome:
                    yield Difference(f"steps.{key}", outcome, found[what].get(key, "not reached"))
        elif wanted != found[what]:
            yield Difference(what, wanted, found[what])


def _missing(name: str, known: Mapping[str, Pool | str]) -> str:
    return f"'{name}'{nearest(name, list(known))} (known: {', '.join(sorted(known))})"


def _shown(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "nobody or nothing" if value in (None, "") else str(value)


def _stem(file: str) -> str:
    return PurePath(file).stem
