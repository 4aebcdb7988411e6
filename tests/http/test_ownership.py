"""Who has a lead, over the API, after its first assignment."""

from __future__ import annotations

from typing import Any

import pytest

from listening import ACME, RIVAL, Site, bearer, listening
from pointsman.store.redis import RedisStore

LEADS = "/api/v1/leads"


async def post(site: Site, path: str, body: Any = None, key: str = "writer", **headers: str) -> Any:
    sent = {**bearer(key), **headers}
    return await site.client.post(path, json={} if body is None else body, headers=sent)


async def told(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json()


async def error(answer: Any, status: int, code: str) -> str:
    found = (await told(answer, status))["error"]
    assert found["code"] == code
    return str(found["message"])


async def lead_of(site: Site, lead: str) -> Any:
    return await told(await site.client.get(f"{LEADS}/{lead}", headers=bearer("reader")))


def member(site: Site, handle: str) -> str:
    return site.serving.current.organizations["acme"].handles[handle]


async def assignments(site: Site, pool: str) -> Any:
    path = f"/api/v1/round-robin/{pool}/assignments"
    return (await told(await site.client.get(path, headers=bearer("reader"))))["data"]


async def test_a_lead_goes_through_all_hands(site: Site) -> None:
    """Given, passed on, taken away, assigned again, accepted; each told in its timeline."""
    ada, bob, pool = member(site, "ada"), member(site, "bob"), site.pool_id("Inbound")
    lead = (await site.post_lead())["leadId"]

    passed = await told(await post(site, f"{LEADS}/{lead}/reassign", {"next": True, "note": "ill"}))
    assert (passed["previousId"], passed["assignedToId"]) == (ada, bob)
    assert (passed["roundRobinId"], passed["turnOrder"], passed["turnTaken"]) == (pool, 2, True)
    taken = await told(await post(site, f"{LEADS}/{lead}/unassign", {"credit": True}))
    assert (taken["previousId"], taken["assignedToId"], taken["credited"]) == (bob, None, True)
    given = await told(
        await post(site, f"{LEADS}/{lead}/assignee", {"assignedToId": ada, "roundRobinId": pool})
    )
    accepted = await told(await post(site, f"{LEADS}/{lead}/accept", {"assignedToId": ada}))

    shown = await lead_of(site, lead)
    assert shown["ownerId"] == ada
    assert shown["acceptedAt"] == accepted["acceptedAt"]
    assert shown["assignment"] == {
        "id": given["assignmentId"], "roundRobinId": pool, "assignedUserId": ada, "turnOrder": 1,
    }  # fmt: skip
    types = [entry["types"][-1] for entry in shown["timeline"]]
    assert types == ["lead_assigned", "lead_assigned", "lead_unassigned", "lead_assigned",
                     "lead_accepted"]  # fmt: skip
    assert shown["timeline"][1]["by"] == "writer"
    assert shown["timeline"][1]["note"] == "ill"
    rows = await assignments(site, pool)
    assert [row["assignedUserId"] for row in rows] == [ada, bob, ada]
    assert rows[0]["id"] == given["assignmentId"]
    assert "ill" not in str(rows)


async def test_a_turn_is_given_back_by_the_id_that_the_history_shows(site: Site) -> None:
    """Twice is once, with the first answer."""
    pool = site.pool_id("Inbound")
    await site.post_lead()
    (row,) = await assignments(site, pool)
    path = f"/api/v1/round-robin/{pool}/assignments/{row['id']}/credit"

    first = await told(await post(site, path))
    again = await told(await post(site, path, {"note": "again"}))

    assert first == again
    assert (first["turns"], first["caps"], first["assignedUserId"]) == (1, 0, member(site, "ada"))
    taken = [(await site.post_lead())["assignedToId"] for _ in range(2)]
    assert taken == [member(site, "ada"), member(site, "bob")]
    stats = await told(
        await site.client.get(f"/api/v1/round-robin/{pool}", headers=bearer("reader"))
    )
    assert stats["stats"]["totalAssignments"] == 3
    assert stats["stats"]["afterwards"] == {
        "accepted": 0, "notAccepted": 0, "reassigned": 0, "unassigned": 0, "credited": 1,
    }  # fmt: skip
    assert stats["stats"]["participantAssignments"][0]["creditedCount"] == 1


async def test_what_is_not_there_is_not_found(site: Site) -> None:
    """404, also for what another organization has."""
    ada, pool = member(site, "ada"), site.pool_id("Inbound")
    lead = (await site.post_lead())["leadId"]
    (row,) = await assignments(site, pool)
    unknown = "0192f0c1-8a3e-8a1b-8000-0004c7d29e31"
    credit = f"/api/v1/round-robin/{{}}/assignments/{row['id']}/credit"
    for path, body in (("assignee", {"assignedToId": ada}), ("reassign", {"next": True}),
                       ("unassign", {}), ("accept", {"assignedToId": ada})):  # fmt: skip
        for name in (unknown, "x"):
            await error(await post(site, f"{LEADS}/{name}/{path}", body), 404, "NOT_FOUND")
    rival = await post(site, f"{LEADS}/{lead}/unassign", {}, "rival")
    await error(rival, 404, "NOT_FOUND")
    await error(await post(site, credit.format(site.pool_id("Spring"))), 404, "NOT_FOUND")
    await error(await post(site, credit.format(unknown)), 404, "NOT_FOUND")
    wrong = credit.format(pool).replace(row["id"], unknown)
    await error(await post(site, wrong), 404, "NOT_FOUND")


async def test_what_cannot_be_is_a_conflict_that_says_why(site: Site) -> None:
    ada, bob, eve = (member(site, handle) for handle in ("ada", "bob", "eve"))
    lead = (await site.post_lead())["leadId"]
    path = f"{LEADS}/{lead}"

    async def refused(name: str, body: Any) -> str:
        return await error(await post(site, f"{path}/{name}", body), 409, "CONFLICT")

    assert "somebody has this lead already" in await refused("assignee", {"assignedToId": bob})
    assert "has the lead already" in await refused("reassign", {"assignedToId": ada})
    assert "only its owner can accept it" in await refused("accept", {"assignedToId": bob})
    assert "Eve Evans is not active" in await refused("reassign", {"assignedToId": eve})
    away = {"next": True, "roundRobinId": site.pool_id("Away")}
    assert "no_eligible_participant" in await refused("reassign", away)
    outside = {"assignedToId": bob, "roundRobinId": site.pool_id("Away")}
    assert "not in that pool" in await refused("reassign", outside)
    await told(await post(site, f"{path}/reassign", {"assignedToId": bob}))
    assert "does not come from a pool" in await refused("reassign", {"next": True})
    await told(await post(site, f"{path}/unassign"))
    assert "nobody has this lead" in await refused("unassign", {})


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("assignee", {}, "assignedToId: is required"),
        ("assignee", {"assignedToId": 5}, "assignedToId: expected text"),
        ("assignee", {"assignedToId": "x"}, "assignedToId: "),
        ("reassign", {}, "give it or 'next': true, and only one of them"),
        ("reassign", {"next": True, "credit": "yes"}, "credit: expected true or false"),
        ("unassign", {"why": "x"}, "why: "),
        ("accept", {"note": ""}, "assignedToId: is required"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused(
    site: Site, name: str, body: Any, said: str
) -> None:
    lead = (await site.post_lead())["leadId"]

    message = await error(await post(site, f"{LEADS}/{lead}/{name}", body), 400, "VALIDATION_ERROR")

    assert said in message


async def test_who_may_not_write_leads_changes_none(site: Site) -> None:
    lead = (await site.post_lead())["leadId"]

    message = await error(
        await post(site, f"{LEADS}/{lead}/unassign", {}, "reader"), 403, "FORBIDDEN"
    )

    assert "leads:write" in message


async def test_a_retry_with_its_key_is_the_same_change(site: Site) -> None:
    """One turn, one answer; the key with another body is refused."""
    lead, key = (await site.post_lead())["leadId"], {"Idempotency-Key": "once"}
    path, body = f"{LEADS}/{lead}/reassign", {"next": True}

    first = await told(await post(site, path, body, **key))
    again = await told(await post(site, path, body, **key))

    assert first == again
    assert len(await assignments(site, site.pool_id("Inbound"))) == 2
    other = {"next": True, "credit": True}
    await error(await post(site, path, other, **key), 422, "VALIDATION_ERROR")


async def test_a_lead_tells_why_it_can_be_assigned_or_not(site: Site) -> None:
    """R22: owned, nobody there, no pool, or assignable, however old it is and whose it was."""
    lead = (await site.post_lead())["leadId"]

    async def assignable(name: str) -> tuple[bool, str | None, str]:
        found = (await lead_of(site, name))["assignable"]
        return found["possible"], found["reason"], " | ".join(found["explanation"])

    possible, reason, why = await assignable(lead)
    assert (possible, reason) == (False, "already_assigned")
    assert "assigned to Ada Lovelace" in why
    await told(await post(site, f"{LEADS}/{lead}/unassign"))
    possible, reason, why = await assignable(lead)
    assert (possible, reason) == (True, None)
    assert "Inbound (pools/inbound.yaml): 2. Bob Bobson is next" in why
    nobody = (await site.post_lead(path="/away"))["leadId"]
    possible, reason, why = await assignable(nobody)
    assert (possible, reason) == (False, "no_eligible_participant")
    assert "Eve Evans would be passed over: inactive" in why
    body = {"email": "a@example.com", "source": "meta", "assign": False}
    alone = (await told(await post(site, LEADS, body), 201))["leadId"]
    possible, reason, why = await assignable(alone)
    assert (possible, reason) == (False, "no_matching_pool")
    assert "source must be 'webhook'" in why


async def test_a_pool_that_wants_leads_accepted_tells_until_when(store: RedisStore) -> None:
    """R20: and not any more once it is accepted."""
    files = ACME | {
        "pools/inbound.yaml": ACME["pools/inbound.yaml"] + "accept: {within: 15m, hops: 1}\n"
    }
    async with listening(store, {"acme": files, "rival": RIVAL}) as site:
        lead = (await site.post_lead())["leadId"]
        waiting = await lead_of(site, lead)
        await told(
            await post(site, f"{LEADS}/{lead}/accept", {"assignedToId": member(site, "ada")})
        )
        done = await lead_of(site, lead)

    assert waiting["acceptBy"] > waiting["createdAt"]
    assert waiting["acceptedAt"] is None
    assert done["acceptBy"] is None
    assert done["acceptedAt"]


async def test_an_owner_set_by_other_means_ends_the_waiting(store: RedisStore) -> None:
    """R20: also when it is set back to whoever had the lead."""
    files = ACME | {"pools/inbound.yaml": ACME["pools/inbound.yaml"] + "accept: {within: 15m}\n"}
    async with listening(store, {"acme": files, "rival": RIVAL}) as site:
        lead = (await site.post_lead())["leadId"]
        for handle in ("bob", "ada"):
            path, body = f"/api/v1/records/leads/{lead}", {"ownerId": member(site, handle)}
            await told(await site.client.patch(path, json=body, headers=bearer("all")))
        shown = await lead_of(site, lead)

    assert shown["ownerId"]
    assert (shown["acceptBy"], shown["assignment"]) == (None, None)
