"""What actions and step types are told: options, as a model that their author writes.

Written options may hold placeholders, so what is wrong with them is only told where none stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from pointsman.errors import ActionError, PointsmanError
from pointsman.option_schema import holds_placeholder, marked, opened, whole_schema
from pointsman.registry import origin

__all__ = ["Optioned", "Options", "named_credential", "page_of", "wrong_options"]

Path = tuple[str | int, ...]


class Options(BaseModel):
    """What an action or a step can be told; a field's description is its documentation.

    Mark a field that holds the name of a credential with
    ``json_schema_extra={"x-credential": True}``; a ``SecretStr`` is never stored with a run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class Optioned:
    """What has options, as they are written in a file."""

    __slots__ = ()

    options: type[Options]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the options as they are written in a file.

        It stands alone (no ``$ref``), and everywhere a placeholder such as ``{{trigger.score}}``
        is accepted too, because what it stands for is known only when it is done.
        """
        whole = whole_schema(self.options)
        options = whole.get("properties", {})
        return {**whole, "properties": {name: opened(told) for name, told in options.items()}}

    def problems(self, config: Mapping[str, Any]) -> list[tuple[Path, str]]:
        """Return what is wrong with written options, as (path, message), placeholders aside."""
        try:
            self.options.model_validate(config)
        except ValidationError as error:
            return [
                (_place(found["loc"]), found["msg"].removeprefix("Value error, "))
                for found in error.errors(include_url=False, include_context=False)
                if not holds_placeholder(config, found["loc"])
            ]
        return []

    def marked(self, mark: str, config: Mapping[str, Any]) -> list[tuple[Path, str]]:
        """Return what written options name, as (path, name): by ``x-credential`` credentials.

        ``x-member`` marks members, ``x-pool`` pools, ``x-recipient`` who can be told something.
        """
        return list(marked(whole_schema(self.options), mark, config))


def page_of(
    kind: str, name: str, function: Callable[..., Any]
) -> tuple[str, str, type[Options], str]:
    """Return summary, manual page, options and origin of a plugin's coroutine; it must have all."""
    if not inspect.iscoroutinefunction(function):
        raise PointsmanError(f"{kind} '{name}' must be an 'async def' function")
    manual = inspect.getdoc(function)
    options = next(iter(get_type_hints(function).values()), None)
    if not manual or not (isinstance(options, type) and issubclass(options, Options)):
        raise PointsmanError(
            f"{kind} '{name}' of {origin(function)} needs a docstring and a first argument "
            "annotated with a subclass of Options"
        )
    return manual.partition("\n")[0], manual, options, origin(function)


def named_credential(known: Mapping[str, str], name: str) -> str:
    """Return a credential of organization.yaml."""
    try:
        return known[name]
    except KeyError:
        raise ActionError(
            f"credential '{name}' is not in organization.yaml; add it under credentials"
        ) from None


def wrong_options(error: ValidationError) -> str:
    """Return what is wrong with options, without the values: they may be secret."""
    return "; ".join(
        f"{'.'.join(map(str, found['loc'])) or 'options'}: {found['msg']}"
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )


def _place(loc: Path) -> Path:
    """Return where an error is in what was written: a wrong key is where its value is."""
    return tuple(part for part in loc if part != "[key]")
