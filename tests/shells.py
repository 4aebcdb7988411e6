"""Commands called in this process, on one Redis and one tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from pointsman.cli import main

__all__ = ["Shell", "answers"]


def answers(command: str, *questions: Any) -> list[Any]:
    """Return what ``pointsman eval`` answers to lines of questions; a text is a line as it is."""
    lines = "\n".join(q if isinstance(q, str) else json.dumps(q) for q in questions)
    answer = CliRunner().invoke(main, ["eval", command, "--jsonl"], input=lines)
    assert answer.exit_code == 0, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()]


class Shell:
    """Calls commands on one Redis and one tree."""

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        self._given = ["--redis-url", url, "--data-dir", str(root.parent / "data")]

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, *self._given])

    def publish(self, *arguments: str) -> Result:
        """Publish the tree."""
        return self("publish", str(self.root), *arguments)

    def said(self, *arguments: str) -> list[str]:
        """Return the lines of a call that works."""
        answer = self(*arguments)
        assert answer.exit_code == 0, answer.output
        return answer.stdout.splitlines()

    def save(self, name: str, text: str | None) -> None:
        """Change a file of the tree and publish that."""
        path = self.root / "acme" / name
        path.unlink() if text is None else path.write_text(text)
        self.said("publish", str(self.root))
