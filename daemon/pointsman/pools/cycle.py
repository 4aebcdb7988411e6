"""The order of turns in a pool: smooth weighted round robin, made once a load.

Before every turn each person gains their weight; whoever has most is served and pays the sum of all
weights. So nobody's turns come in a burst, and after a whole cycle everyone had exactly their share
and it begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd

__all__ = ["LONGEST_CYCLE", "cycle_length", "turns"]

LONGEST_CYCLE = 10_000
"""How many turns a cycle may have."""

_KEPT_CYCLES = 256


def cycle_length(weights: Sequence[int]) -> int:
    """Return after how many turns the order begins anew: the sum, in lowest terms."""
    return sum(weights) // max(1, gcd(*weights))


@lru_cache(maxsize=_KEPT_CYCLES)
def turns(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Return whose turn it is, as places in ``weights``, one whole cycle long.

    Weight 0 stands there once, before the first turn of whoever comes after it: to be passed over,
    and for the pointer to find when the weight is changed.
    """
    waiting = [place for place, weight in enumerate(weights) if not weight]
    cycle: list[int] = []
    for place in _smooth(weights) if any(weights) else ():
        while waiting and waiting[0] < place:
            cycle.append(waiting.pop(0))
        cycle.append(place)
    return (*cycle, *waiting)


def _smooth(weights: Sequence[int]) -> Sequence[int]:
    """Return the cycle of those with a weight.

    People of one weight take turns among themselves in their order, so that only the first in
    line of every *different* weight need be compared.
    """
    lines: dict[int, list[int]] = {}
    for place, weight in enumerate(weights):
        if weight:
            lines.setdefault(weight, []).append(place)
    if len(lines) == 1:
        return next(iter(lines.values()))
    total, served, order = sum(weights), dict.fromkeys(lines, 0), []
    for step in range(1, cycle_length(weights) + 1):
        best = max(
            (
                step * weight - total * (served[weight] // len(line)),
                -line[served[weight] % len(line)],
            )
            for weight, line in lines.items()
        )
        place = -best[1]
        served[weights[place]] += 1
        order.append(place)
    return order
