"""Every kind of connection, from the address that a lead comes by to what history tells of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from graphing import integration, signed
from listening import ACME, RIVAL, Site, bearer, listening
from pointsman.ids import derived
from pointsman.pools.match import PRECEDENCE
from pointsman.store.redis import RedisStore

WORKFLOW = "11111111-2222-4333-8444-555555555555"
FILES = {
    "organization.yaml": ACME["organization.yaml"].replace(
        "{lead_webhook: {enabled: true}}",
        f"{{lead_webhook: {{enabled: true}}, automation: {{enabled: true}}, {integration()}}}",
    ),
    "workflows/nurture.yaml": json.dumps(
        {
            "id": WORKFLOW,
            "name": "Nurture",
            "trigger_module": "leads",
            "trigger_type": "lead_updated",
            "actions": [{"action_type": "add_tag", "config": {"tag": "a"}}],
        }
    ),
}
CONNECTIONS = {
    "meta_ad": {"source": "meta", "meta_ad_id": "ad-1"},
    "meta_form": {"source": "meta", "meta_form_id": "form-1"},
    "meta_campaign": {"source": "meta", "meta_campaign_id": "campaign-1"},
    "meta_page": {"source": "meta", "meta_page_id": "page-1"},
    "meta": {"source": "meta"},
    "automation_key": {"source": "automation", "provider": "zapier", "source_key": "q3"},
    "automation": {"source": "automation", "provider": "zapier"},
    "workflow": {"source": "workflow", "workflow_id": WORKFLOW},
    "webhook_key": {"source": "webhook", "source_key": "fair"},
    "utm_campaign": {"source": "webhook", "utm_campaign": "spring"},
    "webhook": {"source": "webhook"},
}


def pool(rule: str, connection: Any, **more: Any) -> str:
    document = {"name": rule, "participants": ["ada", "bob"], "connections": [connection], **more}
    return json.dumps(document)


POOLS = {f"pools/{rule}.yaml": pool(rule, given) for rule, given in CONNECTIONS.items()}
MANUAL = {
    "pools/manual.yaml": json.dumps(
        {"name": "manual", "participants": ["bob"], "assign_manual_leads": True}
    )
}
META = {"ad_id": "ad-1", "form_id": "form-1", "campaign_id": "campaign-1", "page_id": "page-1"}
LEAD = {"email": "lead@example.com"}


def with_pools(*rules: str) -> dict[str, str]:
    """Return Acme with the pools of these rules and the one for leads that people enter."""
    return {
        **FILES,
        **MANUAL,
        **{f"pools/{rule}.yaml": POOLS[f"pools/{rule}.yaml"] for rule in rules},
    }


@pytest.fixture
async def acme(store: RedisStore) -> AsyncIterator[Site]:
    """Acme with a pool for every kind of connection."""
    trees = {"acme": {**FILES, **MANUAL, **POOLS}, "rival": RIVAL}
    async with listening(store, trees) as opened:
        yield opened


async def send(site: Site, rule: str) -> Any:
    """Send a lead that the most specific rule is ``rule`` for, in the way such leads come."""
    kept = PRECEDENCE[PRECEDENCE.index(rule) :] if rule in PRECEDENCE else ()
    if rule.startswith("meta"):
        ids = {name: v for name, v in META.items() if f"meta_{name[:-3]}" in kept}
        data = [{"name": "email", "values": ["lead@example.com"]}]
        post = {"id": f"{rule}", "field_data": data, **ids}
        answer = await site.client.post("/intake/acme/meta", **signed(post))
        return (await answer.json())["leads"][0]
    path, body = {
        "automation_key": ("/intake/acme/automation/zapier/q3", LEAD),
        "automation": ("/intake/acme/automation/zapier", LEAD),
        "workflow": ("/api/v1/leads", {**LEAD, "workflowId": WORKFLOW.upper()}),
        "webhook_key": ("/intake/acme/webhook/fair", {**LEAD, "utm_campaign": "spring"}),
        "utm_campaign": ("/intake/acme/webhook", {**LEAD, "utm_campaign": " spring "}),
        "webhook": ("/intake/acme/webhook", LEAD),
        "manual": ("/api/v1/leads", LEAD),
    }[rule]
    answer = await site.client.post(path, json=body, headers=bearer("all"))
    assert answer.status == 201, await answer.text()
    return await answer.json()


RECORDED = {
    **dict.fromkeys(("automation_key", "automation"), "webhook"),
    **dict.fromkeys(("webhook_key", "utm_campaign", "webhook"), "webhook"),
    "workflow": "system",
    "manual": "manual",
}


@pytest.mark.parametrize("rule", [*PRECEDENCE, "manual"])
async def test_each_way_in_finds_the_pool_of_its_rule(acme: Site, rule: str) -> None:
    """Every lead matches all less specific rules of its kind too; history tells which one won."""
    told = await send(acme, rule)

    assert told["roundRobinId"] == acme.pool_id(rule)
    answer = await acme.client.get(
        f"/api/v1/round-robin/{told['roundRobinId']}/assignments", headers=bearer("all")
    )
    (row,) = (await answer.json())["data"]
    match = json.loads(row["metadata"])["match"]
    assert (row["leadId"], row["source"]) == (told["leadId"], RECORDED.get(rule, "meta"))
    assert match["fallbackType"] == rule
    pools = acme.serving.current.organizations["acme"].pools
    connections = pools[told["roundRobinId"]].connections
    assert match["connectionId"] == (connections[0].id if connections else None)


@pytest.mark.parametrize(
    ("rule", "pool"), [("automation", None), ("meta", None), ("workflow", "webhook")]
)
async def test_what_no_connection_of_its_kind_takes(
    store: RedisStore, rule: str, pool: str | None
) -> None:
    """The generic webhook takes leads of the webhook and of the system, not those of others."""
    async with listening(store, {"acme": with_pools("webhook", "webhook_key")}) as site:
        told = await send(site, rule)

        assert told.get("roundRobinId") == (site.pool_id(pool) if pool else None)
        assert told.get("reason") == (None if pool else "no_matching_pool")


async def test_a_connection_of_another_provider_or_workflow_does_not_match(acme: Site) -> None:
    path = "/intake/acme/automation/make"
    make = await (await acme.client.post(path, json=LEAD)).json()

    assert make["reason"] == "no_matching_pool"


async def test_a_stored_lead_is_assigned_by_the_workflow_it_came_from(acme: Site) -> None:
    body = {**LEAD, "workflowId": WORKFLOW, "assign": False}
    stored = await acme.client.post("/api/v1/leads", json=body, headers=bearer("all"))
    wanted = {"leadId": (await stored.json())["leadId"]}
    answer = await acme.client.post(
        "/api/v1/round-robin/assign", json=wanted, headers=bearer("all")
    )

    assert (await answer.json())["roundRobinId"] == acme.pool_id("workflow")


@pytest.mark.parametrize("workflow", ["nurture", derived("x"), 5])
async def test_a_lead_of_no_known_workflow_is_refused(acme: Site, workflow: Any) -> None:
    body = {**LEAD, "workflowId": workflow}
    answer = await acme.client.post("/api/v1/leads", json=body, headers=bearer("all"))

    assert answer.status == 400
    assert "workflowId: no workflow" in (await answer.json())["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "nobody/automation/zapier",
        "rival/automation/zapier",
        "acme/automation/ifttt",
        "acme/automation/zapier/unknown",
        "acme/automation/make/q3",
    ],
)
async def test_what_automations_do_not_know_is_the_same_404(acme: Site, path: str) -> None:
    """Unknown organization, switched off, unknown provider or key: one answer for all."""
    answer = await acme.client.post(f"/intake/{path}", json=LEAD)

    assert answer.status == 404
    message = (await answer.json())["error"]["message"]
    assert message.startswith("no automation's address here")


@pytest.mark.parametrize(("key", "status"), [("writer", 201), ("reader", 403), ("rival", 404)])
async def test_automations_prove_themselves_as_other_senders_do(
    store: RedisStore, key: str, status: int
) -> None:
    head = FILES["organization.yaml"] + "intake: {auth: key}\n"
    trees = {"acme": {**with_pools("automation"), "organization.yaml": head}, "rival": RIVAL}
    async with listening(store, trees) as site:
        answer = await site.client.post(
            "/intake/acme/automation/zapier", json=LEAD, headers=bearer(key)
        )
        without = await site.client.post("/intake/acme/automation/zapier", json=LEAD)

        assert (answer.status, without.status) == (status, 401)


async def test_the_same_idempotency_key_means_another_lead_at_another_address(acme: Site) -> None:
    headers = {"Idempotency-Key": "1"}
    paths = ("webhook", "automation/zapier", "automation/make", "automation/zapier/q3")
    ids = set()
    for path in paths * 2:
        answer = await acme.client.post(f"/intake/acme/{path}", json=LEAD, headers=headers)
        ids.add((await answer.json())["leadId"])

    assert len(ids) == len(paths)


FLOW = """\
name: Zaps
sources:
  - {{intake: automation{source}}}
steps: [{{type: pool, pool: webhook}}]
"""


@pytest.mark.parametrize(
    ("source", "by_flow"),
    [
        ("", ["zapier", "zapier/q3", "make"]),
        (", provider: zapier", ["zapier", "zapier/q3"]),
        (", provider: zapier, source_key: q3", ["zapier/q3"]),
        (", provider: zapier, source_key: other", ["zapier/other"]),
    ],
)
async def test_a_flow_takes_the_automations_that_it_names(
    store: RedisStore, source: str, by_flow: list[str]
) -> None:
    files = {
        **with_pools("webhook", "automation", "automation_key"),
        "flows/zaps.yaml": FLOW.format(source=source),
    }
    async with listening(store, {"acme": files}) as site:
        found = []
        for path in ("zapier", "zapier/q3", "make", "zapier/other"):
            answer = await site.client.post(f"/intake/acme/automation/{path}", json=LEAD)
            if (await answer.json()).get("roundRobinId") == site.pool_id("webhook"):
                found.append(path)

        assert found == by_flow
