"""How much everybody has to do, kept up while workflows ask for it.

Costs nothing where none does: then ``counted`` is empty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pointsman.model import Organization
from pointsman.store.events import Entry
from pointsman.store.own import OwnStore
from pointsman.workflows.assigning import LEAST_LOADED

__all__ = ["Loads", "counted"]

_MODULE, _RECORD = 1, 2
"""Places of words in the text of an event."""


def counted(organization: Organization) -> frozenset[str]:
    """Return the modules whose open records some active workflow wants counted by owner."""
    return frozenset(
        workflow.module
        for workflow in organization.workflows.values()
        if workflow.active
        and any(action.config.get("algorithm") == LEAST_LOADED for action in workflow.actions)
    )


class Loads:
    """Notes what events tell, before anything is done about them."""

    def __init__(self, owners: OwnStore) -> None:
        self._owners = owners

    async def note(
        self, organization_id: str, modules: frozenset[str], entries: Iterable[Entry]
    ) -> None:
        """Note whose the records are that a batch of events is about."""
        changed: dict[str, dict[str, None]] = defaultdict(dict)
        for _, text in entries:
            words = text.decode().split(" ")
            if len(words) > _RECORD and words[_MODULE] in modules:
                changed[words[_MODULE]][words[_RECORD]] = None
        for module, records in changed.items():
            await self._owners.note(organization_id, module, list(records))
