"""Flows as they are live: with ``deploy: manual`` other ones than the files say.

A live flow is compiled from the text that was deployed, with the pools, lists, destinations and
fields of now. What does not fit any more is a finding, so that nothing is taken away which a live
flow needs; where its text is that of the file, it is the file's flow and not compiled again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pointsman.config.documents import Page, checked
from pointsman.config.faults import Path, pointer
from pointsman.config.organization import Header
from pointsman.config.reading import Positions
from pointsman.config.tree import normal_name
from pointsman.errors import Problem
from pointsman.flow import Destination, SuppressionList
from pointsman.flows.compile import Forms, compile_flow
from pointsman.flows.destinations import whole
from pointsman.ids import derived, short
from pointsman.model import FieldTable, Flow
from pointsman.store.deployments import Deployed, Deployment

__all__ = ["CompileFlow", "Live", "flow_compiler", "live_flows", "named", "own_id", "undeployed"]

Files = Mapping[str, bytes]
Pages = Sequence[tuple[Page, Flow]]

CompileFlow = Callable[[Page, str | None], Flow]
"""Makes a page a flow; the id is given of one that has it already."""


@dataclass(frozen=True, slots=True)
class Live:
    """The live flows; ``undeployed`` tells what deploying would do, by flow id."""

    pages: Pages
    undeployed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LivePage(Page):
    """The text of a live flow; ``called`` is its name.

    What is wrong has no line in the file of now, so all findings are at its beginning. Warnings are
    for those who write files.
    """

    called: str

    def report(self, path: Path, message: str, severity: str = "error") -> None:
        """Note what no longer fits the flow, and what to do about it."""
        if severity == "error":
            said = (
                f"flow '{self.called}', as it is deployed: {message}; put back what it needs, or "
                f"save the flow without that and deploy it (pointsman deploy {self.stem}), or all "
                "that waits at once (pointsman deploy)"
            )
            self.problems.append(Problem(self.shown, 1, 1, pointer(path), said))


def flow_compiler(
    header: Header,
    pools: Mapping[str, str],
    fields: FieldTable,
    lists: Mapping[str, SuppressionList],
    destinations: Mapping[str, Destination],
) -> CompileFlow:
    """Return what makes pages flows; ``pools`` are ids by file stem and by id."""
    forms: Forms = {}

    def compile_page(page: Page, flow_id: str | None) -> Flow:
        flow = compile_flow(
            file=page.name,
            document=whole(page.data, destinations, page.report),
            flow_id=flow_id or own_id(page.data, header.id, page.name),
            organization_id=header.id,
            pools=pools,
            report=page.report,
            types=fields.types,
            time_zone=header.time_zone,
            source_prices_first=header.source_prices_first,
            lists=lists,
            forms=forms,
        )
        return replace(flow, document=page.data)

    return compile_page


def live_flows(
    deployment: Deployment,
    saved: Pages,
    files: Files,
    *,
    compile_page: CompileFlow,
    problems: list[Problem],
    shown: Callable[[str], str],
) -> Live:
    """Return the live flows and add what is wrong with them to ``problems``.

    ``saved`` are those of ``files``, ``problems`` what was found in these; ``shown`` tells what
    findings call a file.
    """
    wrong = {problem.file for problem in problems if problem.severity == "error"}
    known = {flow.id: flow for page, flow in saved if page.shown not in wrong}
    found: list[tuple[Page, Flow]] = []
    for flow_id, one in sorted(deployment.items(), key=lambda item: item[1].file):
        page = _page(one, shown(one.file), problems)
        if page is None:
            continue
        same = known.get(flow_id)
        if same is None or one != Deployed(same.file, files[same.file]):
            same = compile_page(page, flow_id)
        found.append((page, same))
    _check_stems(found)
    return Live(found, undeployed(deployment, (flow for _, flow in saved), files))


def own_id(document: Mapping[str, Any], organization_id: str, file: str) -> str:
    """Return the id that a flow's file writes, else the one that follows from the file's place."""
    return str(document.get("id") or short(derived(organization_id, "flow", normal_name(file))))


def undeployed(deployment: Deployment, saved: Iterable[Flow], files: Files) -> dict[str, str]:
    """Return what deploying would do, by flow id: ``new``, ``changed`` or ``removed``."""
    found = dict.fromkeys(deployment, "removed")
    for flow in saved:
        one = deployment.get(flow.id)
        if one is None:
            found[flow.id] = "new"
        elif one == Deployed(flow.file, files[flow.file]):
            found.pop(flow.id, None)
        else:
            found[flow.id] = "changed"
    return found


def named(flows: Pages) -> dict[str, Flow]:
    """Return flows by everything that they are called by: file stem and id."""
    return {name: flow for page, flow in flows for name in (page.stem, flow.id)}


def _page(one: Deployed, shown: str, problems: list[Problem]) -> LivePage | None:
    """Return the page of a text; one that is not valid any more has none."""
    document = checked("flow", one.text)
    called = document.data["name"] if document.data else one.stem
    page = LivePage(one.file, shown, document.data, Positions(one.text), problems, called)
    for fault in document.faults:
        page.report((fault.pointer,) if fault.pointer else (), fault.message)
    return None if document.faults else page


def _check_stems(flows: Iterable[tuple[Page, Flow]]) -> None:
    """Report flows that would be found at one address."""
    first: dict[str, str] = {}
    for page, flow in flows:
        owner = first.setdefault(page.stem, flow.id)
        if owner != flow.id:
            page.report((), f"flow {owner} is live under this file's name; deploy both together")
