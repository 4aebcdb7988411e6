"""What it costs to find the workflows of an event, and to judge three conditions."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from timeit import repeat
from typing import Any

from benchmarks.engines import organization, workflow

from pointsman.model import Change, Snapshot, Workflow
from pointsman.modules import TRIGGERS
from pointsman.rules.conditions import compile_filters
from pointsman.workflows.matching import Index, matching

__all__ = ["conditions", "matching_rows"]

_MATCHING = 5
_MANY = 5_000
_TIMES = 2_000
_PAIRS = 9
_TEXT = b"lead_created leads 0195d0a812345678000000ab 1 intake 0 1750000000000"
_RECORD = {"source": "website", "score": 72, "state": "TX", "first_name": "Ada", "tags": ["new"]}
_FILTERS = {
    "logic": "AND",
    "conditions": [
        {"field": "source", "operator": "equals", "value": "website"},
        {"field": "score", "operator": "greater_than", "value": 50},
        {"field": "state", "operator": "in", "value": ["TX", "IL", "WI"]},
    ],
}
_EXPRESSION = 'source == "website" and score > 50 and state in ["TX", "IL", "WI"]'

Row = tuple[str, str, str, bool | None]


def matching_rows() -> list[Row]:
    """Compare 5,000 active workflows of which 5 match with those 5."""
    others = [
        (module, trigger)
        for module, triggers in TRIGGERS.items()
        for trigger in sorted(triggers)
        if trigger != "lead_created"
    ]
    few = [_of("leads", "lead_created", number) for number in range(_MATCHING)]
    spread = [_of(*others[number % len(others)], number) for number in range(_MATCHING, _MANY)]
    same = [_of("leads", "lead_created", number, score=1_000) for number in range(_MATCHING, _MANY)]
    base = _judge(few)
    ratio, alone = _ratio(_judge([*few, *spread]), base)
    narrow, _ = _ratio(_judge([*few, *same]), base, times=20)
    return [
        (
            "matching of an event: 5,000 active workflows, 5 of which match, and those 5",
            f"{alone:.1f} µs: **{ratio:.2f}**",
            "at most 1.2 times",
            ratio <= 1.2,
        ),
        (
            "the same, if all 5,000 wait for this very event and the filters of 5 pass",
            f"{narrow:,.0f} times",
            "",
            None,
        ),
    ]


def conditions() -> list[Row]:
    """Judge three conditions, beside zen-engine's compiled expression."""
    check = compile_filters(_FILTERS, _refuse)
    snapshot = Snapshot(_RECORD)
    expression: Any = import_module("zen").compile_expression(_EXPRESSION)
    assert check(snapshot)
    assert expression.evaluate(_RECORD)
    ours = min(repeat(lambda: check(snapshot), repeat=_PAIRS, number=20_000)) / 20_000
    theirs = (
        min(repeat(lambda: expression.evaluate(_RECORD), repeat=_PAIRS, number=20_000)) / 20_000
    )
    told = f"**{ours * 1e6:.2f} µs**; zen-engine {theirs * 1e6:.2f} µs"
    return [("a filter of three conditions that hold", told, "at most 1 µs", ours <= 1e-6)]


def _of(module: str, trigger: str, number: int, score: int = 50) -> Workflow:
    document: dict[str, Any] = {
        "trigger_module": module,
        "trigger_type": trigger,
        "trigger_filters": {
            "conditions": [{"field": "score", "operator": "greater_than", "value": score}]
        },
        "actions": [{"action_type": "idle"}],
    }
    return workflow(document, number)


def _judge(workflows: list[Workflow]) -> Callable[[], Any]:
    """Return what the reader does with an event up to the workflows that it starts."""
    index = Index(organization(workflows))
    change = Change("1-0", ("lead_created",), "leads", "0", 1, "intake", 0, 0)
    snapshot = Snapshot(_RECORD)

    def judged() -> Any:
        return matching(index.concerned(_TEXT), change, snapshot)

    assert len(judged()) == _MATCHING
    return judged


def _ratio(
    first: Callable[[], Any], base: Callable[[], Any], times: int = _TIMES
) -> tuple[float, float]:
    """Return the ratio of the best times, taken in turn, and the first one's in µs."""
    pairs = [
        (repeat(first, repeat=1, number=times)[0], repeat(base, repeat=1, number=times)[0])
        for _ in range(_PAIRS)
    ]
    ours, theirs = (min(pair[which] for pair in pairs) for which in (0, 1))
    return ours / theirs, ours / times * 1e6


def _refuse(path: tuple[str | int, ...], message: str) -> None:
    raise AssertionError(f"{path}: {message}")
