"""All that the author of an action, a step type or a sink imports.

An action is one file: an :class:`Options` model and a coroutine under :func:`action`, whose
docstring is its manual page. It returns when the work is done, raises ``TransientError`` to be
tried again or ``ActionError`` to give up. It must be safe to call twice with one ``delivery_id``:
a daemon that dies between the work and its record does the step again. The same holds for a sink,
a coroutine under :func:`sink` that is told of what happens to records.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

from pointsman.delivery import Outgoing, signature
from pointsman.errors import ActionError, PointsmanError, TransientError
from pointsman.model import MailServer, Member, TwilioAccount
from pointsman.option_schema import whole_schema
from pointsman.options import Optioned, Options, named_credential, page_of
from pointsman.registry import Registry, origin
from pointsman.seam import Fields, Inbox, Record
from pointsman.step_type import StepContext, StepOutcome, StepType, step, steps

__all__ = [
    "OUTCOMES",
    "ActionContext",
    "ActionError",
    "ActionType",
    "Branch",
    "Event",
    "Inbox",
    "Member",
    "Options",
    "Record",
    "SinkContext",
    "SinkType",
    "Sleep",
    "StepContext",
    "StepOutcome",
    "StepType",
    "TransientError",
    "action",
    "actions",
    "load_plugins",
    "signature",
    "sink",
    "sinks",
    "step",
    "steps",
]

GROUP = "pointsman.plugins"
"""Entry-point group: each entry names a package whose every module is imported."""

Output = Mapping[str, Any]
Needs = Literal["smtp", "twilio"]


def _nobody(_name: str) -> Member | None:
    return None


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action gets beside its options.

    ``event`` is the event's type and ``trigger`` the record as it left it; ``delivery_id`` is the
    same on every attempt of a step; ``attempt`` counts from 1; ``now`` is when the step was first
    tried; ``steps`` are the outputs of earlier steps. ``mail`` and ``twilio`` are who sends mail
    and texts, if organization.yaml tells. ``module`` is the record's; ``member`` finds a member by
    handle or id.
    """

    event: str
    trigger: Fields
    delivery_id: str
    attempt: int
    now: datetime
    record: Record
    inbox: Inbox
    http: Outgoing
    credentials: Mapping[str, str] = field(repr=False)
    mail: MailServer | None = None
    twilio: TwilioAccount | None = None
    steps: Sequence[Any] = ()
    time_zone: str = "UTC"
    module: str = "leads"
    member: Callable[[str], Member | None] = _nobody

    def owner_id(self) -> str | None:
        """Return who owned the record when the run began, if they still are a member."""
        found = self.member(self.trigger.get("owner_id") or "")
        return found.id if found else None

    def credential(self, name: str) -> str:
        """Return a credential of organization.yaml; it is never stored with the run."""
        return named_credential(self.credentials, name)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Returned by an action that is to be done again at ``until``, an aware time.

    Meanwhile nothing runs and nothing is held, for days if need be; the attempt that follows gets
    the same options and the same ``now``.
    """

    until: datetime


@dataclass(frozen=True, slots=True)
class Branch:
    """Returned by an action whose options hold actions: ``taken`` names the option to go on with.

    Such an option is marked with ``json_schema_extra={"x-actions": True}``; what it holds are steps
    of the run like any others, and those that are not taken are skipped.
    """

    taken: str


Handler = Callable[[Any, ActionContext], Awaitable[Output | Sleep | Branch | None]]


@dataclass(frozen=True, slots=True)
class ActionType(Optioned):
    """An action as the registry knows it.

    ``quick`` actions touch only our own store and run at once where the event is read; all others
    run as jobs. ``summary`` is the first line of ``manual``; ``origin`` the module.
    """

    name: str
    run: Handler
    options: type[Options]
    quick: bool
    timeout: timedelta
    summary: str
    manual: str
    origin: str
    needs: Needs | None = None

    @property
    def built_in(self) -> bool:
        """Whether it came with Pointsman."""
        return self.origin.startswith("pointsman.plugins.")

    @property
    def nested(self) -> Sequence[str]:
        """The options that hold actions."""
        return self._those("x-actions")

    @property
    def filtered(self) -> Sequence[str]:
        """The options that hold conditions."""
        return self._those("x-filters")

    def _those(self, mark: str) -> Sequence[str]:
        options = whole_schema(self.options).get("properties", {})
        return [name for name, option in options.items() if option.get(mark)]


actions: Registry[ActionType] = Registry("action")


def action(
    name: str,
    *,
    quick: bool = False,
    timeout: timedelta = timedelta(seconds=30),
    needs: Needs | None = None,
) -> Callable[[Handler], Handler]:
    """Add the decorated coroutine to the registry under ``name``.

    ``needs`` names a part of organization.yaml without which the action cannot work.
    It takes its options model and an :class:`ActionContext` and returns a mapping of JSON values
    (the step's output, which later steps can read) or ``None``.
    """

    def register(handler: Handler) -> Handler:
        summary, manual, options, from_where = page_of("action", name, handler)
        actions.add(
            name,
            ActionType(name, handler, options, quick, timeout, summary, manual, from_where, needs),
        )
        return handler

    return register


OUTCOMES = frozenset(
    {
        *("run_succeeded", "run_failed", "run_cancelled"),
        *("submission_success", "submission_failure", "submission_error"),
    }
)
"""Events of sinks that ask for them: a workflow's run, or a lead's way through a flow, is over."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a record, as a sink is told.

    ``types`` are its names, such as ``lead_created`` and ``lead_assigned`` of one change;
    ``current`` is the record as the change left it, ``previous`` as it was before, ``None`` of a
    new one. ``origin`` is who changed it (``api``, ``intake``, ``workflow:<id>``).

    Of one of ``OUTCOMES``, ``module`` is ``runs`` or ``submissions`` and ``record_id`` the record
    that it was about; ``current`` tells ids, ``reason`` and ``price`` only.
    """

    id: str
    types: Sequence[str]
    organization: str
    module: str
    record_id: str
    revision: int
    origin: str
    at: datetime
    current: Fields
    previous: Fields | None


@dataclass(frozen=True, slots=True)
class SinkContext:
    """What a sink gets beside the event; ``delivery_id`` is the same however often it is told."""

    delivery_id: str
    attempt: int
    http: Outgoing
    credentials: Mapping[str, str] = field(repr=False)

    def credential(self, name: str) -> str:
        """Return a credential of the organization whose record it is."""
        return named_credential(self.credentials, name)


Told = Callable[[Event, SinkContext], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SinkType:
    """A sink as the registry knows it; ``events`` are the types that it is told of.

    None: all changes of records, and no outcomes.
    """

    name: str
    run: Told
    events: frozenset[str]
    timeout: timedelta
    summary: str
    manual: str
    origin: str

    @property
    def outcomes(self) -> bool:
        """Whether it asks how runs or submissions end."""
        return not self.events.isdisjoint(OUTCOMES)


sinks: Registry[SinkType] = Registry("sink")


def sink(
    name: str, *, events: Sequence[str] = (), timeout: timedelta = timedelta(seconds=30)
) -> Callable[[Told], Told]:
    """Tell the decorated coroutine of every change of a record, of all organizations.

    Or of ``events`` only, which may name :data:`OUTCOMES` too.
    At least once each, in order for one record, from when the sink was first there. One that fails
    is tried again for some minutes, then that event is given up; one that falls far behind is told
    of what comes from then on. Nothing else waits for it.
    """

    def register(told: Told) -> Told:
        manual = inspect.getdoc(told)
        if not manual or not inspect.iscoroutinefunction(told):
            raise PointsmanError(f"sink '{name}' must be an 'async def' function with a docstring")
        summary = manual.partition("\n")[0]
        sinks.add(
            name,
            SinkType(name, told, frozenset(events), timeout, summary, manual, origin(told)),
        )
        return told

    return register


@cache
def load_plugins() -> None:
    """Import every module of every package (or module) in the entry-point group, once a process."""
    for entry in entry_points(group=GROUP):
        try:
            package = entry.load()
            inside = getattr(package, "__path__", ())
            for module in pkgutil.walk_packages(inside, f"{package.__name__}."):
                import_module(module.name)
        except (Exception, SystemExit) as error:
            kind = "" if isinstance(error, PointsmanError) else f"{type(error).__name__}: "
            raise PointsmanError(
                f"plugin package '{entry.name}' ({entry.value}) cannot be loaded: {kind}{error}"
            ) from error
