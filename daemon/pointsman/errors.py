"""What can go wrong, by who must act.

Five classes and no more: the class says whose turn it is (the author of a file, the operator, the
caller of the API, or the engine that will try an action again), the message says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

__all__ = [
    "ActionError",
    "ConfigError",
    "PointsmanError",
    "Problem",
    "Refused",
    "TransientError",
    "Unavailable",
    "reused_key",
]


class PointsmanError(Exception):
    """Anything that Pointsman itself reports."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in one place of a configuration file.

    ``line`` and ``column`` count from 1; ``pointer`` is the path inside the document, such as
    ``participants[1].member``, or ``""`` for the whole file. ``severity`` is ``error`` (the tree is
    refused) or ``warning`` (told by ``check`` only).
    """

    file: str
    line: int
    column: int
    pointer: str
    message: str
    severity: str = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return (
            f"{place}: {self.pointer}: {self.message}"
            if self.pointer
            else f"{place}: {self.message}"
        )


class ConfigError(PointsmanError):
    """The configuration cannot be used; lists every problem found, not just the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class Unavailable(PointsmanError):
    """A peer that Pointsman needs is away or full; the same call may work in ``retry_after``."""

    def __init__(self, message: str, retry_after: timedelta = timedelta(seconds=1)) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Refused(PointsmanError):
    """The caller asked for something that cannot be done as asked.

    ``code`` is one of the API's error codes, e.g. ``VALIDATION_ERROR``; ``headers`` go out with it.
    ``errors`` are messages by the place in a file that is wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        code: str = "BAD_REQUEST",
        headers: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.errors = errors or {}
        super().__init__(message)


def reused_key(thing: str) -> Refused:
    """Return the refusal of an idempotency key that came with another body before."""
    return Refused(
        f"this Idempotency-Key came with another body before; use a new key for a new {thing}",
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="VALIDATION_ERROR",
    )


class TransientError(PointsmanError):
    """An action failed in a way that may pass; the engine decides when to try again.

    ``retry_after`` is what the peer asked for, if it asked; ``sent`` tells whether it may have got
    the request.
    """

    def __init__(
        self, message: str, *, retry_after: timedelta | None = None, sent: bool = True
    ) -> None:
        self.retry_after = retry_after
        self.sent = sent
        super().__init__(message)


class ActionError(PointsmanError):
    """An action failed for good; trying the same again cannot help."""
