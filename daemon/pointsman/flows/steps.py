"""The step types of flows: how each is written, and what it compiles to.

To add one: a function here that makes it of its document, its noun in :mod:`pointsman.flow`, its
part of schemas/flow.json, and what a lead meets there in :mod:`pointsman.flows.submission`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from pointsman.flow import (
    Auction,
    Bid,
    Feedback,
    Filter,
    FirstSuccess,
    Parallel,
    PluginStep,
    PoolStep,
    Recipient,
    Step,
    within,
)
from pointsman.flows.clauses import Clauses, Path
from pointsman.flows.filling import compile_filling
from pointsman.flows.quotas import compile_quotas
from pointsman.ids import element_ids
from pointsman.plugin import steps as plugin_steps
from pointsman.registry import Registry, nearest
from pointsman.step import ROOTS

__all__ = ["ID_LENGTH", "Builder", "compile_steps", "step_types"]

ID_LENGTH = 6

_NO_KEY = re.compile(r"[^a-z0-9]+", re.ASCII)
_SPANS = {"h": 3_600_000, "d": 86_400_000}
_NOT_INSIDE = {
    "filter": "the steps of 'parallel' are taken at once, so a filter among them could stop none "
    "of the others; put it before or behind",
    "parallel": "its steps are taken at once already; move those of the inner 'parallel' out",
}

Document = Mapping[str, Any]
Compile = Callable[["Builder", Document, str, Path], Step | None]

step_types: Registry[Compile] = Registry("step type")


@dataclass(frozen=True, slots=True)
class Builder:
    """What a step is made with; ``pools`` are ids by file stem and by id.

    ``numbers`` are those of steps and bids in the order in which they stand in the file.
    """

    clauses: Clauses
    pools: Mapping[str, str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    ids: dict[str, Path] = field(default_factory=dict)

    def report(self, path: Path, message: str) -> None:
        """Note what is wrong with a step."""
        self.clauses.report(path, message)


def compile_steps(
    builder: Builder, documents: Sequence[Document], flow_id: str
) -> tuple[Step, ...]:
    """Return the steps of a flow in their order, without those that name what is not there."""
    found: list[Step] = []
    for step, path in _compiled(builder, documents, flow_id, ()):
        pools = [inner for inner in within(step) if isinstance(inner, PoolStep)]
        if len(pools) > 1:
            builder.report(
                path,
                "a lead is assigned once, and these steps are taken at the same time; put the "
                "pools one after the other, where the next is asked if the one before has nobody",
            )
        found.append(step)
    return tuple(found)


def _compiled(
    builder: Builder,
    documents: Sequence[Document],
    parent: str,
    above: Path,
    *,
    bidding: bool = False,
) -> Iterator[tuple[Step, Path]]:
    """Yield the steps of a flow or of a step that holds others, with their places."""
    ids = element_ids(parent, "step", documents, length=ID_LENGTH)
    for place, document in enumerate(documents):
        path: Path = (*above, "steps", place)
        first = builder.ids.setdefault(ids[place], path)
        if first is not path:
            builder.report((*path, "id"), f"the same id as {_told(first)}; each needs its own")
        if "bid" in document and not bidding:
            builder.report((*path, "bid"), "only recipients in an 'auction' bid; remove it")
        make = step_types.get(document["type"], _plugged)
        step = make(builder, document, ids[place], path)
        if step is not None:
            _check_key(builder, document, step, path)
            yield step, path


def _check_key(builder: Builder, document: Document, step: Step, path: Path) -> None:
    """Report a key whose answers would stand in the place of the lead, or of a price."""
    if step.key in ROOTS and not isinstance(step, Filter):
        named = "key" if "key" in document else "name"
        said = f"rules and templates find something else under '{step.key}'"
        builder.report((*path, named), f"{said}; give the step another key")


def _step_type(name: str) -> Callable[[Compile], Compile]:
    def register(make: Compile) -> Compile:
        return step_types.add(name, make)

    return register


@_step_type("filter")
def _filter(builder: Builder, document: Document, step_id: str, path: Path) -> Filter:
    """Stop the flow for leads that its rules hold for."""
    clauses = builder.clauses
    return Filter(
        id=step_id,
        key=document.get("key", step_id),
        rules=clauses.rules(document["rule_set"], (*path, "rule_set")),
        outcome=document.get("outcome", "failure"),
        reason=clauses.template(document.get("reason"), (*path, "reason")),
        enabled=document.get("enabled", True),
        number=next(builder.numbers),
    )


@_step_type("pool")
def _pool(builder: Builder, document: Document, step_id: str, path: Path) -> PoolStep | None:
    """Assign the lead through a pool."""
    named, number = document["pool"], next(builder.numbers)
    if named not in builder.pools:
        hint = nearest(named, sorted(builder.pools)) or "; expected the name of a file in pools/"
        builder.report((*path, "pool"), f"no pool '{named}'{hint}")
        return None
    return PoolStep(
        id=step_id,
        pool_id=builder.pools[named],
        enabled=document.get("enabled", True),
        key=document.get("key", step_id),
        rules=builder.clauses.some_rules(document, path),
        number=number,
        caps=compile_quotas(document, "caps", step_id, builder.clauses, path),
    )


@_step_type("recipient")
def _recipient(builder: Builder, document: Document, step_id: str, path: Path) -> Recipient:
    """Deliver the lead to somebody else."""
    clauses, name = builder.clauses, document.get("name")
    number, key = next(builder.numbers), document.get("key") or _slug(name) or step_id
    return Recipient(
        id=step_id,
        key=key,
        name=name or key,
        integration=clauses.integration(document, path),
        rules=clauses.some_rules(document, path),
        pricing=clauses.pricing(document, path),
        timeout=document.get("timeout", 10),
        enabled=document.get("enabled", True),
        number=number,
        caps=compile_quotas(document, "caps", step_id, clauses, path),
        retry=document.get("retry_enabled", False),
        feedback=_feedback(builder, document, path),
        behind=document.get("behind", False),
    )


def _plugged(builder: Builder, document: Document, step_id: str, path: Path) -> PluginStep | None:
    """Let a plugin do the step."""
    number, name, clauses = next(builder.numbers), document["type"], builder.clauses
    known, config = plugin_steps.recall(name), document.get("config", {})
    if known is None:
        builder.report((*path, "type"), plugin_steps.explain_missing(name))
        return None
    here: Path = (*path, "config")
    for inside, message in known.problems(config):
        builder.report((*here, *inside), message)
    return PluginStep(
        id=step_id,
        key=document.get("key", step_id),
        type=name,
        options=compile_filling(config, clauses.text, here),
        timeout=document.get("timeout", known.timeout.total_seconds()),
        rules=clauses.some_rules(document, path),
        enabled=document.get("enabled", True),
        number=number,
        caps=compile_quotas(document, "caps", step_id, clauses, path),
        credentials=[
            ((*here, *inside), name) for inside, name in known.marked("x-credential", config)
        ],
    )


@_step_type("parallel")
def _parallel(builder: Builder, document: Document, step_id: str, path: Path) -> Parallel:
    """Take several steps at once."""
    number, inner = next(builder.numbers), []
    for step, place in _compiled(builder, document["steps"], step_id, path):
        if isinstance(step, Filter | Parallel):
            builder.report((*place, "type"), _NOT_INSIDE[step.type])
        else:
            inner.append(step)
    return Parallel(
        steps=tuple(inner),
        timeout=document.get("timeout"),
        **_group(builder, document, step_id, path, number),
    )


@_step_type("first_success")
def _first_success(builder: Builder, document: Document, step_id: str, path: Path) -> FirstSuccess:
    """Ask recipients one after another until one takes the lead."""
    number = next(builder.numbers)
    rivals = (step for step, _ in _rivals(builder, document, step_id, path))
    return FirstSuccess(
        steps=tuple(rivals),
        timeout=document.get("timeout"),
        **_group(builder, document, step_id, path, number),
    )


@_step_type("auction")
def _auction(builder: Builder, document: Document, step_id: str, path: Path) -> Auction:
    """Let recipients bid for the lead, and offer it to the highest bidder first."""
    number, bidders = next(builder.numbers), []
    for step, here in _rivals(builder, document, step_id, path):
        if isinstance(step, Recipient):
            bid = _bid(builder, document["steps"][here[-1]], step, here)
            bidders.append(replace(step, bid=bid))
    return Auction(
        steps=tuple(bidders),
        timeout=document.get("timeout", 3),
        floor=document.get("floor", 0),
        sales=document.get("sales", 1),
        **_group(builder, document, step_id, path, number),
    )


def _group(
    builder: Builder, document: Document, step_id: str, path: Path, number: int
) -> dict[str, Any]:
    """Return what all steps that hold others have."""
    return {
        "id": step_id,
        "key": document.get("key", step_id),
        "rules": builder.clauses.some_rules(document, path),
        "enabled": document.get("enabled", True),
        "number": number,
        "caps": compile_quotas(document, "caps", step_id, builder.clauses, path),
    }


def _rivals(
    builder: Builder, document: Document, step_id: str, path: Path
) -> Iterator[tuple[Recipient | PluginStep, Path]]:
    """Yield those of whom only some get the lead, with their places: none is tried again later."""
    bidding = document["type"] == "auction"
    for step, place in _compiled(builder, document["steps"], step_id, path, bidding=bidding):
        if isinstance(step, Recipient) and step.retry:
            said = "the lead goes to the next recipient instead; remove it"
            builder.report((*place, "retry_enabled"), said)
        if isinstance(step, Recipient | PluginStep):
            yield step, place


def _bid(builder: Builder, document: Document, step: Recipient, path: Path) -> Bid:
    """Return how a recipient bids: by its answer to a ping, or by its prices."""
    written = document.get("bid")
    if written is None and (step.pricing is None or not step.pricing.prices):
        builder.report(path, "it bids nothing: add 'bid', how it is asked, or 'pricing.prices'")
    here: Path = (*path, "bid")
    return Bid(
        id=step.id,
        key=step.key,
        name=step.name,
        integration=builder.clauses.integration(written, here) if written else None,
        number=next(builder.numbers),
    )


def _feedback(builder: Builder, document: Document, path: Path) -> Feedback | None:
    written = document.get("feedback")
    if written is None:
        return None
    here: Path = (*path, "feedback")
    credential, auth = written.get("credential"), written.get("auth")
    if auth == "credential" and credential is None:
        said = "name the credential of organization.yaml that the recipient proves itself with"
        builder.report((*here, "auth"), f"{said}: credential")
    if auth == "none" and credential is not None:
        builder.report((*here, "credential"), "'auth: none' asks for none; remove one of them")
    age = written.get("max_age")
    return Feedback(
        rules=builder.clauses.some_rules(written, here),
        max_age=int(age[:-1]) * _SPANS[age[-1]] if age else 0,
        credential=credential,
    )


def _told(path: Path) -> str:
    """Return a place in a file as findings write it."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)[1:]


def _slug(name: str | None) -> str:
    """Return what a recipient's answers stand under in rules: its name in small letters."""
    return _NO_KEY.sub("_", (name or "").lower()).strip("_")
