"""Step types of flows that plugins add: what their author writes, and what the registry knows.

A step is done like a delivery to a recipient: what came of it is stored before the next step
begins, and a daemon that dies before that does it again, with the same ``delivery_id``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pointsman.delivery import Outgoing
from pointsman.errors import PointsmanError
from pointsman.options import Optioned, Options, named_credential, page_of
from pointsman.registry import Registry
from pointsman.step import RESERVED

__all__ = ["StepContext", "StepOutcome", "StepType", "step", "steps"]

LONGEST = timedelta(minutes=5)
"""How long a step may take at most."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step gets beside its options.

    ``lead`` is the lead by field id, ``variables`` all that rules and templates see, earlier steps
    by their keys too; both in the clear. ``delivery_id`` is the same however often the step is
    done for a lead, and so is ``now``: when the lead came in.
    """

    organization: str
    lead_id: str
    lead: Fields = field(repr=False)
    variables: Fields = field(repr=False)
    delivery_id: str
    now: datetime
    http: Outgoing
    credentials: Mapping[str, str] = field(repr=False)

    def credential(self, name: str) -> str:
        """Return a credential of organization.yaml; it is never stored with the lead."""
        return named_credential(self.credentials, name)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What came of a step; later rules see it, and what is ``appended``, under the step's key.

    It stops nothing by itself: a filter behind it can. A step that was a ``skip`` changes nothing.
    """

    outcome: Literal["success", "failure", "error", "skip"] = "success"
    reason: str | None = None
    price: float | None = None
    appended: Fields = field(default_factory=dict)


Handler = Callable[[Any, StepContext], Awaitable[StepOutcome | Fields | None]]


@dataclass(frozen=True, slots=True)
class StepType(Optioned):
    """A step type as the registry knows it; ``summary`` is the first line of ``manual``."""

    name: str
    run: Handler
    options: type[Options]
    timeout: timedelta
    summary: str
    manual: str
    origin: str


steps: Registry[StepType] = Registry("step type")


def step(name: str, *, timeout: timedelta = timedelta(seconds=10)) -> Callable[[Handler], Handler]:
    """Let flows have steps of the type ``name``, which the decorated coroutine does.

    It takes its options model and a :class:`StepContext`. What it returns is a
    :class:`StepOutcome`, or a mapping of JSON values that a success appends; what it raises is an
    ``error``, and the lead goes on.
    """

    def register(handler: Handler) -> Handler:
        summary, manual, options, from_where = page_of("step type", name, handler)
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise PointsmanError(
                f"'{name}' is no name for a step type of a plugin; write who and what, such as "
                "acme_score"
            )
        if not timedelta() < timeout <= LONGEST:
            raise PointsmanError(f"the timeout of step type '{name}' is more than 0, up to 5 min")
        steps.add(name, StepType(name, handler, options, timeout, summary, manual, from_where))
        return handler

    return register
