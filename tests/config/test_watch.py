from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pointsman.app.lifecycle import background
from pointsman.config.tree import read_tree
from pointsman.config.watch import Watch
from support import wait_until
from trees import write

POOL = "name: Late\nparticipants: [ada]\n"


class Seen:
    """What a watch told of: the tree as it was at every call."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.loaded = read_tree(root).digest()
        self.trees: list[dict[str, bytes]] = []

    async def load(self) -> None:
        self.loaded = read_tree(self._root).digest()
        self.trees.append(self.tree())

    def tree(self) -> dict[str, bytes]:
        organizations = read_tree(self._root).organizations
        return {
            f"{handle}/{path}": raw
            for handle, files in organizations.items()
            for path, raw in files.items()
        }

    async def caught_up(self) -> None:
        now = self.tree()
        await wait_until(lambda: self.trees and self.trees[-1] == now, "the change is told")


@asynccontextmanager
async def watching(root: Path, *, poll: bool = False) -> AsyncIterator[Seen]:
    seen = Seen(root)
    watch = Watch(root, lambda: seen.loaded, seen.load, poll=poll)
    async with background(watch.run()):
        # The first change may come before the watch stands; it is found by looking then.
        write(root, {"pools/first.yaml": POOL})
        await seen.caught_up()
        yield seen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "config", {})


def in_place(root: Path) -> None:
    (root / "acme/pools/inbound.yaml").write_text(f"{POOL}# in place\n")


def atomic_rename(root: Path) -> None:
    fresh = root / "acme/pools/.inbound.yaml.new"
    fresh.write_text(POOL)
    fresh.replace(root / "acme/pools/inbound.yaml")


def remove_a_file(root: Path) -> None:
    (root / "acme/pools/inbound.yaml").unlink()


def add_a_directory(root: Path) -> None:
    write(root, {}, "beta")


def remove_a_directory(root: Path) -> None:
    shutil.rmtree(root / "acme/pools")


CHANGES = [in_place, atomic_rename, remove_a_file, add_a_directory, remove_a_directory]


@pytest.mark.parametrize("poll", [False, True])
async def test_every_kind_of_change_is_told(root: Path, poll: bool) -> None:
    """L10, L11: with the events of the system and by polling."""
    async with watching(root, poll=poll) as seen:
        for change in CHANGES:
            change(root)
            await seen.caught_up()


async def test_a_swapped_config_map_is_told(tmp_path: Path) -> None:
    """L11: Kubernetes lays the files into a dated directory and swaps the link ``..data``."""
    root = tmp_path / "mount"
    write(root / "..2026_1", {})
    (root / "..data").symlink_to("..2026_1")
    (root / "acme").symlink_to("..data/acme")
    async with watching(root) as seen:
        for number in (2, 3):
            write(root / f"..2026_{number}", {"pools/inbound.yaml": f"{POOL}priority: {number}\n"})
            (root / "..data_tmp").symlink_to(f"..2026_{number}")
            (root / "..data_tmp").replace(root / "..data")
            shutil.rmtree(root / f"..2026_{number - 1}")
            await seen.caught_up()
            assert seen.trees[-1]["acme/pools/inbound.yaml"].endswith(b"%d\n" % number)


@pytest.mark.timeout(30)
async def test_a_root_that_is_a_link_to_the_newest_release_may_be_swapped(tmp_path: Path) -> None:
    """L11: the watch does not die with the old inode."""
    write(tmp_path / "one", {})
    root = tmp_path / "current"
    root.symlink_to("one")
    async with watching(root) as seen:
        for name in ("two", "three"):
            write(tmp_path / name, {"pools/inbound.yaml": f"{POOL}# {name}\n"})
            (tmp_path / "next").symlink_to(name)
            (tmp_path / "next").replace(root)
            await seen.caught_up()


async def test_many_writes_at_once_are_told_once_they_are_over(root: Path) -> None:
    async with watching(root) as seen:
        before = len(seen.trees)
        for number in range(50):
            (root / f"acme/pools/p{number}.yaml").write_text(POOL)
        await seen.caught_up()
        assert len(seen.trees) - before <= 2


async def test_what_changes_no_file_that_counts_is_not_told(root: Path) -> None:
    async with watching(root) as seen:
        before = len(seen.trees)
        (root / "acme/.draft.yaml.swp").write_text("x")
        os.utime(root / "acme/pools/inbound.yaml")
        write(root, {"pools/last.yaml": POOL})
        await seen.caught_up()
        assert len(seen.trees) == before + 1


async def test_a_tree_that_changed_back_after_a_load_by_hand_is_told(root: Path) -> None:
    """L6: what counts is what was loaded last, not what the watch saw last."""
    async with watching(root) as seen:
        seen.loaded = "another tree, loaded by hand and gone again before the watch looked"
        before = len(seen.trees)
        await wait_until(lambda: len(seen.trees) > before, "the tree is loaded again")


async def test_a_root_that_is_missing_for_a_while_is_watched_when_it_is_back(root: Path) -> None:
    async with watching(root) as seen:
        away = root.rename(root.parent / "away")  # noqa: ASYNC240
        await wait_until(lambda: seen.trees[-1] == {}, "the loss is told")
        away.rename(root)
        await seen.caught_up()
        in_place(root)
        await seen.caught_up()
