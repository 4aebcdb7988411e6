"""Which workflows an event concerns.

Most events concern none, and telling so must cost next to nothing: the first two words of an entry
(its types and module) are looked up as they stand, and nothing more of it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pointsman.model import Change, Organization, Snapshot, Workflow
from pointsman.workflows.loads import counted

__all__ = ["Index", "matching"]

_NONE: tuple[Workflow, ...] = ()


class Index:
    """The active workflows of one organization by the beginning of an event's text."""

    __slots__ = ("_found", "_triggers", "counted", "organization")

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.counted = counted(organization)
        self._triggers: Mapping[tuple[str, str], Sequence[Workflow]] = organization.triggers
        self._found: dict[bytes, tuple[Workflow, ...]] = {}

    def concerned(self, text: bytes) -> tuple[Workflow, ...]:
        """Return the workflows of an event's types, each once, filters not yet applied."""
        beginning = text[: text.index(b" ", text.index(b" ") + 1)]
        found = self._found.get(beginning)
        return self._look_up(beginning) if found is None else found

    def _look_up(self, beginning: bytes) -> tuple[Workflow, ...]:
        types, module = beginning.decode().split(" ")
        found = {
            workflow.id: workflow
            for one in types.split(",")
            for workflow in self._triggers.get((module, one), _NONE)
            if workflow.active
        }
        self._found[beginning] = tuple(found.values())
        return self._found[beginning]


def matching(workflows: Sequence[Workflow], change: Change, snapshot: Snapshot) -> list[Workflow]:
    """Return the workflows whose filters the snapshot passes.

    A workflow does not see what it did to the record itself, unless it says ``reenter``; a record
    that it made is another one.
    """
    made = snapshot.previous is None
    return [
        workflow
        for workflow in workflows
        if (made or workflow.reenter or change.origin != f"workflow:{workflow.id}")
        and workflow.matches(snapshot)
    ]
