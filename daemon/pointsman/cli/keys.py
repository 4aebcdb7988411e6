"""``pointsman keys``: make, list and revoke API keys in organization.yaml.

A key is shown once, when it is made; the file gets its SHA-256 only, and keeps every comment.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from pointsman.cli.options import ConfigDirOption, Format, chosen_dir
from pointsman.config.edit import Append, Edit, Remove, read, rewrite, splice
from pointsman.config.marks import parse
from pointsman.errors import PointsmanError
from pointsman.registry import nearest

__all__ = ["PREFIX", "keys", "scopes"]

PREFIX = "pm_k_"
"""What every key begins with, so that a leaked one is found by searching."""

_BYTES = 32
_DAYS = re.compile(r"(\d{1,4})d")
_LONGEST_NAME = 200

keys = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    help="Create, list and revoke API keys.",
)


class _File(NamedTuple):
    """An organization.yaml as it was read."""

    path: Path
    text: str
    keys: list[Mapping[str, Any]]

    def change(self, edit: Edit) -> None:
        try:
            text = splice(self.text, [edit], str(self.path))
        except LookupError as error:
            raise PointsmanError(f"{self.path}: {error}; run pointsman check") from error
        rewrite(self.path, self.text, text)


def scopes() -> list[str]:
    """Return every scope there is, as the schema of organization.yaml lists them."""
    text = (files("pointsman.schemas") / "organization.json").read_text(encoding="utf-8")
    known: list[str] = json.loads(text)["$defs"]["scope"]["enum"]
    return known


def _completed(incomplete: str) -> list[str]:
    return [scope for scope in scopes() if scope.startswith(incomplete)]


def _checked(given: list[str]) -> list[str]:
    known = scopes()
    for scope in given:
        if scope not in known:
            near = nearest(scope, known)
            raise typer.BadParameter(f"unknown scope '{scope}'{near} (known: {', '.join(known)})")
    return list(dict.fromkeys(given))


def _named(name: str) -> str:
    if not (name.strip() and len(name) <= _LONGEST_NAME and name.isprintable()):
        raise typer.BadParameter(f"expected 1 to {_LONGEST_NAME} printable characters")
    return name


Organization = Annotated[str, typer.Argument(help="Directory name of the organization.")]
Name = Annotated[str, typer.Option(callback=_named, help="What the key is for.")]


@keys.command()
def create(
    organization: Organization,
    name: Name,
    scope: Annotated[
        list[str],
        typer.Option(
            callback=_checked,
            autocompletion=_completed,
            help="What the key may do, such as leads:write; repeat for more.",
        ),
    ],
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: 2027-01-31, 2027-01-31T09:00:00Z or 90d (days)."),
    ] = None,
    config_dir: ConfigDirOption = None,
) -> None:
    """Make a key, print it once, and write its SHA-256 to organization.yaml."""
    until = _moment(expires) if expires else None
    file = _open(chosen_dir(config_dir), organization)
    if any(key.get("name") == name for key in file.keys):
        raise typer.BadParameter(
            f"{file.path} has a key named '{name}'; choose another name or revoke it first",
            param_hint="--name",
        )
    key = PREFIX + secrets.token_hex(_BYTES)
    entry: dict[str, Any] = {"name": name, "sha256": sha256(key.encode()).hexdigest()}
    entry["scopes"] = scope
    if until:
        entry["expires_at"] = until
    file.change(Append(("api_keys",), entry))
    typer.echo(key)
    typer.echo(
        f"Key '{name}' of {organization} may {', '.join(scope)}. It is shown this once: "
        f"{file.path} has its SHA-256 only.",
        err=True,
    )


@keys.command("list")
def show(
    organization: Organization,
    config_dir: ConfigDirOption = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """List the keys of an organization: names, scopes and ends, never digests."""
    file = _open(chosen_dir(config_dir), organization)
    told = [{k: v for k, v in key.items() if k != "sha256"} for key in file.keys]
    if output is Format.JSON:
        typer.echo(json.dumps(told, indent=2))
        return
    for key in told:
        typer.echo(_line(key))


@keys.command()
def revoke(
    organization: Organization,
    name: Name,
    config_dir: ConfigDirOption = None,
) -> None:
    """Take a key out of organization.yaml; the daemon refuses it from its next reload on."""
    file = _open(chosen_dir(config_dir), organization)
    names = [str(key.get("name")) for key in file.keys]
    if name not in names:
        raise typer.BadParameter(
            f"{file.path} has no key named '{name}'{nearest(name, names)}", param_hint="--name"
        )
    file.change(Remove(("api_keys", names.index(name))))
    typer.echo(f"Key '{name}' of {organization} is out of {file.path}.", err=True)


def _line(key: Mapping[str, Any]) -> str:
    """Return one key as text: tab separated, for people and for cut."""
    state = "inactive" if key.get("active") is False else "active"
    ends = f"until {key['expires_at']}" if key.get("expires_at") else "no end"
    demo = ["demo"] if key.get("demo") else []
    return "\t".join([str(key.get("name")), ",".join(key.get("scopes", [])), state, ends, *demo])


def _moment(text: str) -> str:
    """Return an end as RFC 3339 in UTC; raises a usage error for the past and for nonsense."""
    try:
        if days := _DAYS.fullmatch(text):
            end = datetime.now(UTC) + timedelta(days=int(days[1]))
        else:
            end = datetime.fromisoformat(text)
            end = (end if end.tzinfo else end.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"'{text}' is no time; expected 2027-01-31, 2027-01-31T09:00:00Z or 90d",
            param_hint="--expires",
        ) from error
    if end <= datetime.now(UTC):
        raise typer.BadParameter(f"{text} is past", param_hint="--expires")
    return end.isoformat(timespec="seconds").replace("+00:00", "Z")


def _open(root: Path, organization: str) -> _File:
    folder = root / organization
    found = [folder / name for name in ("organization.yaml", "organization.yml")]
    path = next((path for path in found if path.is_file()), None)
    if path is None or folder.parent != root:
        known = sorted(path.parent.name for path in root.glob("*/organization.y*ml"))
        listed = f"{nearest(organization, known)} (known: {', '.join(known)})" if known else ""
        raise typer.BadParameter(
            f"no organization '{organization}' in {root}{listed}", param_hint="ORGANIZATION"
        )
    text = read(path)
    data = parse(text, str(path))
    found_keys = data.get("api_keys") if isinstance(data, dict) else None
    listed_keys = found_keys if isinstance(found_keys, list) else []
    return _File(path, text, [key for key in listed_keys if isinstance(key, dict)])
