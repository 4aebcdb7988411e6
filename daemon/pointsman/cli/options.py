"""Options that several commands have, spelled the same in each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from pointsman.settings import Settings

__all__ = [
    "ConfigDir",
    "ConfigDirOption",
    "DataDir",
    "Findings",
    "Format",
    "PluginsDir",
    "RedisUrl",
    "Tabular",
    "chosen_dir",
    "chosen_plugins",
    "read_settings",
]

_HELP = "Folder of the organizations. [default: POINTSMAN_CONFIG_DIR, else config]"


class Format(StrEnum):
    """How a command prints what it found."""

    TEXT = "text"
    JSON = "json"


class Tabular(StrEnum):
    """How a command prints rows."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class Findings(StrEnum):
    """How a command prints findings: ``github`` makes them annotations of a pull request."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


ConfigDir = Annotated[
    Path | None,
    typer.Argument(help=_HELP, exists=True, file_okay=False, show_default=False),
]
ConfigDirOption = Annotated[
    Path | None,
    typer.Option("--config-dir", help=_HELP, exists=True, file_okay=False, show_default=False),
]

PluginsDir = Annotated[
    Path | None,
    typer.Option(
        "--plugins-dir",
        help="Folder of your own plugins. [default: POINTSMAN_PLUGINS_DIR]",
        show_default=False,
    ),
]

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="The daemon's data directory.", show_default=False),
]
RedisUrl = Annotated[
    str | None,
    typer.Option("--redis-url", help="The daemon's Redis; none: embedded.", show_default=False),
]


def chosen_dir(given: Path | None) -> Path:
    """Return the directory that was given, else the one of the settings."""
    return given or read_settings().config_dir


def chosen_plugins(given: Path | None = None) -> Path | None:
    """Return the folder of plugins that was given, else the one of the settings."""
    return given or read_settings().plugins_dir


def read_settings(**flags: Any) -> Settings:
    """Return the settings, with the ``flags`` that were given; wrong ones are a usage error."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
            for found in error.errors(include_url=False, include_input=False)
        )
        raise typer.BadParameter(
            f"{said} (from flags, POINTSMAN_* or pointsman.toml)", param_hint="settings"
        ) from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="pointsman.toml") from error
