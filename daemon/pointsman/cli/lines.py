"""JSON lines in, JSON lines out: one answer for every line, whatever is wrong with one of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from pointsman.errors import PointsmanError

__all__ = ["Answer", "Lines", "Question", "answer_lines", "as_json", "write"]

Question = Mapping[str, Any]
Answer = Mapping[str, Any]
Lines = Annotated[
    bool, typer.Option("--jsonl", help="Answer every line of standard input, one JSON object each.")
]


def answer_lines(answer: Callable[[Question], Answer]) -> None:
    """Answer every line of standard input; one that cannot be answered gets ``error``."""
    for line in sys.stdin.buffer:
        try:
            write(answer(_question(line)))
        except RecursionError:
            write({"error": "nested too deeply"})
        except (ValueError, PointsmanError) as error:
            write({"error": str(error)})


def as_json(text: str | bytes) -> Any:
    """Return what a text of JSON says; ``NaN`` and the like are no JSON."""
    return json.loads(text, parse_constant=_refuse)


def write(answer: Answer, indent: int | None = None) -> None:
    """Print one answer at once."""
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, indent=indent)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def _question(line: bytes) -> Question:
    question = as_json(line)
    if not isinstance(question, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - a line, not a bug
    return question


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
