"""The nouns of flows: what a flow's file compiles to, made once a load.

Those of its steps and clauses are told in :mod:`pointsman.step` and :mod:`pointsman.clause`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Protocol

from pointsman.calendar import Schedule
from pointsman.clause import (
    Criteria,
    FieldMapping,
    ListCheck,
    Price,
    Pricing,
    Quota,
    RuleSet,
    Scope,
    SuppressionList,
    Template,
)
from pointsman.step import (
    Asking,
    Auction,
    Bid,
    Feedback,
    Filter,
    FirstSuccess,
    Group,
    InnerStep,
    Integration,
    Parallel,
    PluginStep,
    PoolStep,
    Recipient,
    SourceFeedback,
    Step,
    within,
)

__all__ = [
    "Asking",
    "Auction",
    "Bid",
    "Copies",
    "Criteria",
    "Destination",
    "Feedback",
    "FieldMapping",
    "Filter",
    "FirstSuccess",
    "Flow",
    "Form",
    "Group",
    "InnerStep",
    "Integration",
    "ListCheck",
    "Parallel",
    "PluginStep",
    "PoolStep",
    "Price",
    "Pricing",
    "Quota",
    "Recipient",
    "RuleSet",
    "Scope",
    "Source",
    "SourceFeedback",
    "Step",
    "SuppressionList",
    "Template",
    "within",
]


_ASKING = Recipient | PluginStep | Group


def _capped(step: Step) -> bool:
    return isinstance(step, PoolStep) and bool(step.caps)


class Form(Protocol):
    """The fields of a flow."""

    def read(self, parameters: Mapping[str, Any], now: int) -> dict[str, Any]:
        """Return the fields that were sent, by id, typed; ``now`` in milliseconds."""

    def stored(self, lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return typed fields as JSON, hidden where they must be."""

    def masked(self, lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return typed fields with those hidden that must be, as reasons may tell them."""

    def secrets(self, lead: Mapping[str, Any]) -> list[str]:
        """Return the texts of values that must not be stored in the clear."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A receiver that flows name; ``document`` is its file's."""

    id: str
    name: str
    file: str
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """What other files call it."""
        return PurePath(self.file).stem


@dataclass(frozen=True, slots=True)
class Copies:
    """Whether a flow's events go to the organization's firehose, and what is otherwise for them.

    ``bucket`` is another one of the same store, ``prefix`` stands for the organization's.
    """

    wanted: bool = True
    bucket: str | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a flow's leads come from: its own address, and an intake if it names one.

    ``credential`` names what senders prove themselves with where ``authentication_required``;
    ``facts`` is what rules see.
    """

    id: str
    name: str
    intake: str | None = None
    source_key: str | None = None
    key: str | None = None
    enabled: bool = True
    authentication_required: bool = False
    credential: str | None = None
    mappings: Sequence[FieldMapping] = ()
    criteria: Criteria | None = None
    pricing: Pricing | None = None
    caps: Sequence[Quota] = ()
    ping_limits: Sequence[Quota] = ()
    feedback: SourceFeedback | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """What happens to the leads of its sources: gates, then the steps in order.

    ``fields`` is the set of kept fields, ``None`` for all; ``form`` types them. ``hours`` are when
    it takes leads, ``None`` always; ``deadline`` is how long a lead may take, in milliseconds.
    ``background``: its sender is answered before anybody else is asked. Days are those of
    ``time_zone``.
    ``document`` is its file's, ``whole`` what it was compiled from: the same with everything that
    its destinations say. ``facts`` is what rules see of it.
    ``looks_back``: a step may ask what came of a pool. ``calls_out``: leads are led from step to
    step for that, or as they may have to wait, or a pool be full.
    """

    id: str
    name: str
    file: str
    sources: Sequence[Source]
    steps: Sequence[Step]
    form: Form
    fields: frozenset[str] | None = None
    enabled: bool = True
    ping_enabled: bool = False
    hours: Schedule | None = None
    criteria: Criteria | None = None
    pricing: Pricing | None = None
    checks: Sequence[ListCheck] = ()
    caps: Sequence[Quota] = ()
    ping_limits: Sequence[Quota] = ()
    source_prices_first: bool = False
    deadline: int = 60_000
    background: bool = False
    time_zone: str = "UTC"
    copies: Copies = Copies()
    document: Mapping[str, Any] = field(default_factory=dict)
    whole: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    looks_back: bool = False
    calls_out: bool = field(init=False)

    def __post_init__(self) -> None:
        led = any(
            step.enabled and (isinstance(step, _ASKING) or _capped(step)) for step in self.steps
        )
        object.__setattr__(self, "calls_out", led or self.looks_back)

    def taken(self) -> Iterator[Step]:
        """Yield the steps that are taken, those inside of others too."""
        for step in self.steps:
            yield from within(step)
