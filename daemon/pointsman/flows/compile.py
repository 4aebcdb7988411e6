"""A flow's file made into a flow.

What it says of leads (criteria, prices, steps) compiles to closures here, once a load; what it
names outside of itself is checked where all files are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pointsman.fields.standard import standard_fields
from pointsman.flow import Copies, Flow, PoolStep, Source, SourceFeedback, Step, SuppressionList
from pointsman.flows.clauses import Clauses, Path, Report
from pointsman.flows.form import Form
from pointsman.flows.lists import compile_checks
from pointsman.flows.quotas import compile_quotas
from pointsman.flows.steps import ID_LENGTH, Builder, compile_steps
from pointsman.ids import element_ids
from pointsman.pools.availability import compile_availability

__all__ = ["Forms", "compile_flow"]

Forms = dict[frozenset[str] | None, Form]
"""Forms by the fields that a flow keeps."""

_CALLED = frozenset({"id", "key", "name", "pool", "type"})
_DEADLINE = 60
_OF_INTAKES = ("source_key", "provider")


def compile_flow(
    *,
    file: str,
    document: Mapping[str, Any],
    flow_id: str,
    organization_id: str,  # noqa: ARG001 - one signature for all compilers; ids derive from the flow's
    pools: Mapping[str, str],
    report: Report,
    types: Mapping[str, str] | None = None,
    time_zone: str = "UTC",
    source_prices_first: bool = False,
    lists: Mapping[str, SuppressionList] | None = None,
    forms: Forms | None = None,
) -> Flow:
    """Return the flow of a valid document; ``pools`` are ids by file stem and by id.

    ``types`` is field type by field id (left out: the standard fields), ``time_zone`` that of hours
    which name none. Flows of these types that are given the same ``forms`` share those of the same
    fields.
    """
    fields = None if "fields" not in document else frozenset(document["fields"])
    known = standard_fields() if types is None else types
    clauses = Clauses(known, report, time_zone)
    hours = document.get("hours_of_operation")
    steps = compile_steps(Builder(clauses, pools), document.get("steps", ()), flow_id)
    return Flow(
        id=flow_id,
        name=document["name"],
        file=file,
        sources=_sources(document.get("sources", ()), flow_id, clauses),
        steps=steps,
        form=_form(known, fields, {} if forms is None else forms),
        fields=fields,
        enabled=document.get("enabled", True),
        ping_enabled=document.get("ping_enabled", False),
        hours=compile_availability(hours, time_zone, _below(report, "hours_of_operation")),
        criteria=clauses.criteria(document, ()),
        pricing=clauses.pricing(document, ()),
        checks=compile_checks(document, lists or {}, clauses),
        caps=compile_quotas(document, "caps", flow_id, clauses, ()),
        ping_limits=compile_quotas(document, "ping_limits", flow_id, clauses, ()),
        source_prices_first=source_prices_first,
        deadline=document.get("deadline", _DEADLINE) * 1000,
        background=document.get("async", False),
        time_zone=time_zone,
        copies=_copies(document.get("firehose") or {}),
        document=document,
        whole=document,
        facts={"id": flow_id, "name": document["name"]},
        looks_back=_looks_back(steps, document.get("steps", ())),
    )


def _form(types: Mapping[str, str], fields: frozenset[str] | None, forms: Forms) -> Form:
    if fields not in forms:
        forms[fields] = Form(types, fields)
    return forms[fields]


def _looks_back(steps: Sequence[Step], documents: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a step may ask what came of a pool: a word too many only costs time."""
    pools = [re.escape(step.key) for step in steps if step.enabled and isinstance(step, PoolStep)]
    if not pools:
        return False
    asked = re.compile(rf"(?<![\w.])(?:this\.)?(?:{'|'.join(pools)})(?!\w)")
    texts = (text.partition("{{") for text in _texts(documents))
    return any(
        asked.search(inside) if mark else asked.match(variable.lstrip())
        for variable, mark, inside in texts
    )


def _texts(document: Any) -> Iterator[str]:
    """Yield what stands in steps, but for what they and their pools are called."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, Mapping):
        for name, inner in document.items():
            if name not in _CALLED:
                yield from _texts(inner)
    elif isinstance(document, Sequence):
        for inner in document:
            yield from _texts(inner)


def _copies(document: Mapping[str, Any]) -> Copies:
    wanted = document.get("enabled", True)
    return Copies(wanted, document.get("bucket"), document.get("prefix"))


def _sources(
    documents: Sequence[Mapping[str, Any]], flow_id: str, clauses: Clauses
) -> tuple[Source, ...]:
    ids = element_ids(flow_id, "source", documents, length=ID_LENGTH)
    found: list[Source] = []
    claimed: set[tuple[str, str | None]] = set()
    for place, document in enumerate(documents):
        path: Path = ("sources", place)
        source = _source(document, ids[place], clauses, path)
        if source.intake is not None:
            if (source.intake, source.source_key) in claimed:
                clauses.report(path, f"{_way_in(source)} is a source of this flow already")
                continue
            claimed.add((source.intake, source.source_key))
        found.append(source)
    return tuple(found)


def _source(document: Mapping[str, Any], source_id: str, clauses: Clauses, path: Path) -> Source:
    intake, source_key = _intake(document, path, clauses.report), document.get("source_key")
    name = document.get("name") or source_key or document.get("key") or intake or source_id
    required = document.get("authentication_required", False)
    if required and "credential" not in document:
        said = "name the credential of organization.yaml that senders prove themselves with"
        clauses.report((*path, "authentication_required"), said)
    return Source(
        id=source_id,
        name=name,
        intake=intake,
        source_key=source_key,
        key=document.get("key"),
        enabled=document.get("enabled", True),
        authentication_required=required,
        credential=document.get("credential"),
        mappings=clauses.mappings(document.get("mappings", ()), path),
        criteria=clauses.criteria(document, path),
        pricing=clauses.pricing(document, path),
        caps=compile_quotas(document, "caps", source_id, clauses, path),
        ping_limits=compile_quotas(document, "ping_limits", source_id, clauses, path),
        feedback=_feedback(document, clauses, path),
        facts={"id": source_id, "name": name},
    )


def _feedback(document: Mapping[str, Any], clauses: Clauses, path: Path) -> SourceFeedback | None:
    """Return how a source is told of the feedback on its leads."""
    written = document.get("feedback")
    if written is None:
        return None
    here: Path = (*path, "feedback")
    rules = clauses.some_rules(written, here)
    return SourceFeedback(clauses.integration(written, here), rules, written.get("timeout", 10))


def _intake(document: Mapping[str, Any], path: Path, report: Report) -> str | None:
    """Return the intake of a source, with its provider; report what that intake has not."""
    intake: str | None = document.get("intake")
    if intake is None and (named := next((n for n in _OF_INTAKES if n in document), None)):
        report((*path, named), f"only a source with an intake has a {named}; add 'intake'")
    if intake == "meta" and "source_key" in document:
        report((*path, "source_key"), "Meta's address has no source key; leave it out")
    if "provider" not in document:
        return intake
    if intake != "automation":
        report((*path, "provider"), "only 'intake: automation' has providers")
    return f"{intake}/{document['provider']}"


def _way_in(source: Source) -> str:
    key = f" with source key '{source.source_key}'" if source.source_key else ""
    return f"intake '{source.intake}'{key}"


def _below(report: Report, name: str) -> Callable[[Path, str], None]:
    return lambda path, message: report((name, *path), message)
