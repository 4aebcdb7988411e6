"""Which texts of flows are live beside the files, and how that changes.

With ``deploy: manual`` a generation is files and live texts; publishing files hands on the texts of
the generation before. What an editor decides here is published like any other change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from http import HTTPStatus
from typing import Any

from pointsman.config.documents import checked
from pointsman.config.editing import Edited, Editor, Subject, conflict
from pointsman.config.live import own_id, undeployed
from pointsman.config.organization import manual_deploy
from pointsman.config.tree import root_file
from pointsman.errors import Refused
from pointsman.registry import nearest
from pointsman.store.deployments import Deployed, Deployment
from pointsman.store.generations import Generation, GenerationStore

__all__ = [
    "EDITORS",
    "bring_back",
    "called",
    "deploy",
    "difference",
    "handed_on",
    "not_manual",
]

Files = Mapping[str, bytes]

_FOLDER = "flows/"


async def handed_on(
    generations: GenerationStore, identifier: str, parent: Generation | None, files: Files
) -> Deployment | None:
    """Return what of flows is live when ``files`` are published after ``parent``.

    That is what is live now, also if ``parent`` has what its files say; ``None`` if what ``files``
    say is live.
    """
    if not _is_manual(files):
        return None
    if parent is None:
        return {}
    deployed = await generations.deployed(identifier, parent.number)
    if deployed is not None:
        return deployed
    return _texts(identifier, await generations.files(identifier, parent.number) or {})


def deploy(subject: Subject, content: Mapping[str, Any]) -> Edited:
    """Make the saved state of the ``flows`` that are named live, or of all; no file, no flow.

    Where what is saved is live anyway, nothing is to be done.
    """
    named, flows = content.get("flows"), subject.organization.distinct_saved_flows()
    pending = undeployed(subject.deployed or {}, flows, subject.files)
    found = [*pending] if named is None else called(subject, named)
    identifier = found[0] if found else ""
    if subject.deployed is None:
        return Edited(identifier)
    saved = {flow.id: flow.file for flow in flows}
    after = dict(subject.deployed)
    for flow_id in found:
        if flow_id in saved:
            after[flow_id] = Deployed(saved[flow_id], subject.files[saved[flow_id]])
        else:
            after.pop(flow_id, None)
    return Edited(identifier, deployed=None if after == subject.deployed else after)


def bring_back(subject: Subject, content: Mapping[str, Any]) -> Edited:
    """Make an earlier ``text`` of a ``flow`` live again, as it was; what is saved stays."""
    if subject.deployed is None:
        raise not_manual()
    identifier = content["flow"]
    before = Deployed(content["file"], content["text"].encode())
    if subject.deployed.get(identifier) == before:
        return Edited(identifier)
    return Edited(identifier, deployed={**subject.deployed, identifier: before})


EDITORS: Mapping[str, Editor] = {"flow.deploy": deploy, "flow.bring_back": bring_back}
"""Editors by the kind of change."""


def not_manual() -> Refused:
    """Return the refusal to bring versions back where there are none."""
    return conflict(
        "what is saved is live here (deploy: auto); with deploy: manual in organization.yaml "
        "earlier versions of flows can be brought back"
    )


def difference(
    before: Deployed | None, after: Deployed | None, named: str = "saved"
) -> Iterator[str]:
    """Yield the lines of what deploying ``after`` (so ``named``) for ``before`` would change.

    Where only the file has another name, or its lines other ends, that is the two first lines.
    """
    old = f"live/{before.file}" if before else "/dev/null"
    new = f"{named}/{after.file}" if after else "/dev/null"
    lines = [*unified_diff(_lines(before), _lines(after), old, new, lineterm="")]
    yield from lines or ([] if before == after else [f"--- {old}", f"+++ {new}"])


def called(subject: Subject, names: Iterable[str]) -> list[str]:
    """Return the ids of flows that are named by id or file, saved or live."""
    found: dict[str, None] = {}
    for name in names:
        flow = subject.organization.saved_flows.get(name)
        deployed = (subject.deployed or {}).items()
        ids = [flow.id] if flow else []
        ids += [each for each, one in deployed if name in (each, one.stem)]
        if not ids:
            known = sorted({*subject.organization.saved_flows, *(one.stem for _, one in deployed)})
            message = f"no flow '{name}'{nearest(name, known)}"
            raise Refused(message, status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
        found |= dict.fromkeys(ids)
    return [*found]


def _is_manual(files: Files) -> bool:
    """Whether the flows of these files are live only when somebody deploys them."""
    raw = files.get(root_file(files))
    document = checked("organization", raw).data if raw is not None else None
    return document is not None and manual_deploy(document)


def _lines(one: Deployed | None) -> list[str]:
    return one.text.decode().splitlines() if one else []


def _texts(identifier: str, files: Files) -> Deployment:
    """Return the flows of files that are live as these say."""
    return {
        own_id(checked("flow", raw).data or {}, identifier, name): Deployed(name, raw)
        for name, raw in files.items()
        if name.startswith(_FOLDER)
    }
