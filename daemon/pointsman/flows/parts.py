"""The parts of a flow that have ids of their own, by their place in the flow's document.

The document need not write the ids; the compiled flow has them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pointsman.flow import Flow, Quota, Step

__all__ = ["Path", "part_ids"]

Path = tuple[str | int, ...]
_Found = Iterator[tuple[Path, str]]


def part_ids(flow: Flow) -> Mapping[Path, str]:
    """Return the ids of sources, steps, caps and ping limits by path."""
    return dict(_of_flow(flow))


def _of_flow(flow: Flow) -> _Found:
    yield from _quotas(("caps",), flow.caps)
    yield from _quotas(("ping_limits",), flow.ping_limits)
    for place, source in enumerate(flow.sources):
        path: Path = ("sources", place)
        yield path, source.id
        yield from _quotas((*path, "caps"), source.caps)
        yield from _quotas((*path, "ping_limits"), source.ping_limits)
    yield from _steps(("steps",), flow.steps[: len(flow.document.get("steps", ()))])


def _steps(path: Path, steps: Sequence[Step]) -> _Found:
    for place, step in enumerate(steps):
        here = (*path, place)
        yield here, step.id
        yield from _quotas((*here, "caps"), getattr(step, "caps", ()))
        yield from _steps((*here, "steps"), getattr(step, "steps", ()))


def _quotas(path: Path, quotas: Sequence[Quota]) -> _Found:
    for place, quota in enumerate(quotas):
        here = (*path, place)
        yield here, quota.id
        yield from _quotas((*here, "caps"), quota.caps)
