"""The order of turns that weights give, held against the classic, step by step."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from math import gcd

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.pools.cycle import LONGEST_CYCLE, cycle_length, turns

WEIGHTS = st.lists(st.integers(0, 20), min_size=1, max_size=12)


def classic(weights: list[int]) -> list[int]:
    """Return the smooth order as its inventors wrote it down, of those with a weight."""
    current = [0] * len(weights)
    order = []
    for _ in range(sum(weights) // max(1, gcd(*weights))):
        current = [had + weight for had, weight in zip(current, weights, strict=True)]
        richest = max(range(len(weights)), key=lambda place: (current[place], -place))
        current[richest] -= sum(weights)
        order.append(richest)
    return order


@settings(deadline=None)
@given(weights=WEIGHTS)
def test_the_order_is_that_of_smooth_weighted_round_robin(weights: list[int]) -> None:
    order = turns(tuple(weights))

    assert [place for place in order if weights[place]] == classic(weights)


@settings(deadline=None)
@given(weights=WEIGHTS)
def test_after_a_whole_cycle_everyone_had_exactly_their_weight(weights: list[int]) -> None:
    counts = Counter(turns(tuple(weights)))

    divisor = gcd(*weights)
    for place, weight in enumerate(weights):
        assert counts[place] == (weight // divisor if weight else 1)


@settings(deadline=None)
@given(weights=WEIGHTS.filter(lambda weights: len(weights) > 1 and all(weights)))
def test_nobody_has_a_burst_of_turns(weights: list[int]) -> None:
    """Nobody with less than half has more than two in a row, nor is ever far from their share."""
    order = turns(tuple(weights))

    for place, run in groupby([*order, *order]):
        assert len(list(run)) <= 2 or 2 * weights[place] >= sum(weights)
    had: Counter[int] = Counter()
    for number, place in enumerate(order, 1):
        had[place] += 1
        for other, weight in enumerate(weights):
            assert abs(had[other] - number * weight / sum(weights)) < 2


def test_equal_weights_are_the_order_of_the_file() -> None:
    assert turns((7, 7, 7)) == turns((1, 1, 1)) == (0, 1, 2)
    assert turns((5, 1, 1)) == (0, 0, 1, 0, 2, 0, 0)


def test_weight_zero_stands_before_who_comes_after_it() -> None:
    assert turns((0, 1, 0, 2, 0)) == (0, 2, 3, 1, 3, 4)
    assert turns((0, 0)) == (0, 1)
    assert turns(()) == ()


@pytest.mark.parametrize(
    "weights", [[1] * LONGEST_CYCLE, list(range(1, 141)), [999, 1, 9000 - 600]]
)
def test_the_longest_cycles_are_made(weights: list[int]) -> None:
    length = cycle_length(weights)

    assert length <= LONGEST_CYCLE
    assert len(turns(tuple(weights))) == length
