"""What others answer in a test of rules, as the test says; nothing leaves this machine.

Only the wire is imitated: requests are built, and answers read, as they are in use.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import orjson

from pointsman.delivery import ANSWER_LIMIT, Answer, Delivery, Outgoing
from pointsman.errors import ActionError

__all__ = ["Answers"]

Written = Mapping[str, Mapping[str, Any]]


class Answers(Delivery):
    """Stands for everybody that a lead is sent to; ``answers`` are by the beginning of an URL."""

    def __init__(self) -> None:
        super().__init__(AsyncExitStack(), time.monotonic)
        self.answers: Written = {}

    async def outgoing(
        self,
        allow_networks: Iterable[str] = (),  # noqa: ARG002 - nobody is reached
        organization: str = "",  # noqa: ARG002
    ) -> Outgoing:
        """Return the client that reaches nobody."""
        return _Recited(self.answers)


class _Recited(Outgoing):
    """Answers as it was told."""

    def __init__(self, answers: Written) -> None:
        self._answers = answers

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 - the answer hangs on the URL
        body: bytes | None = None,  # noqa: ARG002
        timeout: float = 10,  # noqa: ARG002, ASYNC109
        limit: int = ANSWER_LIMIT,  # noqa: ARG002
    ) -> Answer:
        """Return the answer of the longest beginning that fits."""
        fitting = [start for start in self._answers if url.startswith(start)]
        if not fitting:
            raise ActionError(f"{method} {url}: the test says no answer; add it to 'answers'")
        told = self._answers[max(fitting, key=len)]
        content = told.get("body", "")
        plain = isinstance(content, str)
        kind = told.get("content_type", "text/plain" if plain else "application/json")
        raw = content.encode() if plain else orjson.dumps(content)
        return Answer(told.get("status", 200), {"Content-Type": kind}, raw, complete=True)
