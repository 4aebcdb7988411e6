"""Workflows over the API: their files, the answers, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from daemons import running
from deployed import Client, House, lay_out, refusal
from listening import ACME, RIVAL, bearer
from pointsman.config.load import load

WORKFLOWS = "/api/v1/workflows"
AUTO = {
    "name": "Auto-tag new leads",
    "description": "Round-robin assignment for inbound leads",
    "triggerModule": "leads",
    "triggerType": "lead_created",
    "triggerFilters": {
        "logic": "AND",
        "conditions": [{"field": "source", "operator": "equals", "value": "website"}],
    },
    "isActive": True,
    "actions": [
        {"actionType": "add_tag", "config": {"tags": ["second"]}, "sortOrder": 2},
        {"actionType": "add_tag", "config": {"tags": ["first"]}, "sortOrder": 1},
    ],
}
HOT = """\
# Who is called first.
name: Hot   # as the team says
trigger_module: leads
trigger_type: lead_created
trigger_filters:
  logic: OR
  conditions:
    # the fair
    - {field: source, operator: equals, value: fair, ignore_case: true}
    - {field: score, operator: greater_than, value: 80}   # from the site
actions:
  # tell everybody
  - key: mark
    action_type: add_tag
    config: {tag: hot}   # in red
  - action_type: webhook   # the CRM
    config:
      url: https://crm.example.com/leads
      signing_credential: crm   # rotated in May
      headers: {X-Team_Name: sales}
  - action_type: branch
    config:
      conditions: {conditions: [{field: city, operator: equals, value: bonn}]}
      then:
        - {action_type: add_tag, config: {tag: bonn}}   # near
      else:
        - {action_type: add_tag, config: {tag: far}}
"""
CRM = 'credentials: [{name: crm, token: "${CRM_TOKEN}"}]\n'


@pytest.fixture(name="house")
async def workflow_house(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Acme with a workflow full of comments, and its rival."""
    monkeypatch.setenv("CRM_TOKEN", "whsec_c2VjcmV0c2VjcmV0")
    files = {
        **ACME,
        "organization.yaml": ACME["organization.yaml"] + CRM,
        "workflows/hot.yaml": HOT,
    }
    root = lay_out(tmp_path / "config", files)
    lay_out(root, RIVAL, "rival")
    async with running(root, redis_url) as app:
        yield House(app, root, Client(app.url))


async def call(
    house: House, method: str, path: str = "", body: Any = None, key: str = "all"
) -> tuple[int, Any]:
    """Send one request about workflows."""
    async with (
        ClientSession() as http,
        http.request(
            method, f"{house.client.url}{WORKFLOWS}{path}", json=body, headers=bearer(key)
        ) as answer,
    ):
        return answer.status, await answer.json()


async def got(house: House, path: str = "") -> Any:
    status, told = await call(house, "GET", path)
    assert status == 200, told
    return told


async def hot(house: House) -> Any:
    """Return the workflow of the file above."""
    return next(each for each in (await got(house))["data"] if each["name"].startswith("Hot"))


def text(house: House, name: str) -> str:
    return (house.root / "acme/workflows" / f"{name}.yaml").read_text()


async def test_a_workflow_is_made_as_the_reference_shows(house: House) -> None:
    status, made = await call(house, "POST", "", AUTO)

    assert status == 201, made
    ids = [action["id"] for action in made["actions"]]
    assert made == {
        **AUTO,
        "id": made["id"],
        "organizationId": house.app.serving.current.organizations["acme"].id,
        "reenter": False,
        "concurrency": "allow",
        "version": 1,
        "actions": [
            {
                "id": identifier,
                "actionType": "add_tag",
                "config": {"tags": [tag]},
                "onError": "fail",
                "sortOrder": place,
            }
            for identifier, tag, place in zip(ids, ["first", "second"], [1, 2], strict=True)
        ],
        "runCount": 0,
        "lastRunAt": None,
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    written = text(house, "auto-tag-new-leads").replace('"', "")
    assert written == (
        f"id: {made['id']}\n"
        "name: Auto-tag new leads\n"
        "description: Round-robin assignment for inbound leads\n"
        "trigger_module: leads\n"
        "trigger_type: lead_created\n"
        "trigger_filters:\n"
        "  logic: AND\n"
        "  conditions:\n"
        "    - field: source\n"
        "      operator: equals\n"
        "      value: website\n"
        "actions:\n"
        f"  - id: {ids[0]}\n"
        "    action_type: add_tag\n"
        "    config:\n"
        "      tags: [first]\n"
        f"  - id: {ids[1]}\n"
        "    action_type: add_tag\n"
        "    config:\n"
        "      tags: [second]\n"
    )
    assert await got(house, f"/{made['id']}") == made
    assert (await got(house))["data"][0] == made, "the newest is first"
    assert [str(p) for p in load(house.root)[1] if p.severity == "error"] == []


async def test_a_file_is_told_in_the_spelling_of_the_api(house: House) -> None:
    told = await hot(house)

    assert told["triggerFilters"]["conditions"][0]["ignoreCase"] is True
    mark, tell, branch = told["actions"]
    assert (mark["key"], [each["sortOrder"] for each in told["actions"]]) == ("mark", [1, 2, 3])
    assert tell["config"] == {
        "url": "https://crm.example.com/leads",
        "signingCredential": "crm",
        "headers": {"X-Team_Name": "sales"},
    }
    assert [each["config"] for each in branch["config"]["then"]] == [{"tag": "bonn"}]
    assert branch["config"]["else"][0]["sortOrder"] == 1
    assert len({each["id"] for each in (*told["actions"], *branch["config"]["then"])}) == 4


async def test_what_was_read_can_be_sent_back_and_changes_nothing(house: House) -> None:
    before = await hot(house)

    answer = await call(house, "PUT", f"/{before['id']}", before)

    assert answer == (200, before)
    assert text(house, "hot") == HOT
    assert house.generation() == 1


async def test_a_change_leaves_everything_else_byte_for_byte(house: House) -> None:
    told = await hot(house)
    told["actions"][1]["config"]["headers"]["X-Team_Name"] = "service"
    told["actions"][2]["config"]["then"][0]["config"] = {"tag": "near"}
    del told["triggerFilters"]["conditions"][1]
    body = {name: told[name] for name in ("actions", "triggerFilters")}

    status, after = await call(house, "PUT", f"/{told['id']}", {**body, "name": "Hot leads"})

    assert (status, after["version"]) == (200, 2)
    ids = {each["config"].get("url", "branch"): each["id"] for each in told["actions"][1:]}
    then = told["actions"][2]["config"]["then"][0]["id"]
    expected = (
        HOT.replace("name: Hot ", "name: Hot leads ")
        .replace("    - {field: score, operator: greater_than, value: 80}   # from the site\n", "")
        .replace("X-Team_Name: sales", "X-Team_Name: service")
        .replace("{tag: bonn}}", "{tag: near}, id: THEN}")
    )
    written = text(house, "hot").replace('"', "")
    for identifier in ids.values():
        written = written.replace(f"    id: {identifier}\n", "", 1)
    assert written == expected.replace("THEN", then)
    assert [each["id"] for each in after["actions"]] == [each["id"] for each in told["actions"]]


async def test_actions_are_arranged_added_and_removed_by_id(house: House) -> None:
    told = await hot(house)
    mark, tell, _ = told["actions"]
    listed = [
        {**tell, "sortOrder": 1},
        {"actionType": "wait", "config": {"duration": "1h"}, "sortOrder": 2, "onError": "continue"},
        {**mark, "sortOrder": 3},
    ]

    status, after = await call(house, "PUT", f"/{told['id']}", {"actions": listed})

    assert status == 200, after
    assert [each["actionType"] for each in after["actions"]] == ["webhook", "wait", "add_tag"]
    assert [each["id"] for each in (*after["actions"][:1], *after["actions"][2:])] == [
        tell["id"],
        mark["id"],
    ]
    written = text(house, "hot")
    assert "action_type: webhook   # the CRM" in written
    assert "  # tell everybody\n  - key: mark\n" in written
    assert "branch" not in written
    assert "on_error: continue" in written


async def test_actions_without_ids_are_known_by_what_they_say(house: House) -> None:
    told = await hot(house)
    bare = [
        {name: value for name, value in each.items() if name not in {"id", "sortOrder"}}
        for each in told["actions"][:2]
    ]

    _, after = await call(house, "PUT", f"/{told['id']}", {"actions": bare})

    assert [each["id"] for each in after["actions"]] == [each["id"] for each in told["actions"][:2]]
    assert "config: {tag: hot}   # in red" in text(house, "hot")


async def test_null_clears_and_what_is_left_out_stays(house: House) -> None:
    _, made = await call(house, "POST", "", AUTO)

    _, after = await call(
        house, "PUT", f"/{made['id']}", {"description": None, "triggerFilters": None}
    )

    assert (after["description"], after["triggerFilters"]["conditions"]) == (None, [])
    assert (after["name"], after["actions"]) == (made["name"], made["actions"])


async def test_a_version_grows_with_every_change_but_not_with_a_switch(house: House) -> None:
    """From the API or from the file, and a restart or a comment is no change."""
    identifier = (await hot(house))["id"]
    path = house.root / "acme/workflows/hot.yaml"

    async def version() -> int:
        number: int = (await got(house, f"/{identifier}"))["version"]
        return number

    seen = [await version()]
    await call(house, "PATCH", f"/{identifier}/toggle")
    seen.append(await version())
    await call(house, "PUT", f"/{identifier}", {"isActive": True})
    seen.append(await version())
    await call(house, "PUT", f"/{identifier}", {"description": "x"})
    seen.append(await version())
    path.write_text(path.read_text() + "# a comment\n")
    await house.app.reload()
    seen.append(await version())
    path.write_text(path.read_text().replace("tag: hot", "tag: warm"))
    await house.app.reload()
    seen.append(await version())
    kept = path.read_text()
    path.unlink()
    await house.app.reload()
    path.write_text(kept)
    await house.app.reload()
    seen.append(await version())

    assert seen == [1, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("way", ["api", "file"])
async def test_switched_off_means_the_same_over_the_api_and_in_the_file(
    house: House, way: str
) -> None:
    """L16: what was switched off stays off after a reload, wherever that was done."""
    told = await hot(house)
    if way == "api":
        status, after = await call(house, "PATCH", f"/{told['id']}/toggle", {"isActive": False})
        assert (status, after["isActive"]) == (200, False)
    else:
        path = house.root / "acme/workflows/hot.yaml"
        path.write_text(HOT.replace("actions:", "is_active: false\nactions:", 1))
    await house.app.reload()

    assert (await hot(house))["isActive"] is False
    assert "is_active: false" in text(house, "hot")
    organization = house.app.serving.current.organizations["acme"]
    assert organization.triggers == {}
    status, after = await call(house, "PATCH", f"/{told['id']}/toggle")
    assert (status, after["isActive"]) == (200, True)
    again = await call(house, "PATCH", f"/{told['id']}/toggle", {"isActive": True})
    assert again == (200, after)


async def test_a_workflow_is_removed_with_its_file(house: House) -> None:
    identifier = (await hot(house))["id"]

    assert await call(house, "DELETE", f"/{identifier}") == (
        200,
        {"deleted": True, "id": identifier},
    )

    assert not (house.root / "acme/workflows/hot.yaml").exists()
    for method, path in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("PATCH", "/toggle")]:
        body: Any = {} if method in {"PUT", "PATCH"} else None
        assert refusal(await call(house, method, f"/{identifier}{path}", body))[0] == 404


async def test_a_workflow_that_a_pool_names_cannot_be_removed(house: House) -> None:
    identifier = (await hot(house))["id"]
    pool_id = await house.client.pool_id("Spring")
    named = {"source": "workflow", "workflowId": identifier}
    assert (await house.client.post(named, f"/{pool_id}/connections"))[0] == 201

    answer = await call(house, "DELETE", f"/{identifier}")

    assert refusal(answer)[:2] == (409, "CONFLICT")
    assert (house.root / "acme/workflows/hot.yaml").exists()


async def test_workflows_are_listed_by_module_and_page(house: House) -> None:
    for number in range(3):
        await call(house, "POST", "", {**AUTO, "name": f"W{number}"})

    first = await got(house, "?limit=3")
    second = await got(house, "?limit=3&page=2")
    leads = await got(house, "?module=leads")
    tasks = await got(house, "?module=tasks")

    assert first["pagination"] == {"total": 4, "limit": 3, "offset": 0, "hasMore": True}
    assert [each["name"] for each in (*first["data"], *second["data"])] == ["W2", "W1", "W0", "Hot"]
    assert (leads["pagination"]["total"], tasks["pagination"]["total"]) == (4, 0)
    assert refusal(await call(house, "GET", "?module=cats"))[:2] == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "name: expected text, found nothing"),
        ({"triggerModule": "cats"}, "triggerModule: 'cats' is not known here"),
        ({"triggerType": "lead_sung"}, "triggerType: 'lead_sung' is not known here"),
        ({"isActive": "yes"}, "isActive: expected true or false, found 'yes'"),
        ({"trigger_type": "x"}, "trigger_type: unknown key 'trigger_type', did you mean"),
        ({"concurrency": "two"}, "concurrency: 'two' is not known here"),
        ({"actions": []}, "actions: expected at least 1 item, found 0"),
        ({"actions": [{}]}, "actions[0].actionType: is required"),
        (
            {"actions": [{"actionType": "add_tg"}]},
            "actions[0].actionType: 'add_tg' is not known here, did you mean 'add_tag'?",
        ),
        (
            {"actions": [{"actionType": "webhook", "config": {"url": "https://x.y", "tmout": 1}}]},
            "actions[0].config.tmout: unknown key 'tmout', did you mean 'timeout'?",
        ),
        (
            {"actions": [{"actionType": "webhook", "config": {}}]},
            "actions[0].config.url: is required",
        ),
        (
            {"triggerFilters": {"conditions": [{"field": "a", "operator": "is"}]}},
            "triggerFilters.conditions[0].operator: 'is' is not known here",
        ),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_wrong_body_is_told_field_by_field(
    house: House, method: str, change: Mapping[str, Any], message: str
) -> None:
    path = "" if method == "POST" else f"/{(await hot(house))['id']}"

    answer = await call(house, method, path, {**AUTO, **change})

    status, code, told = refusal(answer)
    assert (status, code) == (400, "VALIDATION_ERROR")
    assert told.startswith(message), told
    assert house.generation() == 1


async def test_a_trigger_type_belongs_to_its_module(house: House) -> None:
    made = await call(house, "POST", "", {**AUTO, "triggerModule": "tasks"})
    changed = await call(
        house, "PUT", f"/{(await hot(house))['id']}", {"triggerType": "task_created"}
    )

    assert refusal(made)[0] == refusal(changed)[0] == 400
    assert refusal(made)[2].startswith("triggerType: 'lead_created' is no event of 'tasks'")
    assert house.generation() == 1


async def test_what_a_body_names_and_nobody_has_is_told_by_its_place_there(house: House) -> None:
    owner = {"actionType": "assign_owner", "config": {"userIds": ["zed"]}}
    hook = {"url": "https://crm.example.com", "headers": {"x_own": "{{trigger.a | nope}}"}}
    told = refusal(await call(house, "POST", "", {**AUTO, "actions": [owner]}))
    own = [{"actionType": "webhook", "config": hook}]
    kept = refusal(await call(house, "POST", "", {**AUTO, "actions": own}))

    assert told[2].startswith("actions[0].config.userIds[0]: no member 'zed'")
    assert kept[2].startswith("actions[0].config.headers.x_own: ")
    assert house.generation() == 1


async def test_writing_wants_its_scope_and_the_right_organization(house: House) -> None:
    identifier = (await hot(house))["id"]

    assert refusal(await call(house, "POST", "", AUTO, key="reader"))[0] == 403
    assert refusal(await call(house, "GET", f"/{identifier}", key="rival"))[0] == 404
    assert refusal(await call(house, "DELETE", f"/{identifier}", key="rival"))[0] == 404
    assert refusal(await call(house, "POST", "", {"name": 1}, key="nobody"))[0] == 401
