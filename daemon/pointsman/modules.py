"""The modules: the kinds of records, and what their fields mean.

Everything in which a task differs from an opportunity is a row of this table; the code that stores,
checks, tells of and links records is the same for all. A lead's own fields are not here: they are
what ``fields.yaml`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = [
    "CONVERSIONS",
    "MODULES",
    "TRIGGERS",
    "Module",
    "camel",
    "module_of_trigger",
    "place",
    "word",
]


@dataclass(frozen=True, slots=True)
class Module:
    """A kind of records.

    ``fields`` are its own, by type; ``links`` those that hold the id of a record of a module (of
    the one in the field ``module`` where that is ``""``), ``lists`` those that hold several;
    ``kept`` those that Pointsman sets. ``found_by`` are the fields that a search looks at, by kind.

    ``told`` names the events of fields that changed; ``outcomes`` what a ``status`` can come to, by
    the words for it, each an event of its own; ``announced`` are events that others make. With
    ``staged`` a stage that is a word of an outcome is that outcome. ``timer`` is the purpose of the
    timer that waits for ``due_date``. ``converts`` is the lead's field that this module's records
    turn up in when they name a lead.
    """

    name: str
    singular: str
    fields: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    found_by: tuple[tuple[str, str], ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    assigned: bool = True
    outcomes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    staged: bool = False
    announced: tuple[str, ...] = ()
    timer: str | None = None
    converts: str | None = None
    closed: str = ""
    events: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        happen = ("created", "updated", "deleted", *(["assigned"] if self.assigned else ()))
        named = (*happen, *self.told.values(), *self.outcomes, *self.announced)
        object.__setattr__(self, "events", frozenset(self.event(name) for name in named))

    def event(self, name: str) -> str:
        """Return the type of an event of this module, such as ``task_created``."""
        return f"{self.singular}_{name}"

    def outcome(self, data: Mapping[str, Any]) -> str | None:
        """Return what a record has come to by its status, such as ``won``."""
        return self.outcome_of(data.get("status")) if self.outcomes else None

    def outcome_of(self, text: Any) -> str | None:
        """Return the outcome that a word stands for."""
        said = word(text)
        return next((name for name, words in self.outcomes.items() if said in words), None)


def camel(name: str) -> str:
    """Return ``first_name`` as ``firstName``, the API's spelling."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def word(text: Any) -> str:
    """Return a status or stage as it is compared: ``Closed Won`` is ``closed_won``."""
    if not isinstance(text, str):
        return ""
    parts = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    return "_".join(parts)


_PERSON = {
    "first_name": "string",
    "last_name": "string",
    "name": "string",
    "email": "email",
    "phone": "phone",
    "mobile": "phone",
    "title": "string",
    "department": "string",
    "source": "string",
}
_ADDRESS = {
    "address_1": "string",
    "address_2": "string",
    "city": "string",
    "state": "string",
    "postal_code": "string",
    "country": "string",
}
_TEXTS = {"description": "string", "external_id": "string"}
_COMPLETED = frozenset({"completed", "complete", "done"})
_WON = frozenset({"won", "closed_won"})
_LOST = frozenset({"lost", "closed_lost"})

_TABLE = (
    Module(
        name="leads",
        singular="lead",
        links={
            "contact_id": "contacts",
            "account_id": "accounts",
            "opportunity_ids": "opportunities",
        },
        lists=frozenset({"opportunity_ids"}),
        kept=frozenset({"converted_at", "source", "origin"}),
        told={"stage": "stage_changed", "score": "score_changed"},
        announced=("converted",),
    ),
    Module(
        name="contacts",
        singular="contact",
        fields={**_PERSON, **_ADDRESS, "website": "url", **_TEXTS},
        links={"lead_id": "leads", "account_id": "accounts"},
        found_by=(("email", "email"), ("phone", "phone"), ("mobile", "phone")),
        converts="contact_id",
    ),
    Module(
        name="accounts",
        singular="account",
        fields={
            "name": "string",
            "email": "email",
            "phone": "phone",
            "website": "url",
            "industry": "string",
            "type": "string",
            "employees": "number",
            "annual_revenue": "number",
            **_ADDRESS,
            **_TEXTS,
        },
        required=("name",),
        links={"lead_id": "leads", "parent_id": "accounts"},
        found_by=(("email", "email"), ("phone", "phone")),
        converts="account_id",
    ),
    Module(
        name="opportunities",
        singular="opportunity",
        fields={
            "name": "string",
            "amount": "number",
            "currency": "string",
            "probability": "number",
            "close_date": "date",
            "status": "string",
            "source": "string",
            **_TEXTS,
        },
        required=("name",),
        defaults={"status": "open"},
        links={"lead_id": "leads", "contact_id": "contacts", "account_id": "accounts"},
        kept=frozenset({"closed_at", "pool_id"}),
        told={"stage": "stage_changed"},
        outcomes={"won": _WON, "lost": _LOST},
        staged=True,
        converts="opportunity_ids",
        closed="closed_at",
    ),
    Module(
        name="tasks",
        singular="task",
        fields={
            "title": "string",
            "status": "string",
            "priority": "string",
            "due_date": "time",
            "module": "string",
            **_TEXTS,
        },
        required=("title",),
        defaults={"status": "open", "priority": "normal"},
        choices={"priority": ("low", "normal", "high", "urgent")},
        links={"record_id": ""},
        kept=frozenset({"completed_at", "is_overdue"}),
        assigned=False,
        outcomes={"completed": _COMPLETED},
        announced=("overdue",),
        timer="overdue",
        closed="completed_at",
    ),
    Module(
        name="projects",
        singular="project",
        fields={
            "name": "string",
            "status": "string",
            "start_date": "date",
            "due_date": "time",
            **_TEXTS,
        },
        required=("name",),
        defaults={"status": "planned"},
        links={
            "opportunity_id": "opportunities",
            "account_id": "accounts",
            "contact_id": "contacts",
            "lead_id": "leads",
        },
        kept=frozenset({"completed_at", "overdue_task_id"}),
        told={"status": "status_changed"},
        assigned=False,
        outcomes={"completed": _COMPLETED},
        announced=("task_overdue",),
        closed="completed_at",
    ),
)

MODULES: Mapping[str, Module] = MappingProxyType({module.name: module for module in _TABLE})
"""Every module by its name."""

TRIGGERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {module.name: module.events for module in _TABLE}
)
"""The events of each module that a workflow can wait for."""

CONVERSIONS: frozenset[str] = frozenset(m.converts for m in _TABLE if m.converts)
"""The fields of a lead that make it a converted one."""


def module_of_trigger(event: str) -> str | None:
    """Return the module that an event type belongs to."""
    return next((name for name, events in TRIGGERS.items() if event in events), None)


def place(module: str, identifier: str) -> str:
    """Return where a record lies below its organization's prefix, such as ``task:<id>``."""
    return f"{MODULES[module].singular}:{identifier}"
