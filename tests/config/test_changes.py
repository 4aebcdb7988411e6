"""Changes that come over the API: files, generation and pointer agree, whatever happens."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from machines import Machine
from pointsman.config.changes import Write
from pointsman.config.disk import Staged
from pointsman.config.load import files_hash
from pointsman.config.rollback import roll_back
from pointsman.config.tree import read_tree
from pointsman.errors import ConfigError, Refused
from pointsman.ids import derived
from pointsman.store.generations import Generation, GenerationStore, Publication
from pointsman.store.redis import RedisStore
from support import THOROUGH
from trees import MINIMAL, write

SCRIPT = Path(__file__).with_name("writer_that_dies.py")
POOL = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"
ORGANIZATION = derived("organization", "acme")
ADA, BRUNO = (derived(ORGANIZATION, "member", handle) for handle in ("ada", "bruno"))
INBOUND = "pools/inbound.yaml"
TAG = {
    "name": "Tag",
    "trigger_module": "leads",
    "trigger_type": "lead_created",
    "actions": [{"action_type": "add_tag", "config": {"tag": "new"}}],
}
RENAMED = ("pool.update", {"id": POOL, "name": "New"})


class Maker(Machine):
    """A machine whose tree is changed over the API."""

    def __init__(self, folder: Path, store: RedisStore) -> None:
        super().__init__(write(folder / "config", MINIMAL), store)

    async def make(self, kind: str = RENAMED[0], content: Any = RENAMED[1]) -> int:
        return (await self.changes.write(Write("acme", kind, content, "key 'x'"))).generation

    def path(self, name: str = INBOUND) -> Path:
        return self.root / "acme" / name

    async def current(self) -> Generation:
        found = await self.generations.current(ORGANIZATION)
        assert found
        return found

    async def agrees(self) -> bool:
        """Return whether tree, generation and what is served are one."""
        tree = files_hash(read_tree(self.root).organizations["acme"])
        return tree == (await self.current()).hash == self.served.hash


@pytest.fixture
async def here(tmp_path: Path, store: RedisStore) -> Maker:
    machine = Maker(tmp_path / "here", store)
    await machine.publisher.load()
    return machine


@pytest.fixture
async def there(tmp_path: Path, store: RedisStore, here: Maker) -> Maker:
    """Return a second machine with a copy of the tree, which is published."""
    machine = Maker(tmp_path / "there", store)
    await machine.publisher.load()
    return machine


async def enumerated(
    redis_url: str, folder: Path, change: tuple[str, Any], stride: int
) -> list[dict[str, Any]]:
    """Return what is found after a death at every line, or every ``stride``-th, of a change."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        redis_url,
        str(folder),
        json.dumps(change),
        str(stride),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]


@pytest.mark.parametrize(
    ("change", "is_new", "orders"),
    [
        (
            ("pool.update", {"id": POOL, "name": "New", "participants": [BRUNO, ADA]}),
            lambda files: "name: New\nparticipants: [bruno, ada]" in files[INBOUND],
            [1, 2],
        ),
        (
            ("pool.create", {"name": "North", "participants": [ADA]}),
            lambda files: "pools/north.yaml" in files,
            [2, 2],
        ),
        (("pool.delete", {"id": POOL}), lambda files: INBOUND not in files, [None, None]),
        (("workflow.create", TAG), lambda files: "workflows/tag.yaml" in files, [2, 2]),
    ],
    ids=["update", "create", "delete", "workflow"],
)
async def test_a_kill_between_any_two_steps_leaves_all_of_a_change_or_nothing(
    redis_url: str,
    tmp_path: Path,
    change: tuple[str, Any],
    is_new: Callable[[Any], bool],
    orders: list[int | None],
) -> None:
    """After the next start tree and generation agree, and the pointer was reset exactly once.

    Each dies at some of its lines here, and at every one in ``make soak``.

    The change resets the pointer to the first; a start after that must not do it again.
    """
    stride = 1 if THOROUGH else {"pool.update": 7, "workflow.create": 20}.get(change[0], 9)
    found = await enumerated(redis_url, tmp_path, change, stride)

    assert found[-1]["lived"]
    assert found[-1]["step"] > 50, "the lines of the change were there to die at"
    assert all(each["agree"] and not each["drift"] and not each["problems"] for each in found)
    done = [is_new(each["files"]) for each in found]
    assert done == sorted(done), "once it was published it stays"
    assert done[0] is False
    assert done[-1] is True
    for each, new in zip(found, done, strict=True):
        assert each["orders"] == (orders if new else [2, 2]), each["step"]
        assert each["generation"] == (2 if new else 1)
        assert each["moves"].count("reset") == (new and change[0] == "pool.update"), each["step"]
        assert new or each["files"] == found[0]["files"]


async def test_a_change_that_was_published_and_not_written_is_written_at_the_next_start(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = here.path().read_text()
    await die_before_placing(here, monkeypatch)
    assert here.path().read_text() == before

    here.restart()
    await here.publisher.load()

    assert here.path().read_text() == before.replace("name: Inbound", "name: New")
    assert await here.agrees()
    assert here.publisher.drift == {}


async def die_before_placing(machine: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a change up to the moment when it is published."""
    with monkeypatch.context() as patch:
        patch.setattr(
            "pointsman.config.disk.Staged.place", lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            await machine.make()


async def test_rolling_forward_works_without_the_memory_of_the_data_directory(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await die_before_placing(here, monkeypatch)
    (here.root.parent / "data/loaded.json").unlink()

    here.restart()
    await here.publisher.load()

    assert "name: New" in here.path().read_text()
    assert await here.agrees()


async def test_the_next_change_finishes_the_one_that_was_cut_off(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await die_before_placing(here, monkeypatch)

    number = await here.make("pool.update", {"id": POOL, "goal_won_deals": 3})

    assert number == 3
    assert "name: New" in here.path().read_text()
    assert "goal_won_deals: 3" in here.path().read_text()
    assert await here.agrees()


async def test_work_in_the_tree_is_never_rolled_over(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await die_before_placing(here, monkeypatch)
    edited = here.path().read_text() + "# mine\n"
    here.path().write_text(edited)

    here.restart()
    with pytest.raises(Refused, match="the tree and what is published were both changed"):
        await here.publisher.load()

    assert here.path().read_text() == edited
    assert "acme" in here.publisher.drift


async def test_another_publisher_s_copy_of_the_tree_gets_the_change_too(
    here: Maker, there: Maker
) -> None:
    await here.make()

    await there.publisher.load()

    assert there.path().read_text() == here.path().read_text()
    assert there.publisher.drift == {}
    assert await there.agrees()


async def test_changes_on_two_publishers_follow_each_other(here: Maker, there: Maker) -> None:
    await here.make()

    await there.make("pool.update", {"id": POOL, "goal_won_deals": 3})
    await here.publisher.load()

    assert "name: New" in here.path().read_text()
    assert "goal_won_deals: 3" in here.path().read_text()
    assert here.path().read_text() == there.path().read_text()


async def test_a_tree_that_is_not_what_is_published_takes_no_changes(
    here: Maker, there: Maker
) -> None:
    """Two trees must not take turns in undoing each other."""
    there.path("pools/north.yaml").write_text("name: North\nparticipants: [ada]\n")
    await there.publisher.load()

    with pytest.raises(Refused, match="but somebody else published") as refused:
        await here.make()

    assert refused.value.status == 409
    assert here.path().read_text() == MINIMAL[INBOUND]
    assert (await here.current()).number == 2


async def test_after_a_rollback_the_tree_takes_no_changes(here: Maker) -> None:
    here.path().write_text(MINIMAL[INBOUND] + "# more\n")
    await here.publisher.load()
    await roll_back(here.generations, "acme", ORGANIZATION, 1, root=here.root, author="x")

    with pytest.raises(Refused, match="generation 3"):
        await here.make()

    assert here.path().read_text() == MINIMAL[INBOUND] + "# more\n"


@pytest.mark.parametrize("exchange", [True, False])
async def test_a_file_saved_while_its_change_is_published_wins(
    here: Maker, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    """What the API asked for is taken back, the caller is told, and the edit is loaded as any."""
    edited = here.path().read_text().replace("name: Inbound", "name: Mine")
    await saved_meanwhile(here, monkeypatch, lambda: here.path().write_text(edited))
    if not exchange:
        monkeypatch.setattr("pointsman.config.disk._renameat2", lambda: None)

    with pytest.raises(Refused, match="changed since it was read") as refused:
        await here.make()

    assert refused.value.status == 409
    assert here.path().read_text() == edited
    assert [each.name for each in here.path().parent.iterdir()] == ["inbound.yaml"]
    assert await here.publisher.load() == {"acme": 4}
    assert here.serving.current.organizations["acme"].pools[POOL].name == "Mine"
    assert await here.agrees()


async def saved_meanwhile(
    machine: Maker, monkeypatch: pytest.MonkeyPatch, save: Callable[[], Any]
) -> None:
    """Let somebody save a file right after the next publication."""
    publish = GenerationStore.publish

    async def and_save(
        store: GenerationStore, organization: str, publication: Publication
    ) -> Generation:
        generation = await publish(store, organization, publication)
        if publication.written:
            save()
        return generation

    monkeypatch.setattr(GenerationStore, "publish", and_save)


TWO = {"flows/a.yaml": "a" * 24, "flows/b.yaml": "b" * 24}
BOTH = {"flows": [{"id": identifier, "name": "New"} for identifier in TWO.values()]}


async def flows(machine: Maker) -> dict[str, str]:
    """Publish two flows; return their files as they are."""
    for name, identifier in TWO.items():
        machine.path(name).parent.mkdir(exist_ok=True)
        machine.path(name).write_text(
            f"id: {identifier}\nname: Old\nsources: [{{key: s}}]\nsteps: []\n"
        )
    await machine.publisher.load()
    return texts(machine)


def texts(machine: Maker) -> dict[str, str]:
    return {name: machine.path(name).read_text() for name in TWO}


async def test_of_several_files_none_changes_if_one_is_saved_meanwhile(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await flows(here)
    edited = before["flows/b.yaml"].replace("name: Old", "name: Mine")
    await saved_meanwhile(here, monkeypatch, lambda: here.path("flows/b.yaml").write_text(edited))

    with pytest.raises(Refused, match="changed since it was read"):
        await here.make("flow.update_all", BOTH)

    assert texts(here) == {**before, "flows/b.yaml": edited}
    await here.publisher.load()
    assert await here.agrees()


async def test_several_files_are_all_written_after_a_death_between_them(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await flows(here)
    place = Staged.place
    placed: list[Staged] = []

    def die_at_the_second(staged: Staged) -> None:
        if placed:
            raise KeyboardInterrupt
        placed.append(staged)
        place(staged)

    with monkeypatch.context() as patched:
        patched.setattr(Staged, "place", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            await here.make("flow.update_all", BOTH)
    here.restart()
    await here.publisher.load()

    assert all("name: New" in text for text in texts(here).values())
    assert await here.agrees()


async def test_a_file_made_while_one_of_its_name_is_published_wins(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here.path("pools/north.yaml")
    text = "name: Mine\nparticipants: [ada]\n"
    await saved_meanwhile(here, monkeypatch, lambda: path.write_text(text))

    with pytest.raises(Refused, match="changed since it was read"):
        await here.make("pool.create", {"name": "North", "participants": [ADA]})

    assert path.read_text() == text
    await here.publisher.load()
    assert await here.agrees()


async def test_a_file_saved_while_it_is_removed_stays(
    here: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = here.path().read_text() + "# mine\n"
    await saved_meanwhile(here, monkeypatch, lambda: here.path().write_text(edited))

    with pytest.raises(Refused, match="changed since it was read"):
        await here.make("pool.delete", {"id": POOL})

    assert here.path().read_text() == edited
    await here.publisher.load()
    assert await here.agrees()


async def test_the_generation_tells_who_asked(here: Maker) -> None:
    await here.make()

    current = await here.current()
    assert (current.author, current.parent, current.written) == ("here (key 'x')", 1, True)


async def test_a_load_after_a_change_publishes_nothing(here: Maker) -> None:
    assert await here.make() == 2

    assert await here.publisher.load() == {"acme": 2}
    here.restart()
    assert await here.publisher.load() == {"acme": 2}


async def test_a_change_that_does_not_compile_leaves_everything(here: Maker) -> None:
    here.path("flows").mkdir()
    here.path("flows/web.yaml").write_text(
        "name: Web\nsources: [{key: w, name: W, intake: webhook, source_key: w}]\n"
        "steps: [{key: s, type: pool, pool: inbound}]\n"
    )
    await here.publisher.load()

    with pytest.raises(Refused, match=r"flows/web\.yaml:3:.*no pool 'inbound'") as refused:
        await here.make("pool.delete", {"id": POOL})

    assert refused.value.code == "CONFLICT"
    assert await here.agrees()


async def test_a_broken_tree_does_not_keep_a_change_from_being_made(here: Maker) -> None:
    here.path("pools/north.yaml").write_text("name: [\n")
    with pytest.raises(ConfigError):
        await here.publisher.load()

    await here.make()
    here.path("pools/north.yaml").write_text("name: North\nparticipants: [ada]\n")
    await here.publisher.load()

    pools = here.serving.current.organizations["acme"].pools.values()
    assert {pool.name for pool in pools} == {"New", "North"}


async def test_a_mode_stays_and_a_link_stays_a_link(here: Maker) -> None:
    real = here.root / "acme/.inbound-real.yaml"
    here.path().rename(real)
    real.chmod(0o640)
    here.path().symlink_to("../.inbound-real.yaml")

    await here.make()

    assert here.path().is_symlink()
    assert "name: New" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
