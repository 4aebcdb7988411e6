"""Object stores and folders behind one small interface; obstore knows how each is spoken to.

A write that fails says only that it failed: whoever writes tries again, and an object that is
written twice is the same object.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pointsman.errors import TransientError
from pointsman.model import Firehose

__all__ = ["Objects"]

_CLIENT = {"timeout": "20s", "connect_timeout": "5s"}
_RETRY: Any = {"max_retries": 1, "retry_timeout": timedelta(seconds=10)}


class Objects:
    """The objects of one store, by path."""

    def __init__(self, kept: Firehose) -> None:
        # An optional dependency: who has no firehose does not load it.
        from obstore.exceptions import BaseError  # noqa: PLC0415

        self._failures = (BaseError, OSError, ValueError)
        try:
            self._store = _opened(kept)
        except self._failures as error:
            raise TransientError(_why(error)) from error

    async def put(self, path: str, content: bytes) -> None:
        """Write an object; ``TransientError`` if that failed."""
        try:
            await self._store.put_async(path, content)
        except self._failures as error:
            raise TransientError(_why(error)) from error

    async def delete(self, path: str) -> None:
        """Let there be no such object."""
        try:
            await self._store.delete_async(path)
        except FileNotFoundError:
            return
        except self._failures as error:
            raise TransientError(_why(error)) from error


def _opened(kept: Firehose) -> Any:
    from obstore.store import from_url  # noqa: PLC0415

    kind = kept.url.partition(":")[0]
    if kind == "file":
        return from_url(kept.url, mkdir=True)
    insecure = (kept.endpoint or "").startswith("http://")
    client: Any = _CLIENT | ({"allow_http": True} if insecure else {})
    config: Any = _credentials(kept, kind)
    return from_url(kept.url, config=config, client_options=client, retry_config=_RETRY)


def _credentials(kept: Firehose, kind: str) -> dict[str, str]:
    if kind == "gs":
        told = {"service_account_key": kept.secret}
    elif kind == "az":
        told = {"account_name": kept.user, "account_key": kept.secret, "endpoint": kept.endpoint}
    else:
        told = {
            "region": kept.region,
            "endpoint": kept.endpoint,
            "access_key_id": kept.user,
            "secret_access_key": kept.secret,
        }
    return {name: value for name, value in told.items() if value is not None}


def _why(error: Exception) -> str:
    """Return the first line of an error, which names the object and what the store said."""
    return str(error).partition("\n")[0] or type(error).__name__
