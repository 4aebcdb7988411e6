"""Locks on files: they end with the process that holds them, however it ends.

A lock belongs to the open file, so a child that inherits the descriptor holds it too.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["FileLock"]


class FileLock:
    """One process's handle on the lock of ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self, *, shared: bool = False) -> bool:
        """Take the lock (or turn the one held into this kind); say whether it was free."""
        try:
            fcntl.flock(
                self.descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
            )
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let go, unless a child holds the same open file."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
