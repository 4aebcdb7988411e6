"""``pointsman run``: start the daemon.

Every option is also a setting; only what was given on the command line goes before the environment
and ``pointsman.toml``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pointsman.cli.options import read_settings
from pointsman.settings import Settings

__all__ = ["run"]

_FIELDS = Settings.model_fields


def _option(name: str, **more: Any) -> Any:
    """Return the option of a setting: its help is the setting's description."""
    field = _FIELDS[name]
    default = "" if field.default is None else f" [default: {field.default}]"
    flag = f"--{name.replace('_', '-')}"
    return typer.Option(flag, help=f"{field.description}{default}", show_default=False, **more)


ConfigDir = Annotated[
    Path | None,
    typer.Argument(
        help="Folder of the organizations. [default: config]",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]


def run(  # noqa: PLR0917 - typer reads options from parameters
    config_dir: ConfigDir = None,
    plugins_dir: Annotated[Path | None, _option("plugins_dir")] = None,
    host: Annotated[str | None, _option("host")] = None,
    port: Annotated[int | None, _option("port")] = None,
    data_dir: Annotated[Path | None, _option("data_dir")] = None,
    redis_url: Annotated[str | None, _option("redis_url")] = None,
    workers: Annotated[int | None, _option("workers")] = None,
    config_role: Annotated[str | None, _option("config_role")] = None,
    fsync: Annotated[str | None, _option("fsync")] = None,
    port_file: Annotated[Path | None, _option("port_file")] = None,
    ready_fd: Annotated[int | None, _option("ready_fd")] = None,
    admin_bind: Annotated[str | None, _option("admin_bind")] = None,
    drain_timeout: Annotated[float | None, _option("drain_timeout")] = None,
    poll_config: Annotated[bool | None, _option("poll_config")] = None,
    log_level: Annotated[str | None, _option("log_level")] = None,
    log_format: Annotated[str | None, _option("log_format")] = None,
) -> None:
    """Start the daemon; it ends at SIGTERM or Ctrl-C, and loads anew at SIGHUP."""
    given = dict(locals())
    from pointsman.app.running import run as serve  # noqa: PLC0415 - heavy, not for --help

    raise typer.Exit(serve(read_settings(**given)))
