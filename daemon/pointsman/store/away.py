"""Plain commands of the Redis client, with the error that the rooms above know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from pointsman.errors import Unavailable

__all__ = ["AWAY", "unavailable_if_away"]

AWAY = (Unavailable, RedisError)
"""What a loop that must go on takes for Redis being away: also what Redis refuses to run."""


@contextmanager
def unavailable_if_away() -> Iterator[None]:
    """Turn what the client raises while Redis is away into ``Unavailable``."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis is not available: {error}") from error
