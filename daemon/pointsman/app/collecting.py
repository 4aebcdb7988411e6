"""How often this process looks for garbage: seldom, because a lead leaves next to none.

With Python's usual threshold the collector runs every few leads, finds the requests in flight
alive, and soon walks through every object of the process: 5 % of the CPU or more, measured. For a
process of its own only; in a test it would keep the garbage of other tests.
"""

from __future__ import annotations

import gc

__all__ = ["collect_seldom"]

_THRESHOLDS = (10_000, 20, 10)


def collect_seldom() -> None:
    """Never look at what is there already (modules, rules) again, and seldom at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
