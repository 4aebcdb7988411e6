"""Bodies held against a schema: a refusal that names every failing field, in the API's spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from pointsman.config.faults import Path, pointer
from pointsman.config.messages import told
from pointsman.http.query import invalid

__all__ = ["check_body"]


def check_body(
    validator: Draft202012Validator,
    body: Mapping[str, Any],
    under: Path = (),
) -> None:
    """Refuse a body with every failing field."""
    problems = [
        f"{place or 'body'}: {reason.replace('; ', ', ')}"  # "; " stands between two fields
        for place, reason in dict.fromkeys(_problems(validator, body, under))
    ]
    if problems:
        raise invalid(problems)


def _problems(
    validator: Draft202012Validator, body: Mapping[str, Any], under: Path
) -> Iterator[tuple[str, str]]:
    """Yield where something is wrong, and what."""
    for error in validator.iter_errors(body):
        path = (*under, *error.absolute_path)
        if error.validator == "required":
            for missing in error.validator_value:
                if missing not in error.instance:
                    yield pointer((*path, missing)), f"is required{_because(error)}"
        else:
            for found in told(error):
                key = [found.key] if found.key else []
                yield pointer((*under, *found.path, *key)), found.message


def _because(error: Any) -> str:
    conditional = "then" in error.absolute_schema_path and "description" in error.schema
    return f": {error.schema['description']}" if conditional else ""
