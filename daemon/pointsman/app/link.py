"""The line between the process that supervises and its workers: JSON, one message a line.

A worker's reload is done by its parent, which alone watches and publishes. Either side that ends
closes the line: a worker whose parent died stops, since nobody would restart it any more.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from redis.exceptions import RedisError

from pointsman.app.health import Report
from pointsman.config.changes import Changes, Write, Written
from pointsman.errors import ConfigError, PointsmanError, Problem, Refused, Unavailable
from pointsman.settings import Settings

__all__ = ["Line", "Message", "Parent", "answered", "dump_settings", "plugins_of", "reported"]

_LONGEST = 16 * 1024 * 1024
_STOPPING = "the daemon is stopping"

Message = Mapping[str, Any]
Reload = Callable[[], Awaitable[Mapping[str, int]]]


class Line:
    """One end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def on(cls, end: Any) -> Line:
        """Return the line of a connected socket."""
        return cls(*await asyncio.open_connection(sock=end, limit=_LONGEST))

    def send(self, message: Message) -> None:
        """Send a message; one to an end that is gone is lost."""
        self._writer.write(orjson.dumps(message) + b"\n")

    async def receive(self) -> Message:
        """Return the next message; nothing once the other end is gone."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return {}
        return orjson.loads(line) if line.endswith(b"\n") else {}

    async def messages(self) -> AsyncIterator[Message]:
        """Yield messages until the other end is gone."""
        while message := await self.receive():
            yield message

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Parent:
    """A worker's parent; ``gone`` is set once it ended, ``publishes`` if it loads the tree."""

    def __init__(self, line: Line, *, publishes: bool) -> None:
        self.publishes = publishes
        self.report = Report()
        self.gone = asyncio.Event()
        self._plugins: Mapping[str, bytes] = {}
        self._supplied: Callable[[Mapping[str, bytes]], Awaitable[None]] | None = None
        self._line = line
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._numbers = itertools.count()

    async def supply(self, take: Callable[[Mapping[str, bytes]], Awaitable[None]]) -> None:
        """Hand over the files of plugins that the parent has, now and whenever they change."""
        self._supplied = take
        await take(self._plugins)

    async def supplied(self, message: Message) -> None:
        """Take the plugins that a message brings, and tell the parent once they are in use."""
        self._plugins = {path: text.encode("latin-1") for path, text in message["plugins"].items()}
        if self._supplied:
            await self._supplied(self._plugins)
        self._line.send({"took": message["number"]})

    async def reload(self) -> Mapping[str, int]:
        """Let the parent load the tree; return or raise what came of it."""
        generations: Mapping[str, int] = await self._ask({"reload": True})
        return generations

    async def write(self, write: Write) -> Written:
        """Let the parent change the tree; return or raise what came of it."""
        return Written(*await self._ask({"write": list(write)}))

    async def _ask(self, message: Message) -> Any:
        if self.gone.is_set():
            raise Unavailable(_STOPPING)
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._line.send({"asked": number, **message})
        return _outcome(await self._asked[number])

    async def listen(self) -> None:
        """Hear the parent until it is gone."""
        async for message in self._line.messages():
            if "report" in message:
                told = message["report"]
                self.report.problems = [Problem(**problem) for problem in told["problems"]]
                self.report.drift = told["drift"]
            elif "plugins" in message:
                await self.supplied(message)
            else:
                self._asked.pop(message["asked"]).set_result(message)
        self.gone.set()
        for asked in self._asked.values():
            asked.set_result({"unavailable": _STOPPING})


def plugins_of(files: Mapping[str, bytes], number: int) -> Message:
    """Return the message that gives workers the files of plugins."""
    return {
        "plugins": {path: raw.decode("latin-1") for path, raw in files.items()},
        "number": number,
    }


def reported(report: Report) -> Message:
    """Return the message that tells workers of a load."""
    return {"report": {"problems": list(report.problems), "drift": dict(report.drift)}}


async def answered(message: Message, reload: Reload, changes: Changes) -> Message:
    """Return the answer to a worker that asked for a reload or a change."""
    try:
        if "write" in message:
            outcome: Any = list(await changes.write(Write(*message["write"])))
        else:
            outcome = dict(await reload())
        answer = {"outcome": outcome}
    except ConfigError as error:
        answer = {"problems": list(error.problems)}
    except Refused as error:
        answer = {
            "refused": str(error),
            "status": error.status,
            "code": error.code,
            "errors": error.errors,
        }
    except (PointsmanError, RedisError) as error:
        answer = {"unavailable": str(error)}
    return {"asked": message["asked"], **answer}


def _outcome(message: Message) -> Any:
    if "problems" in message:
        raise ConfigError(Problem(**problem) for problem in message["problems"])
    if "refused" in message:
        status = HTTPStatus(message["status"])
        code, errors = message["code"], message["errors"]
        raise Refused(message["refused"], status=status, code=code, errors=errors)
    if "unavailable" in message:
        raise Unavailable(message["unavailable"])
    return message["outcome"]


def dump_settings(settings: Settings, **changes: Any) -> Message:
    """Return settings as a message; secrets are in it, so it must go over the line only."""
    dumped = settings.model_dump(mode="json")
    if settings.admin_token is not None:
        dumped["admin_token"] = settings.admin_token.get_secret_value()
    return {**dumped, **changes}
