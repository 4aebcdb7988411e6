"""What flows say of leads, in parts that stand in many places: rules, prices, counters, lists.

Rules and templates are closures over a scope: a mapping of plain data by root (``lead``, with its
fields typed, ``submission``, ``source``, a step's key …).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Protocol

__all__ = [
    "Criteria",
    "FieldMapping",
    "ListCheck",
    "Price",
    "Pricing",
    "Quota",
    "RuleSet",
    "Scope",
    "SuppressionList",
    "Template",
]

Scope = Mapping[str, Any]

_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000}


class RuleSet(Protocol):
    """Rules compiled together."""

    def passes(self, scope: Scope) -> bool:
        """Whether they hold; never raises."""

    def why(self, scope: Scope) -> str | None:
        """Return why they do not hold, ``None`` where they do."""

    def demands(self) -> Collection[str]:
        """Return the fields that must not be blank."""


class Template(Protocol):
    """Text with placeholders, compiled."""

    def render(self, scope: Scope) -> Any:
        """Return the value; that of a lone placeholder keeps its type."""

    def text(self, scope: Scope) -> str:
        """Return the value as text."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What must hold for a lead to be taken, else its ``outcome``; ``reason`` in own words."""

    rules: RuleSet
    outcome: str = "failure"
    reason: Template | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """An amount for the leads that its rules hold for; ``None``: for all."""

    amount: int | float
    rules: RuleSet | None = None


@dataclass(frozen=True, slots=True)
class Pricing:
    """The last price whose rules hold wins; ``override``: the price that came with the lead."""

    prices: Sequence[Price] = ()
    override: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """How many leads (a cap) or pings (a limit) there may be in a window of the calendar.

    ``duration`` windows of ``unit`` in a row are one. ``caps`` are inside of this one: asked only
    where its rules hold. ``digest`` changes with the rules; ``length`` is how long a window is, to
    tell a shorter from a longer one: in seconds, roughly.
    ``hanging`` are those of them all, itself included, whose windows hang on a first use.
    ``written`` is what its file says.
    """

    id: str
    name: str
    maximum: int
    duration: int
    unit: str
    time_zone: str
    digest: str = "-"
    rules: RuleSet | None = None
    reason: Template | None = None
    caps: Sequence[Quota] = ()
    written: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hanging: Sequence[Quota] = field(init=False, repr=False, compare=False)
    length: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", self.duration * _SECONDS[self.unit])
        own = (self,) if self.hangs else ()
        inner = (one for quota in self.caps for one in quota.hanging)
        object.__setattr__(self, "hanging", (*own, *inner))

    @property
    def hangs(self) -> bool:
        """Whether its windows hang on when its counter was first used."""
        return self.duration > 1


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """Values that leads are checked against; an item stays for ``retention`` ms, 0 for good.

    ``hashed``: items are given as the SHA-256 of their normal form by field ``type``.
    """

    id: str
    name: str
    file: str
    kind: str = "custom"
    type: str = "string"
    hashed: bool = False
    retention: int = 0

    @property
    def stem(self) -> str:
        """What other files call it."""
        return PurePath(self.file).stem


@dataclass(frozen=True, slots=True)
class ListCheck:
    """A value to look for in a list; ``lookback``: only what was added in so many ms counts.

    ``typed``: the value is a field of the list's own type, which has read it already.
    """

    name: str
    value: Template
    list: SuppressionList
    lookback: int = 0
    typed: bool = False

    def since(self, at: int) -> int:
        """Return from when on an item must have been added to count for a lead of ``at``."""
        return at - self.lookback if self.lookback else 0


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Where a lead's parameter, or an option of a recipient, comes from.

    ``parts`` is its dotted name taken apart; it is filled where its ``rules`` hold.
    """

    parts: Sequence[str]
    value: Template | None
    constant: Any = None
    rules: RuleSet | None = None
