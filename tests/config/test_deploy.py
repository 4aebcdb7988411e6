"""Flows with ``deploy: manual``: what is saved, what is live, and who may change which.

The cases are those where the two part: several nodes, crashes, races, renames, what one of them
needs and the other does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from machines import Machine
from pointsman.config.changes import Write
from pointsman.config.deploying import opened
from pointsman.config.deployment import difference
from pointsman.config.rollback import roll_back
from pointsman.config.serving import Serving
from pointsman.config.tree import read_tree
from pointsman.errors import ConfigError, PointsmanError, Refused
from pointsman.model import Organization
from pointsman.store.deployments import Deployed, DeploymentStore, pack
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from support import THOROUGH
from trees import MINIMAL, compiled, write

ID = "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
KEYS = Keys(ID)
SOLAR = "5fd4371e940df5a34a3888b2"
AUTO = f"id: {ID}\n{MINIMAL['organization.yaml']}"
MANUAL = f"{AUTO}deploy: manual\n"
FLOW = f"""\
id: {SOLAR}
name: Solar
sources:
  - {{key: shop, caps: [{{maximum: 5, duration_units: day}}]}}
steps: [{{key: assign, type: pool, pool: inbound}}]
"""
OTHER = "name: Other\nsources: [{key: only}]\nsteps: []\n"
NEEDY = f"""\
id: {SOLAR}
name: Needy
sources: [{{key: shop, authentication_required: true, credential: shop}}]
fields: [email, shoe_size]
list_checks: {{duplicate: {{value: "{{{{lead.email}}}}", list_name: buyers}}}}
steps:
  - {{key: assign, type: pool, pool: late}}
  - {{key: sell, type: recipient, destination: crm}}
"""
NEEDED = {
    "organization.yaml": f"{MANUAL}credentials: [{{name: shop, token: x}}]\n",
    "fields.yaml": "fields: [{id: shoe_size, type: number}]\n",
    "lists/buyers.yaml": "name: Buyers\nkind: duplicate\n",
    "pools/late.yaml": "name: Late\nparticipants: [ada]\n",
    "destinations/crm.yaml": (
        "name: CRM\nintegration: {module_id: json, mappings: [{property: url, "
        'value: "https://crm.example.com/"}]}\n'
    ),
}


class Deployer(Machine):
    """A machine whose flows are deployed by hand."""

    def __init__(self, folder: Path, store: RedisStore) -> None:
        files = {"organization.yaml": MANUAL, "flows/solar.yaml": FLOW}
        super().__init__(write(folder / "config", files), store)
        self.deployments = DeploymentStore(store)

    async def load(self, files: Mapping[str, str | None] | None = None) -> Organization:
        self.edit(files or {})
        await self.publisher.load()
        return self.served

    async def write(self, kind: str, content: Any) -> Organization:
        await self.changes.write(Write("acme", kind, content, "key 'x'"))
        return self.served

    async def deploy(self, *flows: str) -> Organization:
        return await self.write("flow.deploy", {"flows": list(flows)} if flows else {})

    async def beside(self, kind: str = "flow.deploy", **content: Any) -> int | None:
        """Deploy as the command does, on no tree; return the generation's number."""
        desk = await opened(self.generations, "acme", ID, None)
        made = await desk.publish(self.generations, kind, content, "ada")
        return made.number if made else None

    async def versions(self, flow: str = SOLAR) -> list[int]:
        return [each.number for each in await self.deployments.versions(ID, flow)]


@pytest.fixture
def here(tmp_path: Path, store: RedisStore) -> Deployer:
    return Deployer(tmp_path / "here", store)


@pytest.fixture
def there(tmp_path: Path, store: RedisStore) -> Deployer:
    """Return a second machine with a copy of the tree."""
    return Deployer(tmp_path / "there", store)


def renamed(name: str) -> str:
    return FLOW.replace("name: Solar", f"name: {name}")


def live(organization: Organization) -> dict[str, str]:
    """Return the names of live flows by their files' names."""
    return {flow.file[6:-5]: flow.name for flow in organization.distinct_flows()}


async def test_a_new_flow_is_saved_and_live_once_it_is_deployed(here: Deployer) -> None:
    organization = await here.load()
    assert organization.undeployed == {SOLAR: "new"}
    assert (live(organization), list(organization.flows)) == ({}, [])
    assert organization.saved_flows["solar"].name == "Solar"

    organization = await here.deploy("solar")

    assert (live(organization), organization.undeployed) == ({"solar": "Solar"}, {})
    assert await here.deploy("solar") is organization, "twice is once"
    assert await here.versions() == [1]
    assert organization.named_flows["solar"] is organization.saved_flows["solar"]


async def test_what_is_saved_by_hand_is_checked_and_waits_on_every_node(
    here: Deployer, there: Deployer
) -> None:
    """Two publishers and a follower serve the same texts, also after a restart."""
    await here.load()
    await here.deploy()
    await there.publisher.load()
    follower = Serving(here.generations)

    changed = await here.load({"flows/solar.yaml": renamed("Sun")})

    with pytest.raises(ConfigError, match="no pool 'nope'"):
        await here.load({"flows/solar.yaml": FLOW.replace("inbound", "nope")})
    await follower.follow()
    await there.serving.follow()
    here.edit({"flows/solar.yaml": renamed("Sun")})
    here.restart()
    for organization in (
        changed,
        here.served if await here.publisher.load() else changed,
        there.served,
        follower.current.organizations["acme"],
    ):
        assert live(organization) == {"solar": "Solar"}
        assert organization.saved_flows[SOLAR].name == "Sun"
        assert organization.undeployed == {SOLAR: "changed"}
    await there.publisher.load()
    assert await there.beside() == 4
    await here.serving.catch_up("acme", 4)
    assert live(here.served) == {"solar": "Sun"}
    assert await here.publisher.load() == {"acme": 4}, "the tree is what is published"
    assert here.publisher.drift == {}


async def test_a_switch_to_manual_deploys_what_is_live_then(here: Deployer) -> None:
    """L9: not what the same reload brings; and back again what is saved is live."""
    await here.load({"organization.yaml": AUTO, "flows/other.yaml": OTHER})
    new = {
        "organization.yaml": MANUAL,
        "flows/solar.yaml": renamed("Sun"),
        "flows/other.yaml": None,
    }

    manual = await here.load({**new, "flows/third.yaml": OTHER})

    assert live(manual) == {"solar": "Solar", "other": "Other"}
    assert sorted(manual.undeployed.values()) == ["changed", "new", "removed"]
    auto = await here.load({"organization.yaml": AUTO})
    assert live(auto) == {"solar": "Sun", "third": "Other"}
    assert (auto.undeployed, auto.manual_deploy) == ({}, False)
    with pytest.raises(PointsmanError, match="deploy: manual"):
        await here.beside()
    assert await here.deployments.live(ID) == {}


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("pools/late.yaml", "steps[0].pool", "no pool 'late'"),
        ("lists/buyers.yaml", "list_checks.duplicate.list_name", "buyers"),
        ("destinations/crm.yaml", "steps[1].destination", "crm"),
        ("fields.yaml", "fields[1]", "no field 'shoe_size'"),
    ],
)
async def test_what_only_a_live_flow_needs_cannot_be_taken_away(
    here: Deployer, name: str, place: str, said: str
) -> None:
    """The finding tells the flow and the way out; what is live goes on."""
    await here.load({**NEEDED, "flows/solar.yaml": NEEDY})
    await here.deploy()
    before = await here.load({"flows/solar.yaml": FLOW})

    with pytest.raises(ConfigError) as refused:
        await here.load({name: None})
    tried = here.publisher.loaded

    (problem,) = refused.value.problems
    assert problem.file.endswith("acme/flows/solar.yaml")
    assert problem.pointer == place
    assert problem.message.startswith("flow 'Needy', as it is deployed: ")
    assert said in problem.message
    assert "pointsman deploy solar" in problem.message
    assert here.served is before
    number = await here.beside() or 0
    await here.serving.catch_up("acme", number)
    assert tried != here.publisher.loaded == "", "the same tree is to be loaded again"
    after = await here.load()
    assert (live(after), after.undeployed) == ({"solar": "Solar"}, {})
    assert here.publisher.loaded == read_tree(here.root).digest()


async def test_a_live_flow_is_told_of_also_while_its_file_needs_the_same(here: Deployer) -> None:
    """A pool is removed that the saved and the live text name: both are findings at once."""
    await here.load({**NEEDED, "flows/solar.yaml": NEEDY})
    await here.deploy()
    with pytest.raises(ConfigError) as refused:
        await here.load({"pools/late.yaml": None})
    told = [problem.message for problem in refused.value.problems]
    assert [said.startswith("flow 'Needy', as it is deployed: ") for said in told] == [True, False]


@pytest.mark.parametrize("after_publishing", [False, True])
async def test_a_deploy_that_dies_is_done_or_not(
    here: Deployer, monkeypatch: pytest.MonkeyPatch, after_publishing: bool
) -> None:
    await here.load()
    await here.deploy()
    await here.load({"flows/solar.yaml": renamed("Sun")})
    publish = here.generations.publish

    async def dies(*arguments: Any) -> object:
        if after_publishing:
            await publish(*arguments)
        raise SystemExit

    monkeypatch.setattr(here.generations, "publish", dies)
    with pytest.raises(SystemExit):
        await here.deploy()
    monkeypatch.undo()
    here.restart()
    await here.publisher.load()

    assert live(here.served) == {"solar": "Sun" if after_publishing else "Solar"}
    assert await here.versions() == ([2, 1] if after_publishing else [1])
    live_now = (await here.deployments.live(ID))[SOLAR].version
    (newest, *_) = await here.deployments.versions(ID, SOLAR)
    number = here.served.generation
    assert (newest.number, {SOLAR: newest.deployed}) == (
        live_now,
        await here.generations.deployed(ID, number),
    )
    assert live(await here.deploy()) == {"solar": "Sun"}


async def test_a_reload_that_a_deploy_overtakes_is_done_on_top_of_it(
    here: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No drift: the tree follows on what was deployed meanwhile; both are kept."""
    await here.load()
    draft = here.publisher._drafts.draft
    deployed: list[int | None] = []

    async def overtaken(*arguments: Any) -> object:
        drafts = await draft(*arguments)
        if not deployed:
            deployed.append(await here.beside())
        return drafts

    monkeypatch.setattr(here.publisher._drafts, "draft", overtaken)
    organization = await here.load({"flows/solar.yaml": renamed("Sun"), "flows/other.yaml": OTHER})

    assert (deployed, organization.generation) == ([2], 3)
    assert live(organization) == {"solar": "Solar"}
    assert organization.saved_flows[SOLAR].name == "Sun"
    assert here.publisher.drift == {}


async def test_a_deploy_that_a_reload_overtakes_is_refused(here: Deployer) -> None:
    """Nobody deploys what they have not seen."""
    await here.load()
    desk = await opened(here.generations, "acme", ID, None)
    await here.load({"flows/solar.yaml": renamed("Sun")})
    with pytest.raises(Refused, match="generation 2 was published meanwhile"):
        await desk.publish(here.generations, "flow.deploy", {}, "ada")
    assert live(here.served) == {}


async def test_two_deploys_at_once_leave_one_line_of_versions(here: Deployer) -> None:
    await here.load({f"flows/f{n}.yaml": OTHER.replace("Other", f"F{n}") for n in range(4)})
    names = [f"f{n}" for n in range(4)]
    await asyncio.gather(*(here.deploy(name) for name in names), *map(here.deploy, names))
    assert set(live(here.served)) == set(names)
    ids = [here.served.saved_flows[name].id for name in names]
    assert [await here.versions(each) for each in ids] == [[1]] * 4


async def test_a_rollback_brings_files_and_live_texts_of_then(here: Deployer) -> None:
    await here.load()
    await here.deploy()
    await here.load({"flows/solar.yaml": renamed("Sun")})
    await here.deploy()
    await here.load({"flows/solar.yaml": renamed("Moon")})

    await roll_back(here.generations, "acme", ID, 3, root=None, author="ada")

    assert await here.publisher.load() == {"acme": 6}
    assert live(here.served) == {"solar": "Solar"}
    assert here.served.saved_flows[SOLAR].name == "Sun"
    assert await here.versions() == [3, 2, 1]
    await roll_back(here.generations, "acme", ID, 1, root=None, author="ada")
    await here.serving.catch_up("acme", 7)
    assert live(here.served) == {}


async def test_an_earlier_version_comes_back_as_the_next_one(here: Deployer) -> None:
    await here.load()
    await here.deploy()
    await here.load({"flows/solar.yaml": renamed("Sun")})
    await here.deploy()
    first = (await here.deployments.versions(ID, SOLAR))[-1]
    text = first.deployed.text.decode()
    content = {"flow": SOLAR, "file": first.deployed.file, "text": text}

    organization = await here.write("flow.bring_back", content)

    assert live(organization) == {"solar": "Solar"}
    assert organization.undeployed == {SOLAR: "changed"}, "what is saved stays"
    assert await here.write("flow.bring_back", content) is organization
    assert await here.versions() == [3, 2, 1]


async def test_a_removed_flow_is_taken_down_and_its_numbers_go_on(
    here: Deployer, redis: Redis
) -> None:
    """A flow that is taken down keeps its versions for a while."""
    await here.load()
    await here.deploy()
    key = KEYS.deployed_versions(SOLAR)
    assert await redis.ttl(key) == -1

    await here.load({"flows/solar.yaml": None})
    assert set(live(here.served)) == {"solar"}, "without its file, until that is deployed"
    assert here.served.undeployed == {SOLAR: "removed"}
    assert live(await here.deploy("solar")) == {}
    assert 0 < await redis.ttl(key) <= 30 * 86400
    await here.load({"flows/solar.yaml": FLOW})
    await here.deploy()
    assert await here.versions() == [2, 1]
    assert await redis.ttl(key) == -1


async def test_a_renamed_file_with_an_id_is_the_same_flow(here: Deployer) -> None:
    """It is live under its old name, until it is deployed under the new one."""
    await here.load()
    await here.deploy()
    moved = await here.load({"flows/solar.yaml": None, "flows/sun.yaml": FLOW})
    assert (live(moved), moved.undeployed) == ({"solar": "Solar"}, {SOLAR: "changed"})
    before, after = Deployed("flows/solar.yaml", FLOW.encode()), Deployed("flows/sun.yaml", b"")
    told = difference(before, after._replace(text=before.text))
    assert [*told] == ["--- live/flows/solar.yaml", "+++ saved/flows/sun.yaml"]
    assert moved.saved_flows["sun"].id == SOLAR
    assert live(await here.deploy("sun")) == {"sun": "Solar"}
    assert "solar" not in here.served.named_flows


async def test_a_renamed_file_without_an_id_is_another_flow(here: Deployer) -> None:
    """An intake is never without a flow: both halves of the change are deployed at once."""
    text = "name: W\nsources: [{key: a, intake: webhook}]\nsteps: []\n"
    await here.load({"flows/solar.yaml": None, "flows/old.yaml": text})
    await here.deploy()
    await here.load({"flows/old.yaml": None, "flows/new.yaml": text})
    assert sorted(here.served.undeployed.values()) == ["new", "removed"]
    with pytest.raises(Refused, match="takes the leads of this source"):
        await here.deploy("new")
    organization = await here.deploy()
    assert live(organization) == {"new": "W"}
    ((flow, _),) = organization.flows.values()
    assert flow.file == "flows/new.yaml"


async def test_a_new_id_in_an_old_file_takes_the_old_flow_s_place(here: Deployer) -> None:
    await here.load()
    await here.deploy()
    new = "6fd4371e940df5a34a3888b2"
    await here.load({"flows/solar.yaml": FLOW.replace(SOLAR, new)})
    with pytest.raises(Refused, match=f"flow {SOLAR} is live under this file's name"):
        await here.deploy(new)
    organization = await here.deploy("solar")
    assert organization.named_flows["solar"].id == new
    assert SOLAR not in organization.named_flows


async def test_parts_keep_their_ids_from_saved_to_live(here: Deployer) -> None:
    """Counters of caps hang on them; a part that is not changed is the same part."""
    auto = compiled({"organization.yaml": AUTO, "flows/solar.yaml": FLOW}).named_flows["solar"]
    await here.load()
    await here.deploy()
    await here.load({"flows/solar.yaml": f"# new\n{renamed('Sun')}enabled: false\n"})
    for flow in (here.served.named_flows["solar"], here.served.saved_flows["solar"]):
        assert flow.id == auto.id
        assert [s.id for s in flow.steps] == [s.id for s in auto.steps]
        assert [s.id for s in flow.sources] == [s.id for s in auto.sources]
        assert flow.sources[0].caps[0].id == auto.sources[0].caps[0].id


async def test_a_flow_that_the_api_deletes_is_down_at_once(
    here: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the daemon dies before the file is gone, and if the file was gone before."""
    await here.load({"flows/other.yaml": OTHER})
    await here.deploy()
    other = here.served.saved_flows["other"].id
    with monkeypatch.context() as patched:

        def dies(*_: object) -> None:
            raise SystemExit

        patched.setattr("pointsman.config.disk.Staged.place", dies)
        with pytest.raises(SystemExit):
            await here.write("flow.delete", {"id": SOLAR})
    assert await here.beside("flow.deploy") is None
    here.restart()
    await here.publisher.load()
    assert not (here.root / "acme/flows/solar.yaml").exists()
    assert live(here.served) == {"other": "Other"}

    await here.load({"flows/other.yaml": None})
    assert live(here.served) == {"other": "Other"}
    assert live(await here.write("flow.delete", {"id": other})) == {}


async def test_a_file_that_is_not_written_yet_is_so_in_spite_of_a_deploy(
    here: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1: killed between publishing and the file; then somebody deploys beside the tree."""
    await here.load()
    with monkeypatch.context() as patched:

        def dies(*_: object) -> None:
            raise SystemExit

        patched.setattr("pointsman.config.disk.Staged.place", dies)
        with pytest.raises(SystemExit):
            await here.write("flow.update", {"id": SOLAR, "name": "Sun"})
    assert await here.beside() == 3
    here.restart()
    assert await here.publisher.load() == {"acme": 3}
    assert "name: Sun" in (here.root / "acme/flows/solar.yaml").read_text()
    assert (live(here.served), here.publisher.drift) == ({"solar": "Sun"}, {})


async def test_changes_over_the_api_wait_as_those_by_hand_do(here: Deployer) -> None:
    await here.load()
    await here.deploy()
    organization = await here.write("flow.update", {"id": SOLAR, "name": "Sun"})
    assert live(organization) == {"solar": "Solar"}
    new = {"id": "7fd4371e940df5a34a3888b2", "name": "Solar", "sources": [{}], "steps": []}
    await here.load({"flows/solar.yaml": None})
    organization = await here.write("flow.create", new)
    assert organization.saved_flows[new["id"]].file == "flows/solar-2.yaml", "the name is taken"  # type: ignore[index]
    assert live(organization) == {"solar": "Solar"}


async def test_a_live_text_that_cannot_be_read_any_more_can_be_replaced(
    here: Deployer, redis: Redis
) -> None:
    """After an upgrade: ``deploy: auto`` is a way out, and so is a deploy of what is saved."""
    await here.load()
    await here.deploy()
    broken = pack({SOLAR: Deployed("flows/solar.yaml", b"nope: 1\n")})
    await redis.hset(KEYS.files(2), "deployed", broken)
    here.restart()
    with pytest.raises(ConfigError, match="flow 'solar', as it is deployed: unknown key 'nope'"):
        await here.load()
    auto = await here.load({"organization.yaml": AUTO})
    assert live(auto) == {"solar": "Solar"}
    await here.load({"organization.yaml": MANUAL})
    broken_again = here.served.generation
    await redis.hset(KEYS.files(broken_again), "deployed", broken)
    assert await here.beside() == broken_again + 1
    here.restart()
    assert live(await here.load()) == {"solar": "Solar"}


async def test_an_organization_that_is_removed_has_nothing_live_when_it_comes_back(
    here: Deployer, redis: Redis
) -> None:
    write(here.root, {}, "beta")
    await here.load()
    await here.deploy()
    files = {path.name: path for path in (here.root / "acme").rglob("*.yaml")}
    texts = {name: path.read_text() for name, path in files.items()}
    for path in files.values():
        path.unlink()
    for folder in ("flows", "pools"):
        (here.root / "acme" / folder).rmdir()
    (here.root / "acme").rmdir()
    await here.publisher.load()
    assert await redis.exists(KEYS.deployed) == 0
    write(here.root, {"organization.yaml": texts["organization.yaml"], "flows/solar.yaml": FLOW})
    await here.publisher.load()
    assert live(here.served) == {}
    assert live(await here.deploy()) == {"solar": "Solar"}
    assert await here.versions() == [2, 1]


@pytest.mark.parametrize("seed", range(60 if THOROUGH else 3))
async def test_live_is_what_was_deployed_whatever_happens(
    here: Deployer, there: Deployer, seed: int
) -> None:
    """Law: edits, deploys, reverts, deletions, renames, switches, restarts, in any order.

    A model that knows nothing of generations says what each flow is live as, by its id.
    """
    draw = Random(seed)
    names = {SOLAR.replace("8b2", f"{n:03}"): f"flows/f{n}.yaml" for n in range(4)}
    saved: dict[str, tuple[str, str]] = {}
    deployed: dict[str, tuple[str, str]] = {}
    manual = True
    await here.load({"flows/solar.yaml": None})
    for step in range(25):
        flow = draw.choice([*names])
        file, name = saved.get(flow, (names[flow], ""))
        match draw.randrange(9):
            case 0 | 1 | 2:
                saved[flow] = (file, f"S{step}")
                await here.load({file: renamed(f"S{step}").replace(SOLAR, flow)})
            case 3 if flow in saved:
                del saved[flow]
                await here.load({file: None})
            case 4 if flow in saved:
                other = file.replace("/f", "/g") if "/f" in file else file.replace("/g", "/f")
                saved[flow] = (other, name)
                await here.load({file: None, other: renamed(name).replace(SOLAR, flow)})
            case 5 if manual:
                deployed = dict(saved)
                await (here.deploy() if step % 2 else here.beside())
            case 6 if manual and (versions := await here.deployments.versions(ID, flow)):
                text = draw.choice(versions).deployed
                content = {"flow": flow, "file": text.file, "text": text.text.decode()}
                called = text.text.decode().split("name: ", 1)[1].split("\n", 1)[0]
                deployed[flow] = (text.file, called)
                await here.write("flow.bring_back", content)
            case 7 if flow in saved or (manual and flow in deployed):
                saved.pop(flow, None)
                deployed.pop(flow, None)
                await here.write("flow.delete", {"id": flow})
            case 8:
                deployed = dict(saved) if not manual else {}
                manual = not manual
                await here.load({"organization.yaml": MANUAL if manual else AUTO})
                here.restart()
        await here.publisher.load()
        await there.serving.follow()
        for organization in (here.served, there.serving.current.organizations["acme"]):
            found = {each.id: (each.file, each.name) for each in organization.distinct_flows()}
            assert found == (deployed if manual else saved), step
            found = {
                each.id: (each.file, each.name) for each in organization.distinct_saved_flows()
            }
            assert found == saved, step
            differ = {i for i in {*saved, *deployed} if saved.get(i) != deployed.get(i)}
            assert organization.undeployed.keys() == (differ if manual else set()), step
