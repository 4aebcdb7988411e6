"""One file of the tree replaced, made or removed so that a crash leaves the old or the new.

It is done in two steps, because publishing stands between them: :func:`stage` makes the new content
durable beside the file, :meth:`Staged.place` puts it there. A file that somebody else changed
meanwhile is left as it is, down to the instant of the exchange itself where the system can do that.
"""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pointsman.errors import PointsmanError, Refused, Unavailable

__all__ = ["Staged", "clear", "content", "stage"]

_HIDDEN = ".pointsman-"
_MODE = 0o644
_RECENT = 60
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_HERE = -100  # AT_FDCWD: paths are as open() takes them
_EXCHANGE = 2  # RENAME_EXCHANGE


@dataclass(frozen=True, slots=True)
class Staged:
    """What a file is to become; ``before`` and ``after`` are ``None`` where there is no file."""

    path: Path
    before: bytes | None
    after: bytes | None
    temporary: Path

    def place(self) -> None:
        """Do it; raise ``Refused`` (409) if the file is no longer what it was."""
        try:
            if self.before is None:
                self._make()
            elif self.after is None:
                self._remove()
            else:
                self._replace(self.before, self.after)
            _sync(self.path.parent)
        except OSError as error:
            raise _explained(error, self.path) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget it; nothing happens if it was done."""
        with suppress(OSError):
            self.temporary.unlink(missing_ok=True)

    def _make(self) -> None:
        try:
            os.link(self.temporary, self.path)
        except FileExistsError:
            raise _changed(self.path) from None

    def _remove(self) -> None:
        self.path.replace(self.temporary)
        if self.temporary.read_bytes() != self.before:
            with suppress(FileExistsError):
                os.link(self.temporary, self.path)
            raise _changed(self.path)

    def _replace(self, before: bytes, after: bytes) -> None:
        if not _exchange(self.temporary, self.path):
            if content(self.path) != before:
                raise _changed(self.path)
            self.temporary.replace(self.path)
            return
        if self.temporary.read_bytes() != before:
            _exchange(self.temporary, self.path)
            if self.temporary.read_bytes() != after:  # written again, between the two exchanges
                _exchange(self.temporary, self.path)
            raise _changed(self.path)


def stage(path: Path, before: bytes | None, after: bytes | None) -> Staged:
    """Prepare to make the file at ``path``, which is ``before``, into ``after``.

    Raises ``Refused``: 409 if it is something else, 403 if the directory cannot be written.
    """
    path = path.resolve()
    try:
        if content(path) != before:
            raise _changed(path)
        path.parent.mkdir(exist_ok=True)
        temporary = _durable(path, after or b"")
    except OSError as error:
        raise _explained(error, path) from error
    return Staged(path, before, after, temporary)


def content(path: Path) -> bytes | None:
    """Return what is in a file, ``None`` if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def clear(root: Path) -> None:
    """Remove what crashes left of files that were never put in place, but nothing recent."""
    for pattern in (f"*/{_HIDDEN}*", f"*/*/{_HIDDEN}*"):
        for path in root.glob(pattern):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - _RECENT:
                    path.unlink()


def _explained(error: OSError, path: Path) -> PointsmanError:
    """Return what to tell of a file that cannot be written."""
    if error.errno in _FORBIDDEN:
        return Refused(
            f"{path} cannot be written: {error.strerror}; the configuration directory is read-only "
            "for this daemon, so change the files where they come from",
            status=HTTPStatus.FORBIDDEN,
            code="FORBIDDEN",
        )
    return Unavailable(f"{path} cannot be written: {error.strerror}")


def _durable(path: Path, after: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=_HIDDEN, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(after)
            file.flush()
            _like(path, file.fileno())
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _like(path: Path, descriptor: int) -> None:
    """Give a new file the mode and, where that is allowed, the owner of the one it replaces."""
    try:
        like = path.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, _MODE)
        return
    os.fchmod(descriptor, like.st_mode)
    with suppress(PermissionError):
        os.fchown(descriptor, like.st_uid, like.st_gid)


def _sync(folder: Path) -> None:
    """Make a name durable too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _changed(path: Path) -> Refused:
    return Refused(
        f"{path} changed since it was read; nothing was written, try again",
        status=HTTPStatus.CONFLICT,
        code="CONFLICT",
    )


def _exchange(one: Path, other: Path) -> bool:
    """Swap two files in one step; say no where the system cannot."""
    call = _renameat2()
    if call is None:
        return False
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    if code == errno.ENOENT:
        raise _changed(other)
    raise OSError(code, os.strerror(code))


@cache
def _renameat2() -> Any:
    """Return the system's call, which Python has no name for; ``None`` elsewhere than on Linux."""
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
