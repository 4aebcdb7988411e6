"""One listening http room for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from listening import Site, listening
from pointsman.store.redis import RedisStore


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    """Acme and its rival, on loopback."""
    async with listening(store) as opened:
        yield opened
