"""Configuration trees for tests: the smallest valid one, and what a test changes in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pointsman.config.load import compile_organization, load
from pointsman.errors import Problem
from pointsman.model import Organization

__all__ = ["MINIMAL", "compiled", "findings", "told", "write"]

MINIMAL: Mapping[str, str] = {
    "organization.yaml": """\
name: Acme
integrations: {lead_webhook: {enabled: true}}
members:
  - {handle: ada, name: Ada}
  - {handle: bruno, name: Bruno}
""",
    "pools/inbound.yaml": """\
id: 0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47
name: Inbound
participants: [ada, bruno]
connections:
  - source: webhook
""",
}


def write(root: Path, files: Mapping[str, str | None], handle: str = "acme") -> Path:
    """Write the minimal organization with ``files`` over it (``None``: without), return root."""
    for name, text in {**MINIMAL, **files}.items():
        if text is not None:
            path = root / handle / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return root


def findings(root: Path) -> list[str]:
    """Return everything that is found in a tree, as lines with paths inside it."""
    return told(load(root)[1], root)


def compiled(files: Mapping[str, str | None]) -> Organization:
    """Return what the minimal organization with ``files`` over it compiles to."""
    texts = {name: text.encode() for name, text in {**MINIMAL, **files}.items() if text is not None}
    organization, problems = compile_organization("acme", texts, root=None)
    assert organization is not None, problems
    return organization


def told(problems: list[Problem], root: Path) -> list[str]:
    """Return findings as lines, with their severity unless it is ``error``."""
    return [
        str(problem).removeprefix(f"{root}/")
        + (f" ({problem.severity})" if problem.severity != "error" else "")
        for problem in problems
    ]
