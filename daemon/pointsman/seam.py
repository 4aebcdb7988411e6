"""What actions can do to our own store: the record of their run, and people's inboxes.

Implemented by the engine (``workflows``) and, in memory, by ``pointsman.testing``; authors import
it from ``pointsman.plugin``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Fields", "Inbox", "Record"]

Fields = Mapping[str, Any]


class Record(Protocol):
    """The record whose change began the run, as an action may change it."""

    def typed(self, fields: Fields) -> Fields:
        """Return fields as those of a new record are read: by type, and in their places.

        What is no field of the organization is under ``custom_fields``, and only that.
        """

    async def change(self, edit: Callable[[Fields], Fields]) -> Fields:
        """Store what ``edit`` makes of the record, and return the record as it was before.

        ``edit`` gets the record's fields and returns those to set; it may be called again if
        somebody else changed the record meanwhile. What differs is stored, recorded and told as
        an event in one atomic script; if nothing differs, nothing happens.
        """

    async def assign(
        self,
        algorithm: str,
        *,
        people: Sequence[str] = (),
        pool: str | None = None,
        overwrite: bool = False,
    ) -> Fields:
        """Give the record an owner, and return ``owner_id``, ``before`` and ``reason``.

        ``algorithm`` is ``round_robin`` or ``least_loaded`` among ``people`` (handles or ids of
        members) or those of a ``pool``, or ``fixed``: the first of ``people``. ``reason`` is
        ``assigned``; ``already_owned`` (it stays theirs unless ``overwrite``); or
        ``no_eligible_participant``.
        """

    def fresh_id(self) -> str:
        """Return an id for a record that this step makes; the same at every attempt."""

    async def create(self, *new: tuple[str, Fields]) -> Sequence[str]:
        """Make records, each of a module such as ``tasks`` with its fields; return their ids.

        All are made or none; a step that is tried again makes the same ones. Fields are read as the
        API reads them. One that has an ``id`` of ``fresh_id`` can be named by the others.
        """


class Inbox(Protocol):
    """The in-app inboxes of the organization's members."""

    async def send(self, to: Sequence[str], title: str, body: str) -> Sequence[str]:
        """Put a notification about the run's record into inboxes; return whose they are, by id.

        ``to`` are handles or ids of members, ``owner`` (of the record, as it is now), or
        ``role:<name>``. A step that is tried again tells nobody twice.
        """
