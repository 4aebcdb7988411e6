from __future__ import annotations

from collections.abc import Iterator

import pytest

from rotating import Deployment


@pytest.fixture
def deployment(redis_url: str) -> Iterator[Deployment]:
    opened = Deployment(redis_url)
    yield opened
    opened.close()
