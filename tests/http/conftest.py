"""One listening http room for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemons import running
from deployed import FILES, Client, House, lay_out
from listening import RIVAL, Site, listening
from pointsman.store.redis import RedisStore


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    """Acme and its rival, on loopback."""
    async with listening(store) as opened:
        yield opened


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    """Acme and its rival on disk, and a daemon that publishes them."""
    root = lay_out(tmp_path / "config", FILES)
    lay_out(root, RIVAL, "rival")
    async with running(root, redis_url) as app:
        yield House(app, root, Client(app.url))
