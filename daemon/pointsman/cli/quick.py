"""Command lines that are read without loading pydantic.

Typer has it check every text and every option that is left out, though there is nothing to check;
its import takes longer than all the rest of a small command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["Quick", "QuickGroup"]


class Quick(TyperCommand):
    """A command whose texts are taken as they are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line."""
        _unchecked(self.get_params(ctx))
        return super().parse_args(ctx, args)


class QuickGroup(TyperGroup):
    """A group of commands whose own options are taken as they are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options before the command."""
        _unchecked(self.get_params(ctx))
        return super().parse_args(ctx, args)


def _unchecked(parameters: Iterable[Any]) -> None:
    """Make parameters take texts, and nothing if they may be left out, without a check."""
    for parameter in parameters:
        vars(parameter).setdefault("process_value", _taking(parameter))


def _taking(parameter: Any) -> Callable[[Any, Any], Any]:
    checked = parameter.process_value
    described = getattr(parameter, "type_descriptor", None)
    is_text = described is not None and described.annotation is str

    def process_value(context: Any, value: Any) -> Any:
        left_out = value is None and not parameter.required
        if not left_out and not (is_text and isinstance(value, str)):
            return checked(context, value)
        return (
            value if parameter.callback is None else parameter.callback(context, parameter, value)
        )

    return process_value
