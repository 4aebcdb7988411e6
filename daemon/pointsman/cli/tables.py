"""Rows for people, for spreadsheets and for programs: one list, three ways to print it."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from pointsman.cli.options import Tabular

__all__ = ["aligned", "print_json", "print_rows", "write_csv"]


def print_rows(rows: Sequence[Mapping[str, Any]], output: Tabular) -> None:
    """Print rows of the same keys."""
    if output is Tabular.JSON:
        print_json(list(rows))
    elif output is Tabular.CSV:
        write_csv(rows)
    elif rows:
        head = [name.replace("_", " ") for name in rows[0]]
        for line in aligned([head, *([_text(value) for value in row.values()] for row in rows)]):
            typer.echo(line)


def print_json(told: Any) -> None:
    """Print something as JSON."""
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False))


def write_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of the same keys as comma separated values, under a line with the keys."""
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines with the cells of each column below one another."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
