"""What another daemon needs to lead a lead on: how it began, as text, and back again.

The flow's own document goes along, so that the lead ends with the rules that it began with,
whatever is published meanwhile. It holds the lead's values in the clear, and lives as long as the
lead is on its way.
"""

from __future__ import annotations

from pathlib import PurePath

from orjson import dumps

from pointsman.flow import Flow, Recipient, within
from pointsman.flows.compile import compile_flow
from pointsman.flows.passage import Way, enter
from pointsman.flows.submission import StepResult, Submission
from pointsman.model import Organization, Origin
from pointsman.store.flights import Flight

__all__ = ["resumed", "retraced", "state_of"]

_SKIPPED = {"outcome": "skip"}


def state_of(submission: Submission, way: Way) -> str:
    """Return the JSON of how a lead began its way."""
    return dumps(
        {
            "flow": submission.flow.id,
            "file": submission.flow.file,
            "document": submission.flow.whole,
            "source_prices_first": submission.flow.source_prices_first,
            "source": submission.source.id,
            "parameters": submission.sent,
            "at": submission.at,
            "address": submission.scope["submission"]["ip"],
            "random": submission.scope["random"],
            "listed": submission.scope.get("suppressionlist", {}),
            "way": {**way._asdict(), "origin": way.origin._asdict()},
        }
    ).decode()


def resumed(organization: Organization, lead_id: str, flight: Flight) -> tuple[Submission, Way]:
    """Return a lead where it stood before its first step, let in."""
    state = flight.state
    flow = _flow(organization, flight)
    source = next(source for source in flow.sources if source.id == state["source"])
    way = Way(**{**state["way"], "origin": Origin(**state["way"]["origin"])})
    submission = enter(
        organization,
        flow,
        source,
        state["parameters"],
        lead_id=lead_id,
        at=state["at"],
        address=state["address"],
        random=state["random"],
    )
    submission.led = True
    submission.look_up(state["listed"])
    submission.admit()
    return submission, way


def retraced(submission: Submission, flight: Flight, number: int) -> Recipient | None:
    """Lead a lead to the recipient of a ``number`` by what came of the steps before; return it.

    Of steps that are taken at once none sees another.
    """
    while (step := submission.walk()) is not None:
        inner = [one for one in within(step) if one is not step]
        if number in {one.number for one in (*inner, step)}:
            break
        for one in inner:
            if one.number in flight.results:
                submission.report(StepResult(one, **flight.results[one.number]))
        known = flight.results.get(step.number, _SKIPPED)
        submission.report(StepResult(step, **known))
    wanted = (step for step in submission.flow.taken() if step.number == number)
    return next((step for step in wanted if isinstance(step, Recipient)), None)


def _flow(organization: Organization, flight: Flight) -> Flow:
    """Return the flow as it was; what it names and is there no more, its steps are without."""
    state = flight.state
    named = {PurePath(pool.file).stem: pool_id for pool_id, pool in organization.pools.items()}
    return compile_flow(
        file=state["file"],
        document=state["document"],
        flow_id=state["flow"],
        organization_id=organization.id,
        pools={**named, **{pool_id: pool_id for pool_id in organization.pools}},
        report=lambda path, message: None,  # noqa: ARG005 - it was valid when it was published
        types=organization.fields.types,
        time_zone=organization.time_zone,
        source_prices_first=state.get("source_prices_first", False),
        lists={
            name: listed
            for list_id, listed in organization.lists.items()
            for name in (list_id, PurePath(listed.file).stem)
        },
    )
