from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from redis.asyncio import Redis

from machines import Machine
from pointsman.app.loading import Following
from pointsman.config.load import load
from pointsman.config.rollback import roll_back
from pointsman.errors import ConfigError, PointsmanError, Refused
from pointsman.ids import milliseconds
from pointsman.plugin import load_plugins
from pointsman.store.generations import Node
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from trees import MINIMAL, write

ID = "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
KEYS = Keys(ID)
PEOPLE = "participants: [ada, bruno]\n"
POOL = f"name: Late\n{PEOPLE}"
ORGANIZATION = f"id: {ID}\n{MINIMAL['organization.yaml']}"
FILES = {"organization.yaml": ORGANIZATION}


class Loader(Machine):
    """A machine whose tree is edited by hand."""

    async def load(self, *, force: bool = False) -> dict[str, int]:
        return dict(await self.publisher.load(force=force))


@pytest.fixture
def here(tmp_path: Path, store: RedisStore) -> Loader:
    return Loader(write(tmp_path / "here" / "config", FILES), store)


@pytest.fixture
def there(tmp_path: Path, store: RedisStore) -> Loader:
    """Return a second machine with a copy of the tree."""
    return Loader(write(tmp_path / "there" / "config", FILES), store)


async def test_a_tree_is_published_once_and_served(here: Loader) -> None:
    assert await here.load() == {"acme": 1}
    assert await here.load() == {"acme": 1}
    here.restart()
    assert await here.load() == {"acme": 1}
    assert here.serving.current.organizations["acme"].generation == 1


async def test_what_another_version_compiled_differently_is_published_anew(
    here: Loader, redis: Redis
) -> None:
    """After an upgrade, turns must not be refused as stale for ever."""
    await here.load()
    (pool,) = here.serving.current.organizations["acme"].pools.values()
    await redis.hset(KEYS.pools, pool.id, "of another version")
    here.restart()
    assert await here.load() == {"acme": 2}
    assert await redis.hget(KEYS.pools, pool.id) == pool.revision.encode()
    assert await here.load() == {"acme": 2}


async def test_a_change_is_the_next_generation(here: Loader) -> None:
    await here.load()
    here.edit({"pools/late.yaml": POOL})
    assert await here.load() == {"acme": 2}
    pools = here.serving.current.organizations["acme"].pools.values()
    assert [pool.file for pool in pools] == ["pools/inbound.yaml", "pools/late.yaml"]


async def test_a_change_made_while_the_daemon_was_down_is_published_at_start(
    here: Loader,
) -> None:
    await here.load()
    here.edit({"pools/late.yaml": POOL})
    here.restart()
    assert await here.load() == {"acme": 2}


async def test_a_broken_tree_publishes_nothing_of_any_organization(here: Loader) -> None:
    await here.load()
    write(here.root, {}, "beta")
    here.edit({"pools/late.yaml": POOL, "fields.yaml": "nope: 1\n"})
    with pytest.raises(ConfigError, match="unknown key 'nope'"):
        await here.load()
    assert len(here.publisher.problems) == 2
    assert list(await here.generations.organizations()) == ["acme"]
    here.edit({"fields.yaml": None})
    assert await here.load() == {"acme": 2, "beta": 1}
    assert not here.publisher.problems


async def test_a_crash_between_two_organizations_is_completed_at_the_next_start(
    here: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here.root, {}, "beta")
    await here.load()
    here.edit({"pools/late.yaml": POOL})
    here.edit({"pools/late.yaml": POOL}, "beta")
    publish = here.generations.publish

    async def crash(identifier: str, publication: object) -> object:
        if identifier != ID:
            raise SystemExit
        return await publish(identifier, publication)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(here.generations, "publish", crash)
        with pytest.raises(SystemExit):
            await here.load()
    here.restart()
    assert await here.load() == {"acme": 2, "beta": 2}


async def test_what_somebody_else_published_is_followed(here: Loader, there: Loader) -> None:
    await here.load()
    assert await there.load() == {"acme": 1}, "the same tree is no drift"
    there.edit({"pools/late.yaml": POOL})
    await there.load()
    assert await here.load() == {"acme": 2}
    assert "somebody else published; generation 2 by there" in here.publisher.drift["acme"]
    assert len(here.serving.current.organizations["acme"].pools) == 2


async def test_two_publishers_with_two_trees_do_not_undo_each_other(
    here: Loader, there: Loader
) -> None:
    await here.load()
    there.edit({"pools/late.yaml": POOL})
    for _ in range(2):
        with pytest.raises(Refused, match="pointsman publish --force"):
            await there.load()
    assert there.serving.current.organizations["acme"].generation == 1
    assert len(there.serving.current.organizations["acme"].pools) == 1
    assert await there.load(force=True) == {"acme": 2}
    assert there.publisher.drift == {}
    here.edit({"pools/early.yaml": POOL})
    with pytest.raises(Refused) as refused:
        await here.load()
    assert refused.value.code == "CONFLICT"


async def test_a_publisher_that_is_overtaken_between_draft_and_publication_follows(
    here: Loader, there: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.load()
    await there.load()
    here.edit({"pools/early.yaml": POOL})
    there.edit({"pools/late.yaml": POOL})
    draft = here.publisher._drafts.draft

    async def overtaken(*args: object) -> object:
        drafts = await draft(*args)  # type: ignore[arg-type]
        await there.load()
        return drafts

    monkeypatch.setattr(here.publisher._drafts, "draft", overtaken)
    with pytest.raises(Refused, match="generation 2 by there"):
        await here.load()
    assert "pools/late.yaml" in here.serving.served["acme"].files


async def test_an_organization_whose_directory_is_removed_is_served_no_more(
    here: Loader, there: Loader
) -> None:
    """L10: also by the others, and it comes back as it was."""
    write(here.root, {}, "beta")
    await here.load()
    await there.serving.follow()
    shutil.rmtree(here.root / "acme")
    assert await here.load() == {"beta": 1}
    await there.serving.catch_up("acme", 2)
    assert list(there.serving.current.organizations) == ["beta"]
    assert list(await here.generations.organizations()) == ["beta"]
    write(here.root, FILES)
    assert await here.load() == {"acme": 3, "beta": 1}


async def test_a_renamed_organization_keeps_its_generations(here: Loader) -> None:
    await here.load()
    here.edit({f"pools/p{n}.yaml": POOL for n in range(5)})
    await here.load()
    (here.root / "acme").rename(here.root / "apex")
    assert await here.load() == {"apex": 2}
    assert await here.generations.organizations() == {"apex": ID}


async def test_a_renamed_pool_keeps_its_pointer(here: Loader, redis: Redis) -> None:
    """Found by its name; then the new pool under the old file name is another one."""
    unnamed = "participants: [ada, bruno]\nconnections: [{source: webhook}]\n"
    here.edit({"pools/inbound.yaml": f"name: First\n{unnamed}"})
    await here.load()
    (old,) = here.serving.current.organizations["acme"].pools
    here.edit({"pools/inbound.yaml": None})
    here.edit({"pools/sales.yaml": f"name: First\npriority: 2\n{unnamed}"})
    await here.load()
    assert list(here.serving.current.organizations["acme"].pools) == [old]
    assert await redis.hget(KEYS.pool(old), "gone") is None

    here.edit({"pools/inbound.yaml": f"name: Second\n{PEOPLE}"})
    await here.load()
    by_file = {p.file: p.id for p in here.serving.current.organizations["acme"].pools.values()}
    assert by_file["pools/sales.yaml"] == old != by_file["pools/inbound.yaml"]
    here.restart()
    here.edit({"fields.yaml": "fields: []\n"})
    await here.load()
    again = {p.file: p.id for p in here.serving.current.organizations["acme"].pools.values()}
    assert again == by_file, "the ids are published, not remembered"


async def test_removing_most_pools_at_once_needs_a_word(here: Loader) -> None:
    here.edit({f"pools/p{n}.yaml": POOL for n in range(5)})
    await here.load()
    here.edit({f"pools/p{n}.yaml": None for n in range(4)})
    with pytest.raises(ConfigError, match=r"remove 4 of 6 pools.*allow_mass_delete"):
        await here.load()
    shutil.move(here.root / "acme", here.root.parent / "moved")
    write(here.root, {}, "beta")
    with pytest.raises(ConfigError, match=r"remove 6 of 6 pools"):
        await here.load()
    shutil.move(here.root.parent / "moved", here.root / "acme")
    here.edit({"organization.yaml": f"allow_mass_delete: true\n{ORGANIZATION}"})
    assert (await here.load())["acme"] == 2


async def test_the_word_is_read_however_the_file_is_spelled(here: Loader) -> None:
    spelled = {f"pools/p{n}.yaml": POOL for n in range(5)}
    here.edit({"organization.yaml": None, "organization.yml": ORGANIZATION, **spelled})
    await here.load()
    here.edit({f"pools/p{n}.yaml": None for n in range(4)})
    with pytest.raises(ConfigError, match=r"organization\.yml.*remove 4 of 6 pools"):
        await here.load()
    here.edit({"organization.yml": f"allow_mass_delete: true\n{ORGANIZATION}"})
    assert (await here.load())["acme"] == 2
    shutil.rmtree(here.root / "acme")
    write(here.root, {}, "beta")
    assert "beta" in await here.load(), "the word of before counts for a directory that goes"


async def test_a_load_waits_until_every_living_node_serves_it(here: Loader, there: Loader) -> None:
    await here.load()
    await here.generations.beat(ID, Node("there", milliseconds(), 1, 0))
    beaten = []
    publish = here.generations.nodes

    async def nodes(identifier: str) -> object:
        found = await publish(identifier)
        beaten.append([node.generation for node in found])
        if len(beaten) == 3:
            await there.serving.follow()
            reached = there.serving.reached("acme")
            await here.generations.beat(ID, Node("there", milliseconds(), reached, 0))
        return found

    here.generations.nodes = nodes  # type: ignore[method-assign, assignment]
    here.edit({"pools/late.yaml": POOL})
    assert await here.load() == {"acme": 2}
    assert beaten == [[1], [1], [1], [2]]


async def test_a_node_that_cannot_compile_a_generation_keeps_the_old_one_and_says_why(
    here: Loader, there: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.load()
    await there.serving.follow()
    monkeypatch.setenv("PM_TEST_TOKEN", "secret")
    text = f"{ORGANIZATION}credentials: [{{name: crm, token: '${{PM_TEST_TOKEN}}'}}]\n"
    here.edit({"organization.yaml": text})
    await here.load()
    monkeypatch.delenv("PM_TEST_TOKEN")
    organization = await there.serving.catch_up("acme", 2)
    assert organization is not None
    assert organization.generation == 1
    refusal = there.serving.refused["acme"]
    assert refusal.number == 2
    assert "'PM_TEST_TOKEN' is not set" in str(refusal)
    monkeypatch.setenv("PM_TEST_TOKEN", "secret")
    await there.serving.catch_up("acme", 2)
    assert there.serving.reached("acme") == 1, "not tried again for every request"
    await there.serving.follow()
    assert there.serving.reached("acme") == 2
    assert there.serving.refused == {}


async def test_a_generation_of_a_newer_version_is_refused_and_the_old_one_stays(
    here: Loader, there: Loader, redis: Redis
) -> None:
    """In a rolling upgrade, and at a start: a clear message instead of a crash."""
    await here.load()
    await there.serving.follow()
    await redis.set(KEYS.format, 3)
    await redis.hset(KEYS.generation, "number", 2)
    organization = await there.serving.catch_up("acme", 2)
    assert organization is not None
    assert organization.generation == 1
    assert "has format 3" in str(there.serving.refused["acme"])
    there.restart()
    with pytest.raises(PointsmanError, match="run a newer version"):
        await Following(there.serving).start()


@pytest.mark.parametrize("spelled", ["organization.yaml", "organization.yml"])
async def test_a_changed_secret_file_is_read_anew(
    here: Loader, tmp_path: Path, spelled: str
) -> None:
    secret = tmp_path / "token"
    secret.write_text("one\n")
    text = f"{ORGANIZATION}credentials: [{{name: crm, token_file: {secret}}}]\n"
    here.edit({"organization.yaml": None} | {spelled: text})
    await here.load()
    assert here.serving.current.organizations["acme"].credentials == {"crm": "one"}
    secret.write_text("two\n")
    await here.serving.refresh()
    assert here.serving.current.organizations["acme"].credentials == {"crm": "two"}
    secret.unlink()
    await here.serving.refresh()
    assert here.serving.current.organizations["acme"].credentials == {"crm": "two"}
    assert "cannot be read" in str(here.serving.refused["acme"])
    secret.write_text("three\n")
    await here.serving.refresh()
    assert here.serving.current.organizations["acme"].credentials == {"crm": "three"}
    assert here.serving.refused == {}


async def test_a_rollback_is_a_new_generation_that_the_publisher_follows(here: Loader) -> None:
    await here.load()
    here.edit({"pools/late.yaml": POOL})
    await here.load()
    made = await roll_back(here.generations, "acme", ID, 1, root=here.root, author="ada")
    assert (made.number, made.author) == (3, "ada (rollback to 1)")
    assert await here.load() == {"acme": 3}
    assert len(here.serving.current.organizations["acme"].pools) == 1
    here.edit({"pools/late.yaml": None})
    assert await here.load() == {"acme": 3}
    assert here.publisher.drift == {}, "the tree was brought back to what is published"


async def test_a_rollback_to_what_is_not_kept_is_refused(here: Loader) -> None:
    await here.load()
    with pytest.raises(PointsmanError, match="has no generation 7; the last 20 are kept: 1"):
        await roll_back(here.generations, "acme", ID, 7, root=None, author="ada")


async def test_the_example_tree_is_published_as_it_loads(tmp_path: Path, store: RedisStore) -> None:
    load_plugins()
    root = tmp_path / "config"
    shutil.copytree(Path(__file__).parents[2] / "config", root)
    machine = Loader(root, store)
    await machine.load()
    organizations, _ = load(root)
    served = machine.serving.current.organizations
    assert {h: o.hash for h, o in served.items()} == {h: o.hash for h, o in organizations.items()}
