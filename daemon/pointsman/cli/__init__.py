"""The command line: ``pointsman COMMAND``, one module a command.

The table below is all that is known of a command before it is called: its module is imported only
then, so that ``--version``, ``--help`` and completion answer at once. Findings go to stdout, talk
to stderr; exit codes are 0 fine, 1 findings, 2 usage.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from pointsman import __version__
from pointsman.cli.quick import QuickGroup
from pointsman.errors import ConfigError, PointsmanError

__all__ = ["COMMANDS", "Entry", "main"]


class Entry(NamedTuple):
    """A command before its module is imported: where it is, what it is for, how it is called."""

    target: str
    summary: str
    examples: tuple[str, ...]


COMMANDS = {
    "run": Entry(
        "run:run",
        "Start the daemon.",
        (
            "pointsman run",
            "pointsman run config/ --port 9000",
            "pointsman run /etc/pointsman --redis-url redis://localhost:6379/0 --workers 2",
        ),
    ),
    "check": Entry(
        "check:check",
        "Check a configuration without starting the daemon.",
        ("pointsman check", "pointsman check config/ --format json"),
    ),
    "test": Entry(
        "ruletest:rule_tests",
        "Run the rule tests in tests/*.yaml of every organization.",
        ("pointsman test", "pointsman test config/ --format github"),
    ),
    "explain": Entry(
        "explain:explain",
        "Tell where a lead would go, without taking a turn.",
        (
            "pointsman explain lead.json",
            "pointsman explain lead.json --organization acme --intake site-a",
            "echo '{}' | pointsman explain - --format json",
        ),
    ),
    "eval": Entry(
        "evaluate:evaluate",
        "Try a field type, a rule, a template, a condition, without a server.",
        (
            "pointsman eval field phone '(512) 789-1111 x12'",
            "pointsman eval field dob 6/2/1980 --now 2026-11-21T12:00:00Z",
            "pointsman eval field --jsonl < values.jsonl",
            'pointsman eval rule \'{"lhv": "lead.email", "op": "is not blank"}\' --lead lead.json',
            "pointsman eval rule --jsonl < questions.jsonl",
            "pointsman eval template '{{lead.phone_1.area}}' --vars vars.json",
            "pointsman eval condition --jsonl < questions.jsonl",
            "pointsman eval interpolate --jsonl < questions.jsonl",
        ),
    ),
    "schema": Entry(
        "schema:schema",
        "Print the JSON Schema of a kind of file.",
        ("pointsman schema", "pointsman schema pool > pool.schema.json"),
    ),
    "keys": Entry(
        "keys:keys",
        "Create, list and revoke API keys.",
        (
            "pointsman keys create acme --name 'Web site' --scope leads:write",
            "pointsman keys list acme",
            "pointsman keys revoke acme --name 'Web site'",
        ),
    ),
    "publish": Entry(
        "generations:publish",
        "Publish the configuration directory.",
        ("pointsman publish", "pointsman publish config/ --force"),
    ),
    "meta": Entry(
        "meta:meta",
        "List Meta's leads that were given up, and have them read again.",
        (
            "pointsman meta failed acme",
            "pointsman meta retry acme 4711 --redis-url redis://r:6379/0",
        ),
    ),
    "generations": Entry(
        "generations:generations",
        "List, show and compare what was published.",
        (
            "pointsman generations list acme",
            "pointsman generations show acme 12",
            "pointsman generations diff acme 11 12",
        ),
    ),
    "rollback": Entry(
        "generations:rollback",
        "Publish the files of an earlier generation again.",
        ("pointsman rollback acme 11",),
    ),
    "deploy": Entry(
        "deploy:deploy",
        "Make saved flows live, where organization.yaml says deploy: manual.",
        (
            "pointsman deploy --diff",
            "pointsman deploy",
            "pointsman deploy lead-market bought-leads --organization acme",
            "pointsman deploy lead-market --versions",
            "pointsman deploy lead-market --revert 3",
        ),
    ),
    "pool": Entry(
        "pool:pool",
        "See and set whose turn it is; move a pool's state; prove that turns were fair.",
        (
            "pointsman pool list acme",
            "pointsman pool show acme inbound",
            "pointsman pool set-next acme inbound ada",
            "pointsman pool reset acme inbound",
            "pointsman pool fairness acme inbound --per week --since 2026-11-01",
            "pointsman pool export acme inbound -o inbound.ndjson",
            "pointsman pool import acme inbound.ndjson --redis-url redis://localhost:6379/0",
        ),
    ),
    "plugins": Entry(
        "plugins:plugins",
        "List actions and whatever plugins add, describe them, begin a plugin.",
        (
            "pointsman plugins list",
            "pointsman plugins describe webhook",
            "pointsman plugins new acme_sms",
        ),
    ),
}


def _examples(lines: Iterable[str]) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


_SETTINGS = {"help_option_names": ["-h", "--help"]}


class _Later(TyperCommand):
    """A command that is imported when somebody calls it or asks it for help."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name, callback=None, help=entry.summary)
        self._entry = entry

    def load(self) -> Any:
        """Import the command and return it."""
        module, _, attribute = self._entry.target.partition(":")
        target = getattr(import_module(f"{__name__}.{module}"), attribute)
        if isinstance(target, typer.Typer):
            command = typer.main.get_command(target)
        else:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command()(target)
            command = typer.main.get_command(app)
        command.name = self.name
        self._finish(command, f"pointsman {self.name}")
        return command

    def _finish(self, command: Any, called: str) -> None:
        """Give a command and those below it their examples and ``-h``."""
        lines = [line for line in self._entry.examples if f"{called} " in f"{line} "]
        command.epilog = _examples(lines)
        command.context_settings = {**_SETTINGS, **command.context_settings}
        if isinstance(command, TyperGroup):
            for name, below in command.commands.items():
                self._finish(below, f"{called} {name}")

    def make_context(self, info_name: str | None, args: list[str], **more: Any) -> Any:  # type: ignore[override]
        """Hand over to the command itself."""
        return self.load().make_context(info_name, args, **more)


class _Commands(QuickGroup):
    """The commands of the table; what Pointsman itself reports ends one with a message."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.add_command(_Later(name, entry))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; findings go to stdout, other trouble to stderr, both exit with 1."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            typer.echo(str(error))
        except PointsmanError as error:
            typer.echo(f"pointsman: {error}", err=True)
        except PermissionError as error:
            typer.echo(f"pointsman: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(1)


main = typer.Typer(
    cls=_Commands,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
    epilog="\b\nExamples:\n" + "\n".join(f"  {entry.examples[0]}" for entry in COMMANDS.values()),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pointsman {__version__}")
        raise typer.Exit


@main.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Pointsman routes leads: pools, workflows and flows in YAML, turns in Redis."""
