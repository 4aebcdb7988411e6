"""Secrets of organization.yaml: ``${NAME}`` of the environment, or the content of a file.

They are resolved on every node by itself: what is published carries the unresolved text, and no
message carries a value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pointsman.config.documents import Page

__all__ = ["resolve", "secret_files"]

_VARIABLE = re.compile(r"\$(\$|\{([^}]*)\})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MAX_BYTES = 64 * 1024

_FILES = (
    "token_file",
    "secret_file",
    "password_file",
    "auth_token_file",
    "verify_token_file",
    "app_secret_file",
    "access_token_file",
)

Place = tuple[str | int, ...]


def resolve(page: Page, path: Place, folder: Path | None, *, key: str) -> str | None:
    """Return the secret that the object at ``path`` gives as ``key`` or ``<key>_file``.

    Reports, and returns ``None``, where it gives both or what it names is not there. ``$$`` is a
    plain dollar sign. ``folder`` is the organization's directory.
    """
    holder: Any = page.data
    for part in path:
        holder = holder[part]
    in_file = f"{key}_file"
    if key in holder and in_file in holder:
        page.report((*path, in_file), f"'{key}' and '{in_file}' are both here; keep one")
    elif key in holder:
        return _of_environment(page, (*path, key), holder[key])
    elif in_file in holder:
        return _of_file(page, (*path, in_file), holder[in_file], folder)
    return None


def secret_files(folder: Path, document: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the files that an organization.yaml takes secrets from; a change in one is a reload."""
    parts = (document.get(name, {}) for name in ("intake", "smtp", "twilio", "firehose"))
    meta = document.get("integrations", {}).get("meta", {})
    for holder in [*document.get("credentials", ()), *parts, meta]:
        for key in _FILES:
            if name := holder.get(key):
                yield folder / name


def _of_environment(page: Page, path: Place, text: str) -> str | None:
    missing: list[str] = []

    def value(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        if not _NAME.fullmatch(found[2]) or found[2] not in os.environ:
            missing.append(found[2])
        return os.environ.get(found[2], "")

    resolved = _VARIABLE.sub(value, text)
    for name in missing:
        page.report(path, f"the environment variable '{name}' is not set for this daemon")
    if not missing and not resolved:
        page.report(path, f"{text} is set to nothing")
    return resolved if resolved and not missing else None


def _of_file(page: Page, path: Place, name: str, folder: Path | None) -> str | None:
    if folder is None and not Path(name).is_absolute():
        page.report(
            path,
            f"'{name}' is relative to a directory that this node does not have; "
            "write an absolute path or use ${NAME}",
        )
        return None
    file = (folder or Path("/")) / name
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_BYTES + 1).decode("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        page.report(path, f"{file} cannot be read: {why}")
        return None
    if not text or len(text) > _MAX_BYTES:
        page.report(path, f"{file} holds no secret: expected 1 to {_MAX_BYTES} bytes of text")
        return None
    return text
