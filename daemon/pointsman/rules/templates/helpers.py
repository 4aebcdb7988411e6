"""The registry of helpers: ``{{uppercase lead.state}}``, ``{{md5 lead.email salt="x"}}``.

A helper is a function from how it is written, a :class:`Usage`, to a function of the scope, made
once a load. What can be known to be wrong then is a ``ValueError``; what a lead holds never is: a
helper makes the best of any value and raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pointsman.registry import Registry, nearest
from pointsman.rules.variables import Lookup, Scope, plain, text_of

__all__ = ["LIMIT", "Argument", "Helper", "Usage", "helpers", "template_helper"]

LIMIT: Final = 1_000_000
"""Characters that a template may become; the rest is cut off."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What a helper is given: a constant, or what ``reach`` finds in a scope."""

    reach: Lookup
    constant: bool
    name: str = ""

    def value(self) -> Any:
        """Return a constant's value."""
        return self.reach({})

    def text(self, scope: Scope) -> str:
        """Return the value as text."""
        return text_of(self.reach(scope))


@dataclass(frozen=True, slots=True)
class Usage:
    """How a helper is written in one place."""

    arguments: Sequence[Argument] = ()
    options: Mapping[str, Argument] = field(default_factory=dict)

    def only(self, *names: str) -> Argument:
        """Return the one argument; there are no options but those of these names."""
        self.check(names)
        if len(self.arguments) != 1:
            raise ValueError(f"takes one value, not {len(self.arguments)}")
        return self.arguments[0]

    def check(self, names: Collection[str]) -> None:
        """Raise ``ValueError`` if there are options of other names."""
        for name in self.options:
            if name not in names:
                known = ", ".join(names) or "none"
                raise ValueError(
                    f"has no option '{name}'{nearest(name, list(names))} (known: {known})"
                )

    def required(self, name: str) -> Argument:
        """Return an option that must be there."""
        if name not in self.options:
            raise ValueError(f'needs {name}="…"')
        return self.options[name]

    def constant(self, name: str) -> str | None:
        """Return the text of an option that must be a constant, ``None`` if it is left out."""
        option = self.options.get(name)
        if option is None:
            return None
        if not option.constant:
            raise ValueError(f"takes {name} as text in quotes, not a variable")
        return text_of(option.value())

    def number(self, name: str) -> Callable[[Scope], int | None]:
        """Return what finds a whole number in an option; a constant must be one."""
        option = self.options.get(name)
        if option is None:
            return lambda _scope: None
        if option.constant:
            found = _whole(option.value())
            if found is None:
                raise ValueError(f"takes a whole number as {name}, not '{text_of(option.value())}'")
            return lambda _scope: found
        return lambda scope: _whole(option.reach(scope))


Render = Callable[[Scope], Any]


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper; ``example`` is how it is written, ``cost`` how many others it is worth in time."""

    name: str
    build: Callable[[Usage], Render]
    example: str
    manual: str
    cost: int = 1


helpers: Registry[Helper] = Registry("helper")


def template_helper(
    name: str, example: str, manual: str = "", *, cost: int = 1
) -> Callable[[Callable[[Usage], Render]], Callable[[Usage], Render]]:
    """Add the decorated function to the registry; its docstring is its manual."""

    def register(build: Callable[[Usage], Render]) -> Callable[[Usage], Render]:
        told = " ".join((manual or build.__doc__ or "").split())
        helpers.add(name, Helper(name, build, example, told, cost))
        return build

    return register


def _whole(value: Any) -> int | None:
    value = plain(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if abs(value) < LIMIT else None
    text = str(value or "").strip()
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else None  # noqa: PLR2004
