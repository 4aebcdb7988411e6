"""Where an organization's firehose goes, as organization.yaml tells."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pointsman.config.documents import Page
from pointsman.config.secrets import resolve
from pointsman.model import Firehose

__all__ = ["firehose", "firehose_kind"]

_PLACE = ("firehose",)

_OF_USE = {
    "s3": frozenset({"region", "endpoint", "access_key_id", "secret", "secret_file"}),
    "gs": frozenset({"secret", "secret_file"}),
    "az": frozenset({"endpoint", "account", "secret", "secret_file"}),
    "file": frozenset[str](),
}
_ALWAYS = frozenset({"enabled", "url", "prefix"})
_USER = {"s3": "access_key_id", "az": "account"}


def firehose(page: Page, folder: Path | None) -> Firehose | None:
    """Return where events go, reporting what contradicts itself."""
    kind = firehose_kind(page.data)
    if kind is None:
        return None
    document: dict[str, Any] = page.data["firehose"]
    for key in document.keys() - _ALWAYS - _OF_USE[kind]:
        page.report((*_PLACE, key), f"is of no use for {kind}://; remove it")
    _check_user(page, document, kind)
    secret = resolve(page, _PLACE, folder, key="secret")
    if not document.get("enabled", True):
        return None
    if find_spec("obstore") is None:
        page.report(_PLACE, "needs the package obstore: pip install 'pointsman[firehose]'")
    return Firehose(
        url=document["url"],
        prefix=document.get("prefix", ""),
        region=document.get("region"),
        endpoint=document.get("endpoint"),
        user=document.get(_USER.get(kind, "")),
        secret=secret,
    )


def firehose_kind(document: Mapping[str, Any]) -> str | None:
    """Return what the firehose of an organization is (``s3``, ``file`` …), switched on or not."""
    written = document.get("firehose")
    return written["url"].partition(":")[0] if written else None


def _check_user(page: Page, document: dict[str, Any], kind: str) -> None:
    given = "secret" in document or "secret_file" in document
    if kind == "az" and "account" not in document:
        page.report(_PLACE, "az:// needs 'account', the name of the storage account")
    elif kind == "s3" and given != ("access_key_id" in document):
        page.report(_PLACE, "'access_key_id' and 'secret' (or 'secret_file') go together")
