"""Leads on their way to recipients, as another daemon needs them to go on.

Who leads one holds its token until the lease ends; when somebody else does, nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from orjson import dumps, loads

from pointsman.errors import Unavailable
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.stored import Taken, taken

__all__ = ["Flight", "FlightStore", "Places", "TakenOver", "flight_of"]


@dataclass(frozen=True, slots=True)
class Flight:
    """A lead that was taken over: how it began, and what came of its steps so far by number."""

    state: Mapping[str, Any]
    results: Mapping[int, Mapping[str, Any]]


class Places(NamedTuple):
    """The caps of a step (caps.lua), now, and when a place that is only held is lost."""

    caps: str
    now: int
    till: int


class TakenOver(Unavailable):
    """Another daemon leads a lead now, or it has arrived."""

    def __init__(self, lead_id: str) -> None:
        super().__init__(
            f"lead {lead_id} was taken over by another daemon; ask again for its answer"
        )


class FlightStore:
    """Keeps the leads on their way of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        self._ttl = int(settings.event_retention.total_seconds() * 1000)

    async def begin(  # noqa: PLR0917 - all of one fact
        self,
        organization_id: str,
        lead_id: str,
        token: str,
        number: int,
        lease: int,
        places: Places,
    ) -> str:
        """Keep a lead until ``lease`` for its next step; return the cap of the step that is full.

        Raises ``TakenOver``.
        """
        args: list[Argument] = [token, number, "", lease, places.now, places.caps, "hold"]
        found = await self._advance(organization_id, lead_id, [*args, places.till])
        return "" if found == 1 else found.decode()

    async def advance(  # noqa: PLR0917 - all of one fact
        self,
        organization_id: str,
        lead_id: str,
        token: str,
        number: int,
        result: Mapping[str, Any],
        lease: int,
        places: Places,
    ) -> None:
        """Store what came of a step; where it was a success, its places are kept.

        Raises ``TakenOver``.
        """
        mode = "keep" if result["outcome"] == "success" else "leave"
        args: list[Argument] = [token, number, dumps(result), lease, places.now, places.caps, mode]
        await self._advance(organization_id, lead_id, [*args, places.till])

    async def claim(
        self, organization_id: str, lead_id: str, token: str, now: int, lease: int
    ) -> Flight | None:
        """Take a lead over whose lease has ended."""
        keys = Keys(organization_id)
        found = await self._store.call(
            "claim_submission", [keys.lead(lead_id), keys.events], [now, token, lease]
        )
        if not found:
            return None
        fields = {found[i].decode(): found[i + 1] for i in range(0, len(found), 2)}
        return flight_of(fields)

    async def finish(  # noqa: PLR0917 - all of one fact
        self,
        organization_id: str,
        lead_id: str,
        token: str,
        now: int,
        told: str | bytes,
        caps: tuple[str, bool],
        claims: str,
        again: str,
        story: Sequence[str | bytes],
    ) -> Taken:
        """Let a lead arrive; ``caps`` are its counters and whether it keeps its places.

        ``again`` is what is to be delivered once more (errands.lua). Raises ``TakenOver``.
        """
        keys = Keys(organization_id)
        args: list[Argument] = [
            token, now, self._ttl, told, caps[0], "keep" if caps[1] else "leave", claims, again,
            *story,
        ]  # fmt: skip
        answer = await self._store.call(
            "finish_submission", [keys.lead(lead_id), keys.events], args
        )
        if not answer:
            raise TakenOver(lead_id)
        return taken(lead_id, [b"taken", 0, answer])

    async def _advance(self, organization_id: str, lead_id: str, args: list[Argument]) -> Any:
        keys = Keys(organization_id)
        found = await self._store.call(
            "advance_submission", [keys.lead(lead_id), keys.events], args
        )
        if found == 0:
            raise TakenOver(lead_id)
        return found


def flight_of(fields: Mapping[str, bytes]) -> Flight:
    """Return a lead's way of the fields of its hash."""
    results = {
        int(name[1:]): loads(text)
        for name, text in fields.items()
        if name[0] == "r" and name[1:].isdigit()
    }
    return Flight(loads(fields["state"]), results)
