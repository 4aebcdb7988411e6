"""The steps of flows, and what is told of them afterwards: feedback.

Acceptance criteria must pass for a lead to be taken, but a filter stops the lead that its rules
match: the senses are opposite. ``number`` of a step or bid is its place in the flow, counted
through all of them; the ids of events and deliveries hang on it, so it is the same for whichever
daemon leads a lead on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.clause import FieldMapping, Pricing, Quota, RuleSet, Scope, Template

__all__ = [
    "RESERVED",
    "ROOTS",
    "Asking",
    "Auction",
    "Bid",
    "Feedback",
    "Filter",
    "FirstSuccess",
    "Group",
    "InnerStep",
    "Integration",
    "Parallel",
    "PluginStep",
    "PoolStep",
    "Recipient",
    "SourceFeedback",
    "Step",
    "within",
]

RESERVED = frozenset(
    {
        *("filter", "pool", "recipient", "parallel", "first_success", "auction"),
        *("source", "bid", "retry", "feedback"),
    }
)
"""Types of steps and events that are ours: no plugin can add one of that name."""

ROOTS = frozenset(
    {
        *("lead", "submission", "account", "flow", "source", "random", "suppressionlist", "now"),
        *("recipient", "price", "purchase_price", "event_id", "credentials", "bid", "feedback"),
    }
)
"""What rules and templates find something else under: no step can be known by that."""


@dataclass(frozen=True, slots=True)
class Integration:
    """How somebody is asked: ``kind`` names the form, ``mappings`` fill its options."""

    kind: str
    mappings: Sequence[FieldMapping] = ()


@dataclass(frozen=True, slots=True)
class SourceFeedback:
    """What a source is told of its leads' feedback, where the ``rules`` hold."""

    integration: Integration
    rules: RuleSet | None = None
    timeout: float = 10


@dataclass(frozen=True, slots=True)
class Feedback:
    """Which feedback of a recipient is taken: where the ``rules`` hold.

    Leads older than ``max_age`` (milliseconds, 0: any) are not taken back. ``credential`` names
    what the recipient proves itself with, ``None``: it need not.
    """

    rules: RuleSet | None = None
    max_age: int = 0
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A step that stops the flow for leads that its rules hold for."""

    id: str
    key: str
    rules: RuleSet
    outcome: str = "failure"
    reason: Template | None = None
    enabled: bool = True
    type: str = "filter"
    number: int = 0


@dataclass(frozen=True, slots=True)
class PoolStep:
    """A step that assigns the lead through a named pool; its connections are not consulted."""

    id: str
    pool_id: str
    enabled: bool = True
    key: str = ""
    rules: RuleSet | None = None
    type: str = "pool"
    number: int = 0
    caps: Sequence[Quota] = ()


@dataclass(frozen=True, slots=True)
class PluginStep:
    """A step that a plugin does; its ``type`` is what the plugin calls it.

    ``options`` fills in what the file says; ``credentials`` are those that it names, with where.
    ``timeout`` is in seconds. Its outcome changes nothing but what later rules see.
    """

    id: str
    key: str
    type: str
    options: Callable[[Scope], Mapping[str, Any]]
    timeout: float
    rules: RuleSet | None = None
    enabled: bool = True
    number: int = 0
    caps: Sequence[Quota] = ()
    credentials: Sequence[tuple[tuple[str | int, ...], str]] = ()


@dataclass(frozen=True, slots=True)
class Bid:
    """How a recipient of an auction is asked for its bid; ``id`` and ``key`` are the recipient's.

    Without an ``integration`` it bids its price.
    """

    id: str
    key: str
    name: str
    integration: Integration | None
    type: str = "bid"
    number: int = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """A step that delivers the lead to somebody else, who may answer with a price.

    ``timeout`` is in seconds. Its outcome changes nothing but what later rules see. With ``retry``
    an error is tried again in the background once the lead has arrived. One that stands ``behind``
    the flow's steps, as its ``destinations`` do, is for leads that no step ended with an error for.
    """

    id: str
    key: str
    name: str
    integration: Integration
    rules: RuleSet | None = None
    pricing: Pricing | None = None
    timeout: float = 10
    enabled: bool = True
    type: str = "recipient"
    number: int = 0
    caps: Sequence[Quota] = ()
    retry: bool = False
    feedback: Feedback | None = None
    bid: Bid | None = None
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Parallel:
    """Steps that are taken at once; none of them sees what comes of another.

    ``timeout`` is how long all of them may take, in seconds; ``None``: as long as each may.
    """

    id: str
    key: str
    steps: Sequence[InnerStep]
    rules: RuleSet | None = None
    timeout: float | None = None
    enabled: bool = True
    type: str = "parallel"
    number: int = 0
    caps: Sequence[Quota] = ()


@dataclass(frozen=True, slots=True)
class FirstSuccess:
    """Recipients, and what plugins do, asked one after another until one takes the lead."""

    id: str
    key: str
    steps: Sequence[Recipient | PluginStep]
    rules: RuleSet | None = None
    timeout: float | None = None
    enabled: bool = True
    type: str = "first_success"
    number: int = 0
    caps: Sequence[Quota] = ()


@dataclass(frozen=True, slots=True)
class Auction:
    """Recipients that bid; the lead is offered to the highest bidder first, up to ``sales`` times.

    ``timeout`` is how long they have to bid, in seconds; a bid below ``floor`` is none.
    """

    id: str
    key: str
    steps: Sequence[Recipient]
    rules: RuleSet | None = None
    timeout: float = 3
    floor: float = 0
    sales: int = 1
    enabled: bool = True
    type: str = "auction"
    number: int = 0
    caps: Sequence[Quota] = ()


Group = Parallel | FirstSuccess | Auction
InnerStep = PoolStep | Recipient | PluginStep | FirstSuccess | Auction
Asking = PoolStep | Recipient | PluginStep | Group
"""Steps for which somebody must be asked."""

Step = Filter | Asking


def within(step: Step, *, disabled: bool = False) -> Iterator[Step]:
    """Yield a step and those inside of it that are taken, or also those that are ``disabled``."""
    if not (step.enabled or disabled):
        return
    yield step
    if isinstance(step, Group):
        for inner in step.steps:
            yield from within(inner, disabled=disabled)
