"""Writes docs/reference/ from what the code knows of itself; ``--check`` only tells what is stale.

Run it after changing a command, a setting, a schema, a metric or anything in a registry:
``.venv/bin/python docs/generate.py``. A test runs the check, so the pages cannot fall behind.
"""  # noqa: INP001 - a script, no package

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from prometheus_client.metrics import MetricWrapperBase
from typer.testing import CliRunner

from pointsman import observe
from pointsman.cli import COMMANDS, main
from pointsman.cli.rows import rows
from pointsman.config.schema import KINDS, composed
from pointsman.fields.standard import standard_fields
from pointsman.fields.types import field_types
from pointsman.plugin import actions, load_plugins
from pointsman.rules.filters import filters
from pointsman.rules.operators import operators, rule_operators
from pointsman.rules.reasons import WORDINGS
from pointsman.rules.single import allowed
from pointsman.rules.templates import helpers
from pointsman.settings import Settings

FOLDER = Path(__file__).parent / "reference"
MARK = "<!-- Written by docs/generate.py; edit the code instead. -->"
GROUPS = {
    "eval": ("field", "rule", "template", "condition", "interpolate"),
    "keys": ("create", "list", "revoke"),
    "generations": ("list", "show", "diff"),
    "pool": ("list", "show", "set-next", "reset", "fairness", "export", "import"),
    "plugins": ("list", "describe", "new"),
}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    for row in (head, ("---",) * len(head), *rows):
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"


def cli() -> Iterator[str]:
    """Yield the page of the command line: what ``--help`` prints."""
    yield "# Command line"
    yield ""
    yield "Findings go to stdout, talk to stderr. Exit codes: 0 fine, 1 findings, 2 usage."
    runner = CliRunner()
    calls = [(name, *more) for name in COMMANDS for more in [(), *zip(GROUPS.get(name, ()))]]
    for call in [(), *calls]:
        answer = runner.invoke(main, [*call, "--help"], prog_name="pointsman")
        if answer.exit_code:
            raise RuntimeError(f"{call}: {answer.output}") from answer.exception
        yield from ("", f"## {' '.join(('pointsman', *call))}", "", "```text")
        yield answer.stdout.strip("\n")
        yield "```"


def settings() -> Iterator[str]:
    """Yield the page of process settings."""
    yield "# Settings"
    yield ""
    yield (
        "Each is a variable `POINTSMAN_<NAME>` and a key of `pointsman.toml`; the former wins, and "
        "a flag of [`pointsman run`](cli.md) wins over both."
    )
    yield ""
    yield from table(
        ("Name", "Default", "What it is"),
        (
            (f"`{name}`", _default(field.get_default()), field.description or "")
            for name, field in Settings.model_fields.items()
        ),
    )


def action_types() -> Iterator[str]:
    """Yield the page of actions."""
    yield "# Actions"
    for name in sorted(actions):
        yield from ("", f"## {name}", "", actions[name].manual, "")
        yield from table(
            ("Option", "Type", "When left out", "What it is"), _marked(rows(actions[name].schema()))
        )


def condition_operators() -> Iterator[str]:
    """Yield the page of operators."""
    yield from ("# Operators", "", "What `operator` can be in a condition of a workflow.", "")
    yield from table(
        ("Operator", "`value`", "What it asks"),
        ((f"`{o.name}`", o.takes, o.manual) for _, o in sorted(operators.items())),
    )


def rules() -> Iterator[str]:
    """Yield the page of rules: operators, and what fits each type of field."""
    yield from ("# Rules of flows", "")
    yield (
        "What `op` can be in a rule. `rhv` is what the left side is compared with; in a reason it "
        "stands after the wording, as it is written."
    )
    yield ""
    yield from table(
        ("Operator", "`rhv`", "What it asks", "Reason when it does not hold"),
        (
            (f"`{o.spelled}`", o.takes, o.manual, f"`lhv` {WORDINGS[o.spelled]}{_after(o.takes)}")
            for _, o in sorted(rule_operators.items())
        ),
    )
    yield from ("", "Operators and attributes by [type](fields.md) of the left side:", "")
    yield from table(
        ("Type", "Operators", "Attributes"),
        (
            (
                f"`{kind.name}`",
                ", ".join(allowed(kind)),
                ", ".join(f"`{name}` ({of})" for name, of in kind.attributes.items()),
            )
            for _, kind in sorted(field_types.items())
        ),
    )
    yield ""
    yield "What has no type (what a step appended, a template) takes every operator."


def placeholder_filters() -> Iterator[str]:
    """Yield the page of filters."""
    yield from (
        "# Filters",
        "",
        "What can follow the path of a placeholder, one after another:",
        "",
    )
    yield from ("```text", 'Hi {{trigger.first_name | default: "there" | title}}', "```", "")
    yield from table(
        ("Filter", "Written", "What it gives"),
        ((f"`{f.name}`", f"`{f.example}`", f.manual) for _, f in sorted(filters.items())),
    )
    yield from ("", "A value that a filter cannot read passes through as it is.")


def template_helpers() -> Iterator[str]:
    """Yield the page of the helpers of templates."""
    yield from ("# Helpers", "", "What can stand in a [template](../templates.md) of a flow:", "")
    yield from table(
        ("Helper", "Written", "What it gives"),
        ((f"`{h.name}`", f"`{h.example}`", h.manual) for _, h in sorted(helpers.items())),
    )


def fields() -> Iterator[str]:
    """Yield the page of field types and standard fields."""
    yield from ("# Fields", "", "Types that `fields.yaml` can give a field:", "")
    yield from table(
        ("Type", "How values are read"),
        ((f"`{t.name}`", t.manual) for _, t in sorted(field_types.items())),
    )
    yield from ("", "Standard fields, which every organization has without declaring them:", "")
    by_type: dict[str, list[str]] = {}
    for name, kind in standard_fields().items():
        by_type.setdefault(kind, []).append(f"`{name}`")
    yield from table(
        ("Type", "Fields"), ((kind, ", ".join(names)) for kind, names in sorted(by_type.items()))
    )


def configuration() -> Iterator[str]:
    """Yield the page of all files: every key that their schemas allow."""
    yield from ("# Configuration files", "")
    yield "`[]` stands for each item of a list. Unknown keys are findings, save `x-…` at the top."
    for kind in KINDS:
        schema = composed(kind)
        yield from ("", f"## {schema['title']}", "", str(schema["description"]), "")
        yield from table(("Key", "Type", "When left out", "What it is"), _marked(rows(schema)))


def metrics() -> Iterator[str]:
    """Yield the page of metrics."""
    yield from ("# Metrics", "", "What `GET /metrics` tells, beside the usual `process_*`.", "")
    known = (value for value in vars(observe).values() if isinstance(value, MetricWrapperBase))
    yield from table(
        ("Name", "Type", "Labels", "What it counts"),
        (_metric(metric) for metric in known),
    )


PAGES = {
    "actions": action_types,
    "cli": cli,
    "configuration": configuration,
    "fields": fields,
    "filters": placeholder_filters,
    "helpers": template_helpers,
    "metrics": metrics,
    "operators": condition_operators,
    "rules": rules,
    "settings": settings,
}


def pages() -> dict[Path, str]:
    """Return every page's place and text."""
    load_plugins()
    return {
        FOLDER / f"{name}.md": "\n".join([MARK, "", *page()]) + "\n" for name, page in PAGES.items()
    }


def _after(takes: str) -> str:
    return "" if takes == "nothing" else " `rhv`"


def _marked(found: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield rows with their first cell as code."""
    return ((f"`{first}`", *rest) for first, *rest in found)


def _default(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, timedelta):
        return f"{value.days} days" if value.days else f"{value.seconds} s"
    return f"`{value}`"


def _metric(metric: MetricWrapperBase) -> tuple[str, ...]:
    kind, name = str(metric._type), metric._name  # noqa: SLF001 - asking the registry samples them
    name = f"{name}_total" if kind == "counter" else name
    return f"`{name}`", kind, ", ".join(metric._labelnames), metric._documentation  # noqa: SLF001


def run(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` tell which are stale; return the exit code."""
    wanted = pages()
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    stale += [path for path in FOLDER.glob("*.md") if path not in wanted]
    if "--check" in arguments:
        for path in stale:
            sys.stdout.write(f"{path} is stale; run .venv/bin/python docs/generate.py\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
