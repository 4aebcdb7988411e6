"""Names in the API's spelling: camelCase outside, snake_case inside.

Only names that Pointsman or ``fields.yaml`` gave are turned; what is inside ``customFields``
belongs to whoever sent it and is never touched. ``FieldTable`` reads both spellings, so there is no
way back here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = ["camel", "camel_keys"]

_BUMP = re.compile(r"_([a-z0-9])")


@lru_cache(maxsize=4096)
def camel(name: str) -> str:
    """Return ``first_name`` as ``firstName``."""
    return _BUMP.sub(lambda found: found[1].upper(), name)


def camel_keys(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``record`` with its own keys, and no inner ones, in camelCase."""
    return {camel(name): value for name, value in record.items()}
