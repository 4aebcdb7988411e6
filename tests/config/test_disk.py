"""Single files: replaced, made, removed, and never over somebody else's work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pointsman.config import disk
from pointsman.config.disk import clear, content, stage
from pointsman.errors import Refused, Unavailable


@pytest.fixture(params=["exchange", "replace"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without a call that swaps two files."""
    if request.param == "replace":
        monkeypatch.setattr(disk, "_renameat2", lambda: None)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("before", "after"), [(b"old", b"new"), (None, b"new"), (b"old", None)])
def test_a_file_becomes_what_was_staged_and_nothing_else_is_left(
    tmp_path: Path, before: bytes | None, after: bytes | None
) -> None:
    path = tmp_path / "a.yaml"
    if before is not None:
        path.write_bytes(before)

    staged = stage(path, before, after)
    assert content(path) == before, "not before it is placed"
    staged.place()

    assert content(path) == after
    assert names(tmp_path) == ([] if after is None else ["a.yaml"])


@pytest.mark.parametrize(("before", "after"), [(b"old", b"new"), (None, b"new"), (b"old", None)])
def test_what_somebody_wrote_meanwhile_stays(
    tmp_path: Path, before: bytes | None, after: bytes | None
) -> None:
    path = tmp_path / "a.yaml"
    if before is not None:
        path.write_bytes(before)
    staged = stage(path, before, after)
    path.write_bytes(b"theirs")

    with pytest.raises(Refused, match="changed since it was read"):
        staged.place()

    assert content(path) == b"theirs"
    assert names(tmp_path) == ["a.yaml"]


def test_a_file_that_somebody_removed_meanwhile_stays_away(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    staged = stage(path, b"old", b"new")
    path.unlink()

    with pytest.raises(Refused, match="changed since it was read"):
        staged.place()

    assert names(tmp_path) == []


def test_what_is_dropped_leaves_nothing(tmp_path: Path) -> None:
    stage(tmp_path / "pools/a.yaml", None, b"new").discard()

    assert names(tmp_path / "pools") == []


@pytest.mark.parametrize(
    ("code", "kind", "part"),
    [
        (30, Refused, "Read-only file system; the configuration directory is read-only"),
        (13, Refused, "Permission denied"),
        (28, Unavailable, "No space left on device"),
    ],
)
def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    kind: type[Exception],
    part: str,
) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)

    with pytest.raises(kind, match=part):
        stage(tmp_path / "a.yaml", None, b"new")

    assert names(tmp_path) == []


def test_what_a_crash_left_goes_once_it_is_old(tmp_path: Path) -> None:
    for name in ("acme/.pointsman-old", "acme/pools/.pointsman-old", "acme/pools/.pointsman-new"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
        if name.endswith("old"):
            os.utime(tmp_path / name, (0, 0))

    clear(tmp_path)

    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [".pointsman-new"]
