"""The ways in that organization.yaml switches on, and what they need to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pointsman.config.documents import Page
from pointsman.config.secrets import resolve
from pointsman.model import MetaApp

__all__ = ["is_enabled", "meta_app"]

_META = ("integrations", "meta")
_NEEDED = ("verify_token", "app_secret")


def is_enabled(page: Page, name: str, otherwise: bool = False) -> bool:
    """Tell whether a way in is switched on, and ``otherwise`` where nothing is said of it."""
    enabled: bool = page.data.get("integrations", {}).get(name, {}).get("enabled", otherwise)
    return enabled


def meta_app(page: Page, folder: Path | None) -> MetaApp | None:
    """Return the Meta app whose leads are taken, reporting what it lacks."""
    document: dict[str, Any] | None = page.data.get("integrations", {}).get("meta")
    if document is None or not document.get("enabled", True):
        return None
    for name in _NEEDED:
        if name not in document and f"{name}_file" not in document:
            page.report(_META, f"Meta's webhook needs '{name}' or '{name}_file'")
    token, secret, access = (
        resolve(page, _META, folder, key=name) for name in (*_NEEDED, "access_token")
    )
    if "access_token" not in document and "access_token_file" not in document:
        page.warn(
            _META,
            "without 'access_token' only posts with field_data can be taken, and Meta's own "
            "notifications carry ids alone",
        )
    return MetaApp(
        verify_token=token or "",
        app_secret=(secret or "").encode(),
        access_token=access,
        graph_url=document.get("graph_url", "https://graph.facebook.com").rstrip("/"),
    )
