"""The benchmark and the soak run, in their quickest form: nobody finds them broken when needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_benchmark_compares_the_daemon_with_the_bare_handler() -> None:
    told = run("benchmarks", "--pairs", "1", "--seconds", "0.2", "--only", "daemon and the bare")

    assert "| daemon |" in told
    assert "CPU per lead of the process" in told


def test_the_benchmark_compares_turns_in_large_and_small_pools() -> None:
    told = run("benchmarks", "--pairs", "1", "--only", "a turn in a pool")

    assert "| 1,000, ten of them stepped over |" in told
    assert "(bar: at most 2)" in told


def test_the_benchmark_compares_a_submit_to_a_flow_with_the_bare_handler() -> None:
    told = run("benchmarks", "--pairs", "1", "--seconds", "0.2", "--only", "submit to a flow")

    assert "| submit |" in told
    assert "(bar: at most 2.0)" in told


def test_items_of_a_list_that_is_as_dense_as_one_of_millions_are_small_and_found() -> None:
    """The bar: at most 100 bytes an item, a check in less than 1 ms."""
    assert "40,000 items: " in run("benchmarks.lists", "--items", "40000")


def test_a_short_soak_accounts_for_every_lead() -> None:
    assert "every lead is accounted for" in run("benchmarks.soak", "--seconds", "2")
