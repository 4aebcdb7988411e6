"""Leads that wait in line, and people with an owner, as the API tells of them."""

from __future__ import annotations

import json
from typing import Any

from listening import ACME, Site, bearer, listening
from pointsman import observe
from pointsman.store.redis import RedisStore

PATH = "/api/v1/round-robin"
NIGHT = """
name: Night
when_nobody: park
participants: [eve]
connections: [{source: webhook, source_key: night}]
"""
KNOWN = """
name: Known
sticky: {by: [email]}
participants: [ada, bob]
connections: [{source: webhook, source_key: known}]
"""
FILES = {**ACME, "pools/night.yaml": NIGHT, "pools/known.yaml": KNOWN}


async def test_a_lead_that_waits_is_told_of_everywhere(store: RedisStore) -> None:
    """At the intake, on request, in the pool's stats, in the metrics."""
    async with listening(store, {"acme": FILES}) as site:
        counted = observe.child(observe.LEADS, "acme", "parked")
        before = counted._value.get()

        told = await site.post_lead(path="/night")

        lead = told.pop("leadId")
        assert told == {"assigned": False, "reason": "parked"}
        assert counted._value.get() == before + 1
        answer = await site.client.post(
            f"{PATH}/assign", json={"leadId": lead}, headers=bearer("all")
        )
        assert await answer.json() == {"assigned": False, "reason": "parked"}
        stats = (await pool(site, "Night"))["stats"]
        assert stats["parkedCount"] == 1
        read = await site.client.get(f"/api/v1/leads/{lead}", headers=bearer("all"))
        assert stats["oldestParkedAt"] == (await read.json())["createdAt"]


async def test_an_owner_is_told_of_in_the_history(store: RedisStore) -> None:
    async with listening(store, {"acme": FILES}) as site:
        people = [(await site.post_lead(path="/known"))["assignedToId"] for _ in range(3)]

        answer = await site.client.get(
            f"{PATH}/{site.pool_id('Known')}/assignments", headers=bearer("all")
        )

        assert len(set(people)) == 1
        rows = (await answer.json())["data"]
        told = [json.loads(row["metadata"]).get("sticky") for row in rows]
        assert told == [{"by": "email"}, {"by": "email"}, None]


async def pool(site: Site, name: str) -> dict[str, Any]:
    answer = await site.client.get(f"{PATH}/{site.pool_id(name)}", headers=bearer("all"))
    told: dict[str, Any] = await answer.json()
    return told
