"""What is wrong with one file's text: a place and a message, also for what the parser refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

__all__ = ["Fault", "Path", "fault_at", "fault_of", "pointer"]

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in one document; ``line`` and ``column`` count from 1."""

    line: int
    column: int
    pointer: str
    message: str


def pointer(path: Sequence[str | int]) -> str:
    """Return a path as people write it, such as ``participants[1].member``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def fault_at(node: Node, path: Path, message: str) -> Fault:
    """Return a fault where a node begins."""
    mark = node.start_mark
    return Fault(mark.line + 1, mark.column + 1, pointer(path), message)


def fault_of(error: YAMLError, raw: bytes) -> Fault:
    """Say what the parser refused; a tab gets a plainer message than its own."""
    if isinstance(error, ReaderError):
        return _fault_of_character(error, raw)
    if not isinstance(error, MarkedYAMLError):
        return Fault(1, 1, "", f"not YAML: {error}")
    mark = error.problem_mark or error.context_mark
    line, column, index = (mark.line, mark.column, mark.index) if mark else (0, 0, 0)
    problem = str(error.problem or error.context)
    if raw.decode()[index : index + 1] == "\t":
        problem = "a tab indents this line; YAML takes spaces only"
    elif "but found another document" in problem:
        problem = "a second document begins here; expected one a file"
    else:
        problem = "not YAML: " + ", ".join(str(p) for p in (error.context, problem) if p)
    return Fault(line + 1, column + 1, "", problem)


def _fault_of_character(error: ReaderError, raw: bytes) -> Fault:
    before = raw[: error.position].decode("utf-8", errors="replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    character = error.character
    code = character if isinstance(character, int) else ord(character)
    return Fault(line, column, "", f"the control character U+{code:04X} is not allowed")
