"""How a run is spelled in Redis: one hash that stays compact while its run waits.

Long values are cut into parts of 64 bytes, ``name``, ``name.1`` and so on, of which the first
shorter one is the last; ``wide.lua`` writes them. What never changes is one text, ``what``. Hashes
that an earlier version wrote have a field for everything, and are read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from orjson import dumps, loads

from pointsman.store.run_state import Run, StepRecord
from pointsman.store.snapshots import unpack

__all__ = ["parse_run", "step_text"]

_KEPT = ("id", "type", "status", "attempts", "started", "finished")
_IF_ANY = tuple(one.name for one in fields(StepRecord) if one.name not in _KEPT)
_WIDE = 64
_STEP = b"step:"
_WHAT = (
    *(b"generation", b"version", b"event", b"module", b"revision", b"depth", b"type", b"replay"),
    b"name",
)
_TEXTS = {
    "record_id": b"record",
    "workflow_id": b"workflow",
    **{
        name: name.encode()
        for name in ("module", "event", "type", "name", "digest", "status", "ticket")
    },
}
_NUMBERS = {
    name: name.encode()
    for name in (
        *("revision", "depth", "generation", "token", "step", "attempt"),
        *("created", "updated", "began"),
    )
}

Told = Mapping[bytes, bytes]


def parse_run(organization_id: str, run_id: str, answer: Sequence[bytes]) -> Run:
    """Return a run from the fields of its hash, as Redis lists them."""
    told = dict(zip(answer[::2], answer[1::2], strict=True))
    if b"what" in told:
        told |= zip(_WHAT, _whole(told, b"what").split(b" ", len(_WHAT) - 1), strict=True)
    get = told.get
    values: dict[str, Any] = {name: told[key].decode() for name, key in _TEXTS.items()}
    values |= {name: int(told[key]) for name, key in _NUMBERS.items()}
    replay, alone, finished, due = get(b"replay"), get(b"alone"), get(b"finished"), get(b"due")
    return Run(
        organization_id=organization_id,
        id=run_id,
        trigger=unpack(_whole(told, b"t") if b"t" in told else told[b"trigger"]),
        finished=int(finished) if finished else None,
        due=int(due) if due else None,
        error=get(b"error", b"").decode() or None,
        interrupted=int(get(b"interrupted", 0)),
        version=int(get(b"version", 1)),
        earlier=int(get(b"earlier", 0)),
        alone=alone.decode() if alone else None,
        replay=replay.decode() if replay and replay != b"-" else None,
        steps=_steps(told),
        **values,
    )


def _steps(told: Told) -> list[StepRecord]:
    names = [name for name in told if name.startswith(_STEP) and b"." not in name]
    names.sort(key=lambda name: int(name[len(_STEP) :]))
    return [StepRecord(**loads(_whole(told, name))) for name in names]


def step_text(record: StepRecord) -> bytes:
    """Return the JSON of a step's record without what it does not have; retry_run.lua reads it."""
    told: dict[str, Any] = {name: getattr(record, name) for name in _KEPT}
    for name in _IF_ANY:
        value = getattr(record, name)
        if value is not None and value != []:
            told[name] = value
    return dumps(told)


def _whole(told: Told, name: bytes) -> bytes:
    """Return a value that may be in parts."""
    part = value = told[name]
    count = 0
    while len(part) == _WIDE:
        count += 1
        part = told.get(b"%b.%d" % (name, count), b"")
        value += part
    return value
