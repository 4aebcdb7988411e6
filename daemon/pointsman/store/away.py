"""Plain commands of the Redis client, with the error that the rooms above know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from pointsman.errors import Unavailable

__all__ = ["unavailable_if_away"]


@contextmanager
def unavailable_if_away() -> Iterator[None]:
    """Turn what the client raises while Redis is away into ``Unavailable``."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis is not available: {error}") from error
