"""Daemons for tests: in this process, or as a process that can be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession
from redis.asyncio import Redis

from pointsman.app.lifecycle import App
from pointsman.settings import Settings
from pointsman.store.locks import FileLock
from support import wait_until

__all__ = ["Process", "running"]

_QUICK = {"port": 0, "drain_timeout": 2}


@asynccontextmanager
async def running(
    config_dir: Path, redis_url: str | None = None, **settings: Any
) -> AsyncIterator[App]:
    """Run the daemon in this process, on a free port of ``app.port`` (``app.url``)."""
    settings.setdefault("data_dir", config_dir.parent / f"{config_dir.name}-data")
    chosen = Settings(config_dir=config_dir, redis_url=redis_url, **{**_QUICK, **settings})
    async with App(chosen) as app:
        yield app


class Process:
    """A real ``pointsman run``: start it, stop it, kill it, start it again on the same data.

    ``url`` is where it listens, ``output`` and ``log`` what it said so far.
    """

    def __init__(
        self, config_dir: Path, folder: Path, redis_url: str | None = None, **settings: Any
    ) -> None:
        self.folder = folder
        self.url = ""
        self._port_file = folder / "port"
        self._process: asyncio.subprocess.Process | None = None
        values = {
            "data_dir": folder / "data",
            "port": 0,
            "port_file": self._port_file,
            "redis_url": redis_url,
            **settings,
        }
        self._command = [sys.executable, "-P", "-m", "pointsman", "run", str(config_dir)]
        self._environment = _environment(values)
        self._data = Path(values["data_dir"])
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        """Id of the running process."""
        assert self._process
        return self._process.pid

    @property
    def output(self) -> str:
        """What it printed."""
        return (self.folder / "stdout").read_text()

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.folder / "stderr").read_text()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process and self._process.returncode is None:
            await self.stop()
        await self._end_server()

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self._port_file.unlink(missing_ok=True)
        with (self.folder / "stdout").open("ab") as out, (self.folder / "stderr").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment, cwd=self.folder, stdout=out, stderr=log
            )
        try:
            await wait_until(self._settled, "the daemon starts", seconds=60)
            assert self._process.returncode is None, self.log
        except BaseException:
            if self._process.returncode is None:
                await self.kill()
            await self._end_server()
            raise
        self.url = f"http://127.0.0.1:{self._port_file.read_text().strip()}"

    def _settled(self) -> bool:
        assert self._process
        return self._process.returncode is not None or self._port_file.exists()

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; return its exit status. One that does not is killed, and fails."""
        self.send(sign)
        try:
            return await self.ended()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"it did not stop:\n{self.log}") from None

    async def kill(self) -> None:
        """Kill it as ``kill -9`` does; an embedded server lives on."""
        self.send(signal.SIGKILL)
        await self.ended()

    async def _end_server(self) -> None:
        """Stop the embedded server that a killed daemon left behind, and nobody took over."""
        lock = FileLock(self._data / "server.lock") if self._data.is_dir() else None
        if lock is None:
            return
        owner = FileLock(self._data / "owner.lock")
        try:
            if owner.acquire() and not lock.acquire():
                socket = (self._data / "socket").read_text(encoding="utf-8").strip()
                async with Redis.from_url(f"unix://{socket}") as server:
                    await server.shutdown()
                await wait_until(lock.acquire, "the server ends")
        finally:
            lock.close()
            owner.close()

    def send(self, sign: signal.Signals) -> None:
        """Send a signal."""
        assert self._process
        self._process.send_signal(sign)

    async def ended(self) -> int:
        """Wait for its end; return its exit status."""
        assert self._process
        async with asyncio.timeout(30):
            return await self._process.wait()

    async def answer(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """Send one request; return status and JSON."""
        async with ClientSession() as http, http.request(method, self.url + path, **request) as got:
            return got.status, await got.json()


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings as variables, without those of whoever runs the tests."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("POINTSMAN_")}
    given = {
        f"POINTSMAN_{name.upper()}": str(value)
        for name, value in values.items()
        if value is not None
    }
    return {**kept, **given}
