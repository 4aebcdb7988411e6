"""Flows over the API: their files, the answers, and what is refused."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from daemons import running
from deployed import Client, House, lay_out, refusal
from listening import ACME, RIVAL, bearer
from pointsman.http.flow_deployment import DEPLOYED
from support import wait_until

FLOWS = "/api/v1/flows"
SOLAR = """\
# What the shop sends us.
name: Solar   # as in the contract
sources:
  # the shop
  - key: shop   # its address hangs on this
    name: Lead Shop
    mappings:
      - {property: first_name, value: "{{fname}}"}   # they say fname
    acceptance_criteria:
      rule_set: {op: and, rules: [{lhv: lead.state, op: is equal to, rhv: TX}]}
    caps:
      - {maximum: 100, duration_units: day}   # per contract
fields: [first_name, email, state]   # no more
steps:
  # nobody without a name
  - type: filter
    rule_set: {op: and, rules: [{lhv: lead.first_name, op: is blank}]}
    reason: no name   # told to them
  - {key: assign, type: pool, pool: away}   # the team
"""
OTHER = """\
id: 5fd4371e940df5a34a3888b2
name: Other
sources: [{key: only}]
steps: []
"""
BUYER = """\
name: Big Buyer
integration:
  module_id: json
  mappings: [{property: url, value: "https://buyer.example/leads"}]
"""
CRM = 'credentials: [{name: shop, token: "${SHOP_TOKEN}"}]\n'
MADE = {
    "name": "Sales Leads",
    "enabled": True,
    "fields": ["first_name", "email", "state"],
    "caps": [
        {
            "type": "volume",
            "name": "Monthly leads from TX",
            "maximum": 1200,
            "duration": 1,
            "duration_units": "month",
            "rule_set": {
                "op": "and",
                "rules": [{"lhv": "lead.state", "op": "is equal to", "rhv": "TX"}],
            },
            "time_zone": "America/New_York",
        }
    ],
    "destinations": [],
    "sources": [
        {
            "integration": {
                "module_id": "default",
                "mappings": [{"property": "first_name", "value": "{{fname}}"}],
            },
            "entity": {"name": "Lead Shop"},
            "enabled": True,
            "authentication_required": False,
        }
    ],
    "steps": [
        {
            "type": "filter",
            "rule_set": {"op": "and", "rules": [{"lhv": "lead.email", "op": "is blank"}]},
            "reason": "no email",
            "enabled": True,
        }
    ],
}


@pytest.fixture(name="house")
async def flow_house(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Acme with a flow full of comments, and its rival."""
    monkeypatch.setenv("SHOP_TOKEN", "secret")
    files = {
        **ACME,
        "organization.yaml": ACME["organization.yaml"] + CRM,
        "flows/solar.yaml": SOLAR,
        "flows/other.yaml": OTHER,
        "destinations/buyer.yaml": BUYER,
    }
    root = lay_out(tmp_path / "config", files)
    lay_out(root, RIVAL, "rival")
    async with running(root, redis_url) as app:
        yield House(app, root, Client(app.url))


async def call(house: House, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
    """Send one request about flows."""
    return await house.client.call(method, FLOWS + path, body)


async def solar(house: House) -> Any:
    """Return the flow of the file above."""
    _, told = await call(house, "GET")
    return next(each for each in told if each["name"] == "Solar")


def text(house: House, name: str = "solar") -> str:
    return (house.root / "acme/flows" / f"{name}.yaml").read_text()


async def test_a_flow_is_told_in_the_words_of_the_reference(house: House) -> None:
    """Ids that the file need not write are told; entity, integration and times are there."""
    flow = await solar(house)

    (source,) = flow["sources"]
    assert {"id", "created_at", "updated_at"} <= flow.keys()
    assert (flow["errors"], flow["enabled"], flow["ping_enabled"]) == ({}, True, False)
    assert flow["fields"] == ["first_name", "email", "state"]
    assert source["entity"]["name"] == "Lead Shop"
    (mapping,) = source["integration"]["mappings"]
    assert mapping == {"id": mapping["id"], "property": "first_name", "value": "{{fname}}"}
    (cap,) = source["caps"]
    accepted, rules = source["acceptance_criteria"]["rule_set"], flow["steps"][0]["rule_set"]
    clauses = [each for one in (accepted, rules) for each in (one, *one["rules"])]
    short = [source, *flow["steps"], mapping, *clauses]
    assert len({one["id"] for one in clauses}) == 4
    assert {len(one["id"]) for one in short} == {6}
    assert len(cap["id"]) == 24


async def test_what_is_read_and_sent_back_changes_nothing(house: House) -> None:
    before = house.generation()

    for flow in (await call(house, "GET"))[1]:
        status, told = await call(house, "PUT", f"/{flow['id']}", flow)
        assert (status, told) == (200, flow)

    assert (text(house), house.generation()) == (SOLAR, before)


async def test_a_change_leaves_the_rest_of_the_file_as_it_is(house: House) -> None:
    """Ids are written where their part changes, so that addresses and counters stay."""
    flow = await solar(house)
    flow["sources"][0]["caps"][0]["maximum"] = 50
    flow["steps"][0]["reason"] = "nobody"
    wanted = SOLAR.replace("maximum: 100", "maximum: 50").replace(
        "reason: no name", "reason: nobody"
    )

    status, told = await call(house, "PUT", f"/{flow['id']}", flow)

    assert status == 200, told
    cap, step = told["sources"][0]["caps"][0]["id"], told["steps"][0]["id"]
    assert (cap, step) == (flow["sources"][0]["caps"][0]["id"], flow["steps"][0]["id"])
    changed = [line for line in text(house).splitlines() if line not in wanted.splitlines()]
    assert [line.split("#")[0].split() for line in changed] == [
        ["-", *f"{{maximum: 50, duration_units: day, id: {_scalar(cap)}}}".split()],
        ["id:", _scalar(step)],
    ]
    assert told["updated_at"] > flow["updated_at"]
    assert told["created_at"] == flow["created_at"]


def _scalar(identifier: str) -> str:
    return identifier if identifier[0].isalpha() else f'"{identifier}"'


async def test_a_flow_is_made_and_taken_away_again(house: House) -> None:
    """A source that is made is an address that takes leads at once; deleting answers the flow."""
    status, made = await call(house, "POST", "", MADE)
    assert status == 201, made
    (source,) = made["sources"]
    url = f"{house.client.url}/flows/{made['id']}/sources/{source['id']}/submit"
    async with ClientSession() as http:
        taken = await http.post(url, data={"fname": "Ada", "email": "a@b.example"})
        turned = await http.post(url, data={"fname": "Ada"})
        assert (await taken.json())["outcome"] == "success"
        assert (await turned.json())["reason"] == "no email"

    deleted = await call(house, "DELETE", f"/{made['id']}")

    assert deleted == (200, made)
    assert (await call(house, "GET", f"/{made['id']}"))[0] == 404
    assert not (house.root / "acme/flows/sales-leads.yaml").exists()
    assert 'id: "' in text(house) or "key: shop" in text(house)


async def test_the_caller_may_choose_the_id_once(house: House) -> None:
    chosen = {**MADE, "id": "5FD4371E940DF5A34A3888B3"}

    first, again = await call(house, "POST", "", chosen), await call(house, "POST", "", chosen)

    assert (first[0], first[1]["id"]) == (201, "5fd4371e940df5a34a3888b3")
    assert refusal(again)[:2] == (409, "CONFLICT")


WRONG: dict[str, Any] = {
    "steps[0]": {"steps": [{"type": "filter"}]},
    "sources[0].integration.mappings[0].property": {
        "sources": [{"integration": {"mappings": [{"property": 1, "value": ""}]}}]
    },
    "sources[0].integration.module_id": {"sources": [{"integration": {"module_id": "x"}}]},
    "sources[0].credential_id": {"sources": [{"credential_id": "0" * 24}]},
    "steps[0].steps[0].entity.name": {
        "steps": [
            {
                "type": "parallel",
                "steps": [
                    {
                        "type": "recipient",
                        "entity": {"name": "Lead"},
                        "integration": {
                            "module_id": "json",
                            "mappings": [{"property": "url", "value": "https://a.example"}],
                        },
                    }
                ],
            }
        ]
    },
    "sources[0].entity.time_zone": {
        "sources": [{"entity": {"name": "S", "time_zone": "Asia/Tokyo"}}]
    },
    "firehose": {"firehose": {"bucket": "b"}},
    "firehose.credential_id": {"firehose": {"credential_id": "0" * 24, "enabled": False}},
    "fields[0]": {"fields": ["no_such_field"]},
    "name": {"name": ""},
    "flow": {"sources": None},
    "id": {"id": "5fd4371e940df5a34a3888b4"},
}


async def test_what_cannot_be_saved_is_told_by_place_and_changes_nothing(house: House) -> None:
    flow = await solar(house)
    answers = {
        place: await call(house, "PUT", f"/{flow['id']}", change) for place, change in WRONG.items()
    }

    assert {status for status, _ in answers.values()} == {422}, answers
    assert {place: list(told["errors"]) for place, (_, told) in answers.items()} == {
        place: [place] for place in WRONG
    }
    assert text(house) == SOLAR


async def test_what_says_nothing_is_passed_over(house: House) -> None:
    """Objects as clients send them: null for what they do not use, empty sets of rules."""
    rule = {"lhv": "lead.state", "op": "is equal to", "rhv": "TX", "rule_set": {}}
    mapping = {"property": "first_name", "value": "{{fname}}", "rule_set": {}}
    cap = {"maximum": 9, "duration_units": "day", "caps": None, "created_at": "2020-11-23T11:41Z"}
    body = {
        **MADE,
        "acceptance_criteria": {"rule_set": {"op": "and", "rules": [rule]}, "reason": None},
        "caps": [cap],
        "pricing": {"override": None, "prices": [{"id": "1aacd0", "amount": 5, "rule_set": {}}]},
        "sources": [
            {
                "acceptance_criteria": {"rule_set": {}, "outcome": "failure", "reason": None},
                "integration": {"module_id": "default", "mappings": [mapping]},
                "pricing": {"override": True, "prices": []},
            }
        ],
        "firehose": None,
    }

    status, told = await call(house, "POST", "", body)

    assert status == 201, told
    assert told["acceptance_criteria"].keys() == {"rule_set"}
    assert told["pricing"] == {"prices": [{"id": "1aacd0", "amount": 5}]}
    assert "acceptance_criteria" not in told["sources"][0]
    assert "null" not in text(house, "sales-leads")
    before = text(house, "sales-leads")
    told["steps"][0]["rule_set"]["rules"][0]["id"] = "abcdef"
    _, again = await call(house, "PUT", f"/{told['id']}", told)
    assert again["steps"][0]["rule_set"]["rules"][0]["id"] == "abcdef"
    assert text(house, "sales-leads").replace("id: abcdef\n          lhv", "lhv") == before


async def test_everything_that_is_missing_is_told(house: House) -> None:
    _, told = await call(house, "POST", "", {})

    assert set(told["errors"]) == {"flow"}
    assert all(f"'{name}' is missing" in told["errors"]["flow"] for name in ("name", "sources"))


async def test_all_flows_change_or_none(house: House) -> None:
    """Every id must exist; what is not named stays."""
    one, other = (await call(house, "GET"))[1]
    await call(house, "POST", "", MADE)
    renamed = [{"id": one["id"], "name": "One"}, {"id": other["id"], "enabled": False}]
    wrong = [{"id": one["id"], "name": "Never"}, {"id": other["id"], "steps": [{"type": "x"}]}]
    unknown = [{"id": one["id"], "name": "Never"}, {"id": "0" * 24}]

    refused = [await call(house, "PUT", "", wrong), await call(house, "PUT", "", unknown)]
    status, told = await call(house, "PUT", "", renamed)

    assert [answer[0] for answer in refused] == [422, 422]
    assert "[1].id" in refused[1][1]["errors"]
    assert status == 200, told
    assert {flow["name"] for flow in told} == {"One", "Solar", "Sales Leads"}
    assert "name: One" in text(house, "other")
    assert "enabled: false" in text(house)


async def test_of_several_flows_it_is_told_which_one_is_wrong(house: House) -> None:
    one, other = (await call(house, "GET"))[1]
    unmapped = {"integration": {"mappings": [{"property": 1, "value": ""}]}}
    bodies = [
        {"id": other["id"], "steps": [{"type": "pool", "pool": "nowhere"}]},
        {"id": one["id"], "sources": [unmapped]},
    ]

    status, told = await call(house, "PUT", "", bodies)

    assert status == 422
    assert set(told["errors"]) == {
        "[0].steps[0].pool",
        "[1].sources[0].integration.mappings[0].property",
    }
    assert all(place in told["error"]["message"] for place in told["errors"])
    assert text(house) == SOLAR


async def test_a_file_that_became_invalid_shows_its_errors_and_stays_in_use(house: House) -> None:
    path = house.root / "acme/flows/solar.yaml"
    path.write_text(SOLAR.replace("type: pool", "type: pond"))
    await house.client.call("POST", "/-/reload")

    flow = await solar(house)

    assert "steps[1].type" in flow["errors"]
    assert flow["steps"][1]["type"] == "pool"
    path.write_text(SOLAR)
    await house.client.call("POST", "/-/reload")
    assert (await solar(house))["errors"] == {}


async def test_deploying_tells_what_is_so_already(house: House) -> None:
    before = house.generation()

    answer = await call(house, "POST", f"/{(await solar(house))['id']}/deploy")

    assert answer == (200, {"message": DEPLOYED})
    assert house.generation() == before


async def test_fields_are_listed_and_their_use_is_counted_by_day(house: House) -> None:
    flow = await solar(house)
    url = f"{house.client.url}/flows/{flow['id']}/sources/{flow['sources'][0]['id']}/submit"
    async with ClientSession() as http:
        for body in ({"fname": "Ada", "state": "TX"}, {"state": "TX"}, {"state": "CA"}):
            assert (await http.post(url, data=body)).status == 201

    _, fields = await call(house, "GET", f"/{flow['id']}/fields")
    _, today = await call(house, "GET", f"/{flow['id']}/fields/usage")
    _, before = await call(house, "GET", f"/{flow['id']}/fields/usage?timeframe=previous_7_days")
    wrong = await call(house, "GET", f"/{flow['id']}/fields/usage?timeframe=ever")

    assert [field["id"] for field in fields] == ["first_name", "email", "state"]
    assert (fields[0]["name"], fields[0]["standard"]) == ("First Name", True)
    assert today == {"first_name": 1, "email": 0, "state": 3}
    assert before == dict.fromkeys(today, 0)
    assert wrong[0] == 400


async def test_basic_with_the_key_as_password_opens_as_bearer_does(house: House) -> None:
    key = bearer("all")["Authorization"].partition(" ")[2]
    known, strange = (
        base64.b64encode(f"{user}:{key}".encode()).decode() for user in ("API", "Somebody")
    )
    async with ClientSession() as http:
        url = house.client.url + FLOWS
        right = await http.get(url, headers={"Authorization": f"Basic {known}"})
        wrong = await http.get(url, headers={"Authorization": f"Basic {strange}"})

        assert (right.status, wrong.status) == (200, 401)


async def test_scopes_and_organizations_are_kept_apart(house: House) -> None:
    flow = await solar(house)
    rival = Client(house.client.url, "rival")

    answers = [
        await rival.call("GET", f"{FLOWS}/{flow['id']}"),
        await rival.call("DELETE", f"{FLOWS}/{flow['id']}"),
    ]

    assert all(status in (403, 404) for status, _ in answers)
    assert text(house) == SOLAR


async def test_an_organization_without_the_flows_api_is_answered_401(house: House) -> None:
    """The reference's free account; what the flows do goes on."""
    path = house.root / "acme/organization.yaml"
    switched = path.read_text().replace(
        "integrations: {", "integrations: {flows: {enabled: false}, "
    )
    path.write_text(switched)

    async def is_off() -> bool:
        return (await call(house, "GET"))[0] == 401

    await house.client.call("POST", "/-/reload")
    await wait_until(is_off, "the flows API is off")


async def test_flows_name_destinations_and_destinations_tell_which_flows(house: House) -> None:
    """Behind the last step, or as a recipient; the file says only the name."""
    flow = await solar(house)
    (alone,) = (await house.client.call("GET", "/api/v1/destinations"))[1]
    step = {"type": "recipient", "key": "buyer", "destination": "buyer"}
    changes = {"destinations": [alone], "steps": [*flow["steps"], step]}

    status, told = await call(house, "PUT", f"/{flow['id']}", changes)
    _, (used,) = await house.client.call("GET", "/api/v1/destinations?include=flow_usages")
    unknown = await call(house, "PUT", f"/{flow['id']}", {"destinations": [{"name": "Nobody"}]})

    assert alone == {
        "name": "Big Buyer",
        "instance_id": alone["instance_id"],
        "actions": [
            {
                "name": "Deliver the lead",
                "action_id": "deliver",
                "webhook_url": "https://buyer.example/leads",
            }
        ],
    }
    assert status == 200, told
    assert told["destinations"] == [alone]
    assert told["steps"][-1]["destination"] == "buyer"
    assert used["flow_usages"] == {"count": 1, "flows": [{"id": flow["id"], "name": "Solar"}]}
    assert "destinations:" in text(house)
    assert "https://buyer.example" not in text(house)
    compiled = house.app.serving.current.organizations["acme"].named_flows["solar"]
    assert [step.type for step in compiled.steps[2:]] == ["recipient", "recipient"]
    assert unknown[0] == 422
    assert "destinations[0]" in unknown[1]["errors"]
