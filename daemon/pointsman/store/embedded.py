"""The private server that runs when no Redis is given, durable in the data directory.

Three locks in the data directory say who does what. ``server.lock`` is held by the server process
itself (it inherits the open file), so two servers never write one append-only file. ``owner.lock``
is held by the daemon that starts, restarts and stops the server; whoever finds it free takes it.
``users.lock`` is shared by every daemon on the directory: an owner that leaves stops the server
only if nobody else is there, else the next owner adopts it as it runs.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from pointsman import observe
from pointsman.errors import PointsmanError, Unavailable
from pointsman.store.locks import FileLock

__all__ = ["EmbeddedServer", "recorded_url"]

_LONGEST_SOCKET = 100
_PATIENCE = 10.0
_TICK = 0.05
_WATCH = 0.5
_PAUSE = 1.0
_PING = b"*1\r\n$4\r\nPING\r\n"
_SHUTDOWN = b"*1\r\n$8\r\nSHUTDOWN\r\n"


class EmbeddedServer:
    """A running server on ``url``; ``owner`` says whether this daemon must keep it running."""

    def __init__(self, data_dir: Path, fsync: str) -> None:
        self._fsync = fsync
        self._folder = data_dir.resolve()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._users = FileLock(self._folder / "users.lock")
        self._ownership = FileLock(self._folder / "owner.lock")
        self._socket = _socket_path(self._folder)
        self.owner = False

    @property
    def url(self) -> str:
        """Where clients reach the server."""
        return f"unix://{quote(str(self._socket))}"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, data_dir: Path, *, fsync: str = "everysec"
    ) -> AsyncIterator[EmbeddedServer]:
        """Start or find the server of ``data_dir`` and keep it running until the block ends."""
        try:
            server = cls(data_dir, fsync)
        except OSError as error:
            raise PointsmanError(
                f"data directory {data_dir} cannot be used: {error.strerror}; "
                "choose another with --data-dir, or give --redis-url"
            ) from error
        try:
            await server._join()
            await server._settle()
            async with asyncio.TaskGroup() as tasks:
                keeper = tasks.create_task(server._keep())
                try:
                    yield server
                finally:
                    keeper.cancel()
        finally:
            await server._leave()

    async def _join(self) -> None:
        """Count among the users; an owner that is just stopping the server is waited for."""
        while not self._users.acquire(shared=True):  # noqa: ASYNC110 - the lock tells nobody
            await asyncio.sleep(_TICK)

    async def _settle(self) -> None:
        """Return once the server answers, having started it if that is up to us."""
        for _ in range(round(_PATIENCE / _TICK)):
            self.owner = self.owner or self._ownership.acquire()
            if self.owner:
                await self._start_or_adopt()
                return
            if recorded := _recorded(self._folder):
                self._socket = recorded
                if await self._answers():
                    return
            await asyncio.sleep(_TICK)
        raise Unavailable(
            f"another daemon holds {self._folder} but its server does not answer; "
            "stop that daemon, or choose another --data-dir"
        )

    async def _start_or_adopt(self) -> None:
        """Start a server, or take over the one that outlived its daemon: never two of them."""
        self._socket = _recorded(self._folder) or self._socket
        alive = FileLock(self._folder / "server.lock")
        try:
            for _ in range(round(_PATIENCE / _TICK)):
                if alive.acquire():
                    await self._start(alive.descriptor)
                    return
                if await self._answers():
                    observe.log().info(observe.SERVER_ADOPTED, data_dir=str(self._folder))
                    return
                await asyncio.sleep(_TICK)
        finally:
            alive.close()
        raise Unavailable(
            f"a server runs on {self._folder} but does not answer on {self._socket}; "
            f"end it (the process that holds {self._folder}/server.lock) and start again"
        )

    async def _start(self, lock: int) -> None:
        (self._folder / "socket").write_text(f"{self._socket}\n", encoding="utf-8")
        own = self._socket.parent == self._folder
        command = [sys.executable, "-P", "-m", "pointsman.store.launch", str(self._folder)]
        process = await asyncio.create_subprocess_exec(
            *command,
            self._socket.name if own else str(self._socket),
            self._fsync,
            stdin=lock,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        _, said = await process.communicate()
        if process.returncode:
            raise Unavailable(
                f"the embedded server did not start in {self._folder}: "
                f"{said.decode(errors='replace').strip()}"
            )
        observe.log().info(observe.SERVER_STARTED, data_dir=str(self._folder))

    async def _answers(self) -> bool:
        """Say whether the server is there and has read its data."""
        with suppress(OSError, TimeoutError):
            while True:
                async with asyncio.timeout(_PATIENCE):
                    reply = await _exchange(self._socket, _PING)
                if not reply.startswith(b"-LOADING"):
                    return reply.startswith(b"+PONG")
                await asyncio.sleep(_TICK)
        return False

    async def _keep(self) -> None:
        """Bring the server back whenever it goes, as its owner or as the next one."""
        while True:
            await self._until_gone()
            observe.log().warning(observe.SERVER_LOST, data_dir=str(self._folder), owner=self.owner)
            try:
                await self._settle()
            except Unavailable as error:
                observe.log().error(observe.SERVER_FAILED, error=str(error))
                await asyncio.sleep(_PAUSE)

    async def _until_gone(self) -> None:
        """Hold a connection until the server closes it; take the ownership if it falls free."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            return
        gone = asyncio.ensure_future(reader.read(1))
        try:
            while not (await asyncio.wait([gone], timeout=_WATCH))[0]:
                if not self.owner and self._ownership.acquire():
                    self.owner = True
                    observe.log().info(observe.SERVER_ADOPTED, data_dir=str(self._folder))
        finally:
            gone.cancel()
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await gone

    async def _leave(self) -> None:
        """Stop the server if it is ours and nobody else uses it; then give up the locks."""
        try:
            if self.owner and self._users.acquire():
                await self._stop()
        finally:
            self._ownership.close()
            self._users.close()

    async def _stop(self) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await _exchange(self._socket, _SHUTDOWN)
        alive = FileLock(self._folder / "server.lock")
        try:
            for _ in range(round(_PATIENCE / _TICK)):
                if alive.acquire():
                    return
                await asyncio.sleep(_TICK)
            observe.log().warning(observe.SERVER_LINGERED, data_dir=str(self._folder))
        finally:
            alive.close()


def recorded_url(data_dir: Path) -> str | None:
    """Return where the server of ``data_dir`` was last to be found; it may have stopped since."""
    socket = _recorded(data_dir.resolve())
    return f"unix://{quote(str(socket))}" if socket else None


async def _exchange(socket: Path, command: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        writer.write(command)
        return await reader.readline()
    finally:
        writer.close()


def _recorded(folder: Path) -> Path | None:
    """Return the socket that the last server was started on."""
    with suppress(FileNotFoundError):
        if text := (folder / "socket").read_text(encoding="utf-8").strip():
            return Path(text)
    return None


def _socket_path(folder: Path) -> Path:
    """Return a path short enough for a socket: in the data directory, else in a run directory."""
    inside = folder / "v.sock"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
        return inside
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    name = f"pointsman-{os.getuid()}-{sha256(os.fsencode(folder)).hexdigest()[:16]}"
    place = Path(runtime or "/tmp") / name  # noqa: S108 - private: made 0700 and its owner checked
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(1, f"{place} belongs to someone else")
    return place / "v.sock"
