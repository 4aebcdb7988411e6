"""What the author of a plugin needs to test it: a context, a clock, and a server that remembers.

``check_action`` holds an action to all that the engine takes for granted; ``perform`` does it once.
``check_step`` and ``perform_step`` do so with a step of a flow.

::

    async with receiver(500, 200) as peer, action_context({"first_name": "Ada"}) as context:
        with pytest.raises(TransientError):
            await perform("webhook", {"url": peer.url}, context)
        assert peer.requests[0].headers["webhook-id"] == context.delivery_id
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.contract import Config, check, check_steps
from pointsman.delivery import Delivery
from pointsman.fields.table import compile_fields
from pointsman.ids import lead_id, lead_uuid, milliseconds
from pointsman.model import Member
from pointsman.peers import Received, Receiver, answering, dropping, hanging, receiver
from pointsman.plugin import ActionContext, StepContext, actions, load_plugins, steps

__all__ = [
    "Clock",
    "KeptInbox",
    "KeptRecord",
    "Received",
    "Receiver",
    "action_context",
    "answering",
    "check_action",
    "check_step",
    "dropping",
    "hanging",
    "perform",
    "perform_step",
    "receiver",
    "step_context",
]

LOOPBACK = ("127.0.0.0/8", "::1/128")

Fields = Mapping[str, Any]


class KeptRecord:
    """A record in memory, for actions that change theirs; ``changes`` counts those that did.

    ``created`` are the records that were made, each with its module, and an ``id``; ``asked`` how
    it was to be assigned: algorithm, people, pool.
    """

    def __init__(self, fields: Fields) -> None:
        self.fields = dict(fields)
        self.changes = 0
        self.created: list[tuple[str, Fields]] = []
        self.asked: list[tuple[str, Sequence[str], str | None]] = []

    def typed(self, fields: Fields) -> Fields:
        """Read fields as an organization without fields of its own does."""
        return compile_fields(None, _none_wrong).read(fields)

    async def assign(
        self,
        algorithm: str,
        *,
        people: Sequence[str] = (),
        pool: str | None = None,
        overwrite: bool = False,
    ) -> Fields:
        """Give it to the first of ``people`` who has it not; of a ``pool``, to its name."""
        before = self.fields.get("owner_id")
        if before and not overwrite:
            return {"owner_id": before, "before": before, "reason": "already_owned"}
        self.asked.append((algorithm, tuple(people), pool))
        self.fields["owner_id"] = owner = people[0] if people else pool
        self.changes += owner != before
        return {"owner_id": owner, "before": before, "reason": "assigned"}

    async def change(self, edit: Callable[[Fields], Fields]) -> Fields:
        """Set what ``edit`` returns, and return the record as it was."""
        before = dict(self.fields)
        self.fields.update(edit(before))
        self.changes += self.fields != before
        return before

    def fresh_id(self) -> str:
        """Return a new id."""
        return lead_uuid(lead_id(milliseconds()))

    async def create(self, *new: tuple[str, Fields]) -> Sequence[str]:
        """Remember records and return their ids."""
        made = [(module, {"id": self.fresh_id(), **fields}) for module, fields in new]
        self.created += made
        return [fields["id"] for _, fields in made]


class KeptInbox:
    """Inboxes in memory; ``sent`` are the notifications, each with those whom it was to reach."""

    def __init__(self) -> None:
        self.sent: list[tuple[Sequence[str], str, str]] = []

    async def send(self, to: Sequence[str], title: str, body: str) -> Sequence[str]:
        """Remember a notification, once."""
        if (tuple(to), title, body) not in self.sent:
            self.sent.append((tuple(to), title, body))
        return list(to)


class Clock:
    """A clock that goes on only when it is told to; ``now`` is its time."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span

    def seconds(self) -> float:
        """Return its time as seconds, for what takes a clock such as ``time.monotonic``."""
        return self.now.timestamp()


@asynccontextmanager
async def action_context(
    trigger: Fields | None = None,
    *,
    credentials: Mapping[str, str] | None = None,
    allow_networks: tuple[str, ...] = LOOPBACK,
    clock: Clock | None = None,
    **values: Any,
) -> AsyncIterator[ActionContext]:
    """Return a context whose record is a :class:`KeptRecord` of ``trigger``.

    With a ``clock``, ``now`` is its time at the beginning, and the HTTP client goes by it.
    """
    fields = dict(trigger or {})
    ticking = clock or Clock()
    async with Delivery.open(clock.seconds if clock else time.monotonic) as delivery:
        yield ActionContext(
            **{
                "event": "lead_created",
                "trigger": fields,
                "delivery_id": "run:1",
                "attempt": 1,
                "now": ticking.now,
                "record": KeptRecord(fields),
                "inbox": KeptInbox(),
                "member": _anybody,
                "http": await delivery.outgoing(allow_networks),
                "credentials": credentials or {},
                **values,
            }
        )


async def check_action(
    name: str,
    config: Config,
    *,
    answer: Any = None,
    context: Callable[[str], Fields] | Fields | None = None,
) -> None:
    """Check that the action ``name`` keeps the contract; raise ``AssertionError`` with what is not.

    ``config`` are options that work, or a function that returns them for the address of a peer
    that the action is to call; ``answer`` is the JSON of that peer, ``context`` (or what it returns
    for the address) more for :func:`action_context`, such as ``credentials`` or ``trigger``.
    """

    def contexts(*, delivery_id: str, peer: str) -> AbstractAsyncContextManager[ActionContext]:
        more = context(peer) if callable(context) else context
        return action_context(**{"delivery_id": delivery_id, **(more or {})})

    await check(name, config, contexts, answer)


async def perform(name: str, config: Fields, context: ActionContext) -> Any:
    """Do an action once, with its options built as the engine builds them."""
    load_plugins()
    found = actions[name]
    return await found.run(found.options.model_validate(config), context)


@asynccontextmanager
async def step_context(
    lead: Fields | None = None,
    *,
    credentials: Mapping[str, str] | None = None,
    allow_networks: tuple[str, ...] = LOOPBACK,
    clock: Clock | None = None,
    **values: Any,
) -> AsyncIterator[StepContext]:
    """Return the context of a step that is done for ``lead``; ``now`` is the clock's time."""
    ticking = clock or Clock()
    identifier = lead_id(milliseconds())
    fields = {"id": identifier, **(lead or {})}
    async with Delivery.open(clock.seconds if clock else time.monotonic) as delivery:
        yield StepContext(
            **{
                "organization": "acme",
                "lead_id": identifier,
                "lead": fields,
                "variables": {"lead": fields},
                "delivery_id": "lead:1",
                "now": ticking.now,
                "http": await delivery.outgoing(allow_networks),
                "credentials": credentials or {},
                **values,
            }
        )


async def check_step(
    name: str,
    config: Config,
    *,
    answer: Any = None,
    context: Callable[[str], Fields] | Fields | None = None,
) -> None:
    """Check that steps of the type ``name`` keep the contract, as ``check_action`` does."""

    def contexts(*, delivery_id: str, peer: str) -> AbstractAsyncContextManager[StepContext]:
        more = context(peer) if callable(context) else context
        return step_context(**{"delivery_id": delivery_id, **(more or {})})

    await check_steps(name, config, contexts, answer)


async def perform_step(name: str, config: Fields, context: StepContext) -> Any:
    """Do a step once, with its options built as a flow builds them of what a lead fills in."""
    load_plugins()
    found = steps[name]
    return await found.run(found.options.model_validate(config), context)


def _anybody(name: str) -> Member | None:
    return Member(name, name, name.title()) if name else None


def _none_wrong(_path: tuple[str | int, ...], message: str) -> None:
    raise AssertionError(message)
