"""A flow's file made into a flow.

A lead is assigned once, so only one pool step of a flow can be enabled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pointsman.ids import element_ids
from pointsman.model import Flow, PoolStep, Source
from pointsman.registry import nearest

__all__ = ["compile_flow"]

_ID_LENGTH = 6

Report = Callable[[tuple[str | int, ...], str], None]


def compile_flow(
    *,
    file: str,
    document: Mapping[str, Any],
    flow_id: str,
    organization_id: str,  # noqa: ARG001 - one signature for all compilers; ids derive from the flow's
    pools: Mapping[str, str],
    report: Report,
) -> Flow:
    """Return the flow of a valid document; ``pools`` are ids by file stem and by id."""
    fields = document.get("fields")
    return Flow(
        id=flow_id,
        name=document["name"],
        file=file,
        sources=_sources(document.get("sources", ()), flow_id, report),
        steps=_steps(document.get("steps", ()), flow_id, pools, report),
        fields=None if fields is None else frozenset(fields),
        enabled=document.get("enabled", True),
    )


def _sources(
    documents: Sequence[Mapping[str, Any]], flow_id: str, report: Report
) -> tuple[Source, ...]:
    ids = element_ids(flow_id, "source", documents, length=_ID_LENGTH)
    found: dict[tuple[str, str | None], Source] = {}
    for place, document in enumerate(documents):
        intake, source_key = document.get("intake", "webhook"), document.get("source_key")
        if (intake, source_key) in found:
            said = f"intake '{intake}'" + (f" with source key '{source_key}'" if source_key else "")
            report(("sources", place), f"{said} is a source of this flow already")
            continue
        name = document.get("name") or source_key or intake
        found[intake, source_key] = Source(ids[place], name, intake, source_key)
    return tuple(found.values())


def _steps(
    documents: Sequence[Mapping[str, Any]],
    flow_id: str,
    pools: Mapping[str, str],
    report: Report,
) -> tuple[PoolStep, ...]:
    ids = element_ids(flow_id, "step", documents, length=_ID_LENGTH)
    steps: list[PoolStep] = []
    for place, document in enumerate(documents):
        named, enabled = document["pool"], document.get("enabled", True)
        if named not in pools:
            hint = nearest(named, sorted(pools)) or "; expected the name of a file in pools/"
            report(("steps", place, "pool"), f"no pool '{named}'{hint}")
            continue
        if enabled and any(step.enabled for step in steps):
            report(
                ("steps", place),
                "a lead is assigned once, so only one pool step can be enabled; "
                "disable or remove the others",
            )
        steps.append(PoolStep(ids[place], pools[named], enabled))
    return tuple(steps)
