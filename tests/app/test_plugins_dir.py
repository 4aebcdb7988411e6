"""Plugins that come, change, break and go while the daemon runs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from aiohttp import ClientSession

from daemons import running
from pointsman.app.lifecycle import App, background
from pointsman.app.link import Line, Parent
from pointsman.app.workers import Workers
from pointsman.config.dropins import Found
from pointsman.config.serving import Serving
from pointsman.ids import parse_lead_id
from pointsman.plugin import actions, steps
from pointsman.registry import Stage
from pointsman.settings import Settings
from pointsman.store.leads import LeadStore
from support import wait_until
from trees import write

SAY = '''
from pydantic import Field
from pointsman.plugin import ActionContext, Options, action

class Told(Options):
    """Options."""

    text: str = Field(description="What to say.")

@action("acme_say", quick=True)
async def acme_say(options: Told, context: ActionContext) -> dict[str, str]:
    """Say it, version {version}."""
    await context.record.change(lambda record: {{"stage": "{version}"}})
    return {{"said": options.text}}
'''

USES = {
    "workflows/say.yaml": dedent("""\
        name: Say
        trigger_module: leads
        trigger_type: lead_created
        actions:
          - {action_type: acme_say, config: {text: "{{trigger.first_name}}"}}
        """)
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "plugins"
    folder.mkdir()
    yield folder
    Stage().adopt()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "config", {})


@pytest.fixture
async def app(root: Path, folder: Path, redis_url: str) -> AsyncIterator[App]:
    async with running(root, redis_url, plugins_dir=folder) as app:
        yield app


def drop(folder: Path, version: str = "one", text: str = "") -> None:
    """Write the plugin as an editor does: a new file over the old."""
    fresh = folder / ".acme_say.py.new"
    fresh.write_text(text or SAY.format(version=version))
    fresh.replace(folder / "acme_say.py")


def knows(version: str) -> bool:
    return "acme_say" in actions and actions["acme_say"].summary.endswith(f" {version}.")


async def asked(app: App, method: str, path: str, **request: Any) -> tuple[int, Any]:
    async with ClientSession() as http, http.request(method, app.url + path, **request) as answer:
        return answer.status, await answer.json()


async def stage(app: App) -> str | None:
    """Take a lead in, and return the stage that its workflow set."""
    status, lead = await asked(
        app, "POST", "/intake/acme/webhook", json={"first_name": "Grace", "email": "g@example.com"}
    )
    assert status == 201

    async def found() -> str | None:
        leads = LeadStore(app.serving._generations._store, app.settings)
        identifier = parse_lead_id(lead["leadId"])
        assert identifier
        read, _ = await leads.read(app.serving.ids["acme"], identifier)
        return read.data.get("stage") if read else None

    return await wait_until(found, "the workflow set the stage")


def served(serving: Serving) -> set[str]:
    workflows = serving.current.organizations["acme"].workflows.values()
    return {workflow.name for workflow in workflows}


async def refusal(app: App) -> str:
    """Return what readiness says of the last reload once it has failed."""

    async def told() -> str:
        _, ready = await asked(app, "GET", "/-/ready")
        return "; ".join(check["detail"] for check in ready["checks"] if not check["passed"])

    return await wait_until(told, "the finding is told")


SCORE = '''
from pointsman.plugin import Options, StepContext, step

@step("acme_score")
async def acme_score(options: Options, context: StepContext) -> dict[str, str]:
    """Score it, version {version}."""
    return {{"said": "{version}"}}
'''

SCORED = {
    "flows/scored.yaml": dedent("""\
        name: Scored
        sources: [{key: a}]
        steps:
          - {type: acme_score, key: score}
          - type: filter
            rule_set: {op: and, rules: [{lhv: score.said, op: is not blank}]}
            reason: "{{score.said}}"
        """)
}


async def test_a_step_type_that_comes_changes_and_goes_is_followed(
    app: App, root: Path, folder: Path
) -> None:
    drop(folder, text=SCORE.format(version="one"))
    await wait_until(lambda: steps.get("acme_score"), "the step type is there")
    write(root.parent / "config", SCORED)

    async def reason() -> Any:
        path = "/flows/scored/sources/a/submit"
        status, told = await asked(app, "POST", path, json={"email": "g@example.com"})
        return told.get("reason") if status < 300 else None

    assert await wait_until(reason, "the flow is there") == "one"
    drop(folder, text=SCORE.format(version="two"))

    async def second() -> bool:
        return bool(await reason() == "two")

    await wait_until(second, "the changed step is taken")
    (folder / "acme_say.py").unlink()
    assert "acme_score" in await refusal(app)
    assert await reason() == "two"


async def test_a_new_and_a_changed_file_are_taken_up_and_used(
    app: App, root: Path, folder: Path
) -> None:
    drop(folder)
    await wait_until(partial(knows, "one"), "the new file is taken up")
    write(root, USES)
    await wait_until(lambda: served(app.serving) == {"Say"}, "the workflow is served")
    assert await stage(app) == "one"

    drop(folder, "two")
    await wait_until(partial(knows, "two"), "the changed file is taken up")

    assert await stage(app) == "two"


async def test_a_plugin_and_the_workflow_that_uses_it_come_in_one_reload(
    app: App, root: Path, folder: Path
) -> None:
    drop(folder)
    write(root, USES)

    assert (await asked(app, "POST", "/-/reload"))[0] == 200

    assert served(app.serving) == {"Say"}
    assert await stage(app) == "one"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: drop(folder, text="1 / 0\n"), "acme_say.py:1:1: cannot be imported: Zero"),
        (lambda folder: drop(folder, text="def f(:\n"), "acme_say.py:1:7: is no Python"),
        (
            lambda folder: (folder / "acme_two.py").write_text(SAY.format(version="two")),
            "action 'acme_say' is defined by",
        ),
        (lambda folder: (folder / "acme_say.py").unlink(), "'acme_say' is not known here"),
        (
            lambda folder: drop(folder, text=SAY.format(version="two").replace("text:", "words:")),
            "unknown key 'text'",
        ),
    ],
)
async def test_what_is_wrong_is_told_and_the_last_good_version_goes_on(
    app: App, root: Path, folder: Path, spoil: Callable[[Path], object], told: str
) -> None:
    """A broken file, a doubled name, a removed file and an option that a workflow misses."""
    drop(folder)
    write(root, USES)
    await asked(app, "POST", "/-/reload")

    spoil(folder)

    assert told in await refusal(app)
    status, answer = await asked(app, "POST", "/-/reload")
    assert status == 422
    assert any(told in str(f["message"]) or told in str(f) for f in answer["findings"]) or (
        "acme_say.py" in str(answer)
    )
    assert await stage(app) == "one"
    (folder / "acme_two.py").unlink(missing_ok=True)
    drop(folder, "three")
    await wait_until(partial(knows, "three"), "the corrected file is taken up")
    assert await stage(app) == "three"


async def test_a_tree_that_is_refused_changes_no_plugin(app: App, root: Path, folder: Path) -> None:
    """All or nothing: a mistake in a pool keeps a new plugin from being taken up too."""
    drop(folder)
    assert (await asked(app, "POST", "/-/reload"))[0] == 200
    drop(folder, "two")
    (root / "acme/pools/inbound.yaml").write_text("name: [")

    assert (await asked(app, "POST", "/-/reload"))[0] == 422

    assert knows("one")


async def test_a_broken_plugin_at_the_start_keeps_only_who_uses_it_from_being_served(
    root: Path, folder: Path, redis_url: str
) -> None:
    drop(folder)
    write(root, USES)
    write(
        root,
        {
            "organization.yaml": "name: Beta\nmembers: [{handle: ada, name: Ada}, "
            "{handle: bruno, name: B}]\nintegrations: {lead_webhook: {enabled: true}}\n"
        },
        "beta",
    )
    async with running(root, redis_url, plugins_dir=folder):
        pass
    Stage().adopt()
    drop(folder, text="1 / 0")

    async with running(root, redis_url, plugins_dir=folder) as app:
        assert set(app.serving.current.organizations) == {"beta"}
        assert "ZeroDivisionError" in await refusal(app)
        drop(folder, "two")
        await wait_until(lambda: "acme" in app.serving.current.organizations, "all are served")


async def test_a_follower_takes_its_own_folder_up_and_refuses_what_breaks_what_it_serves(
    app: App, root: Path, folder: Path, redis_url: str, tmp_path: Path
) -> None:
    drop(folder)
    write(root, USES)
    await asked(app, "POST", "/-/reload")
    async with running(
        tmp_path / "nothing", redis_url, config_role="follower", plugins_dir=folder
    ) as follower:
        assert served(follower.serving) == {"Say"}
        (folder / "acme_say.py").unlink()

        assert "'acme_say' is not known here" in await refusal(follower)

        assert served(follower.serving) == {"Say"}
        drop(folder, "two")
        await wait_until(lambda: _is_ready(follower), "the follower is ready again")
        assert knows("two")


async def _is_ready(app: App) -> bool:
    return (await asked(app, "GET", "/-/ready"))[0] == 200


async def test_a_worker_uses_what_its_parent_adopted_before_a_reload_is_answered() -> None:
    """Workers never read the folder, so none of them is ahead of its parent or behind it."""
    ours, theirs = socket.socketpair()
    line, parent = await Line.on(ours), Parent(await Line.on(theirs), publishes=True)
    workers = Workers(Settings(workers=2))
    workers._lines[line] = 0
    taken: list[Mapping[str, bytes]] = []

    async def take(files: Mapping[str, bytes]) -> None:
        taken.append(files)

    files = {"/plugins/acme_say.py": b"# \xff\x00\n"}
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with background(parent.listen(), workers._converse(line, ready)):
        await parent.supply(take)
        await workers._spread(Found(files))
        assert taken == [{}, files]
        line.close()
        await parent.gone.wait()
        parent._line.close()
