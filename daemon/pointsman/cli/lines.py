"""JSON lines in, JSON lines out: one answer for every line, whatever is wrong with one of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pointsman.errors import PointsmanError

__all__ = ["Answer", "Lines", "Question", "answer_lines", "as_json", "named_json", "write"]

Question = Mapping[str, Any]
Answer = Mapping[str, Any]
Lines = Annotated[
    bool, typer.Option("--jsonl", help="Answer every line of standard input, one JSON object each.")
]


def answer_lines(answer: Callable[[Question], Answer]) -> None:
    """Answer every line of standard input; one that cannot be answered gets ``error``."""
    for line in sys.stdin.buffer if sys.stdin else ():  # it may be closed
        _write(_answered(answer, line))


def as_json(text: str | bytes) -> Any:
    """Return what a text of JSON says; ``NaN`` and the like are no JSON."""
    return json.loads(text, parse_constant=_refuse)


def named_json(told: str | None, option: str) -> Any:
    """Return what an option says, in the file that it names or itself; ``{}`` if it is left out."""
    if told is None:
        return {}
    try:
        text = told if told.lstrip().startswith("{") else Path(told).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ValueError(f"{option}: {told}: {error}") from None
    try:
        return as_json(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def write(answer: Answer, indent: int | None = None) -> None:
    """Print one answer at once."""
    _write(_text(answer, indent))


def _answered(answer: Callable[[Question], Answer], line: bytes) -> str:
    """Return the answer to a line as text; nothing that is wrong with one stops the others."""
    try:
        return _text(answer(_question(line)))
    except RecursionError:
        told = "nested too deeply"
    except (ValueError, PointsmanError) as error:
        told = str(error)
    except Exception as error:  # noqa: BLE001 - the border of one line
        told = f"cannot be answered: {error!r}"
    return _text({"error": told})


def _text(answer: Answer, indent: int | None = None) -> str:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, indent=indent)


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def _question(line: bytes) -> Question:
    question = as_json(line)
    if not isinstance(question, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - a line, not a bug
    return question


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
