"""What a reload would take away: most of an organization at once is probably a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pointsman.config.documents import checked
from pointsman.config.tree import normal_name, root_file, shown_path
from pointsman.errors import Problem

__all__ = ["mass_deletion"]

Files = Mapping[str, bytes]

_FEW = 4


def mass_deletion(
    handle: str, old: Files, new: Files, *, root: Path | None = None
) -> list[Problem]:
    """Return what to say of a reload that removes most pools, workflows or flows at once.

    That is more than half of at least four, unless organization.yaml has ``allow_mass_delete``.
    """
    own = root_file(new)
    data = checked("organization", new[own]).data if own in new else None
    if data and data.get("allow_mass_delete"):
        return []
    shown = shown_path(handle, own, root)
    return [
        Problem(
            shown,
            1,
            1,
            "",
            f"this would remove {gone} of {before} {folder}; if that is "
            "meant, set allow_mass_delete: true",
        )
        for folder in ("pools", "workflows", "flows")
        if (before := len(_stems(folder, old))) >= _FEW
        and (gone := len(_stems(folder, old) - _stems(folder, new))) * 2 > before
    ]


def _stems(folder: str, files: Files) -> set[str]:
    return {normal_name(name) for name in files if name.startswith(f"{folder}/")}
