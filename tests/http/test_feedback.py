"""What recipients say of a lead afterwards, and how its source is told."""

from __future__ import annotations

from typing import Any

import pytest

from pointsman.peers import answering
from pointsman.store.redis import RedisStore
from selling import BUYS, REFUSES, Market, buyer, selling

LOST = {"op": "and", "rules": [{"lhv": "feedback.reason", "op": "is not blank"}]}
TOLD: dict[str, Any] = {
    "integration": {
        "module_id": "form",
        "mappings": [
            {"property": "url", "value": "%source%"},
            {"property": "form_field.kind", "value": "{{feedback.type}}"},
            {"property": "form_field.why", "value": "{{feedback.reason}}"},
            {"property": "form_field.state", "value": "{{lead.state}}"},
            {"property": "form_field.token", "value": "{{credentials.buyer}}"},
            {"property": "outcome_search_term", "value": "success"},
            {"property": "reason_path", "value": "/reason=(.*)/"},
        ],
    }
}
YES = answering(200, {"outcome": "success"})


async def give(market: Market, event: str, status: int = 201, **said: Any) -> Any:
    answer = await market.site.client.post(
        "/feedback", params={"event_id": event}, json={"type": "return", **said}
    )
    assert answer.status == status, await answer.text()
    return await answer.json() if answer.content_type == "application/json" else await answer.text()


async def sold(market: Market) -> tuple[str, str]:
    """Sell a lead; return its id and what its recipient knows the delivery by."""
    told = await market.post()
    event = market.buyers["one"].requests[-1].json()["event"]
    return told["lead"]["id"], event


async def test_feedback_is_noted_and_the_lead_stays_what_it_was(store: RedisStore) -> None:
    async with selling(store, [buyer("one", feedback={})], {"one": BUYS}) as market:
        lead, event = await sold(market)

        told = await give(market, event, reason="Wrong number")
        await give(market, event, type="conversion")

        assert told == {"outcome": "success", "lead": {"id": lead}}
        events = await market.events(lead)
        assert [(e["type"], e.get("feedback")) for e in events[2:]] == [
            ("feedback-received", {"type": "return", "reason": "Wrong number"}),
            ("feedback-received", {"type": "conversion", "reason": None}),
        ]
        assert events[1]["outcome"] == "success"
        assert [int(e["id"][24:], 16) for e in events[2:]] == [2, 3]


async def test_it_comes_in_every_form_and_is_answered_in_kind(store: RedisStore) -> None:
    async with selling(store, [buyer("one", feedback={})], {"one": BUYS}) as market:
        lead, event = await sold(market)
        client = market.site.client

        got = await client.get("/feedback", params={"event_id": event, "type": "return"})
        form = await client.post("/feedback", data={"event_id": event, "type": "conversion"})
        xml = await client.post(
            f"/feedback?event_id={event}",
            data="<feedback><type>return</type><reason>Dead</reason></feedback>",
            headers={"Content-Type": "text/xml", "Accept": "text/xml"},
        )

        assert (got.status, form.status, xml.status) == (201, 201, 201)
        assert "<outcome>success</outcome>" in await xml.text()
        assert len(await market.events(lead)) == 5


@pytest.mark.parametrize("change", ["lead", "proof", "bare", "nonsense"])
async def test_feedback_on_an_event_that_nobody_was_told_of_is_404(
    store: RedisStore, change: str
) -> None:
    async with selling(store, [buyer("one", feedback={})], {"one": BUYS}) as market:
        lead, event = await sold(market)
        wrong = {
            "lead": "0" * 24 + event[24:],
            "proof": event[:-1] + ("0" if event[-1] != "0" else "1"),
            "bare": f"{lead}01",
            "nonsense": "x",
        }[change]

        await give(market, wrong, status=404)

        assert len(await market.events(lead)) == 2


async def test_what_the_step_does_not_take_is_refused(store: RedisStore) -> None:
    async with selling(store, [buyer("one")], {"one": BUYS}) as market:
        lead, event = await sold(market)

        told = await give(market, event)

        assert told["outcome"] == "failure"
        assert "not taken" in told["reason"]
        assert len(await market.events(lead)) == 2


@pytest.mark.parametrize("inside", [False, True])
async def test_who_gets_no_leads_any_more_may_still_return_one(
    store: RedisStore, *, inside: bool
) -> None:
    one = buyer("one", feedback={})
    group = {"type": "parallel", "key": "all", "steps": [one]}
    step = group if inside else one
    async with selling(store, [step], {"one": BUYS}) as market:
        lead, event = await sold(market)
    async with selling(store, [{**step, "enabled": False}], {"one": BUYS}) as market:
        told = await give(market, event)

    assert told == {"outcome": "success", "lead": {"id": lead}}


async def test_rules_say_which_feedback_is_taken(store: RedisStore) -> None:
    async with selling(store, [buyer("one", feedback={"rule_set": LOST})], {"one": BUYS}) as market:
        lead, event = await sold(market)

        refused = await give(market, event)
        taken = await give(market, event, reason="Dead line")

        assert (refused["outcome"], taken["outcome"]) == ("failure", "success")
        assert refused["reason"] == "feedback.reason must not be blank"
        assert [e["outcome"] for e in (await market.events(lead))[2:]] == ["failure", "success"]


async def test_leads_that_are_too_old_are_not_taken_back(store: RedisStore) -> None:
    async with selling(store, [buyer("one", feedback={"max_age": "7d"})], {"one": BUYS}) as market:
        lead, event = await sold(market)
        await aged(market, lead, days=8)

        told = await give(market, event)
        converted = await give(market, event, type="conversion")

        assert told["reason"] == "Must provide return within 7 days"
        assert converted["outcome"] == "success"


async def aged(market: Market, lead: str, days: int) -> None:
    """Let a lead be that old."""
    key = f"pm:{{{market.organization.id}}}:lead:{lead}:events"
    at = str((await market.events(lead))[0]["at"])
    for place, text in enumerate(await market.redis.lrange(key, 0, -1)):
        older = text.decode().replace(at, str(int(at) - days * 86_400_000))
        await market.redis.lset(key, place, older)


async def test_the_source_is_told_and_has_the_last_word(store: RedisStore) -> None:
    source = [{"key": "a", "feedback": TOLD}]
    answers = {"one": BUYS, "source": answering(200, {"outcome": "success"})}
    async with selling(store, [buyer("one", feedback={})], answers, sources=source) as market:
        lead, event = await sold(market)

        told = await give(market, event, reason="Dead")

        assert told["outcome"] == "success"
        (got,) = market.buyers["source"].requests
        assert got.body == b"kind=return&why=Dead&state=TX&token=s3cret-token"
        events = await market.events(lead)
        assert [e["type"] for e in events[2:]] == ["feedback-received", "feedback-sent"]
        assert "s3cret-token" not in str(events)


async def test_a_source_that_forbids_it_is_a_conflict(store: RedisStore) -> None:
    source = [{"key": "a", "feedback": TOLD}]
    says = answering(200, {"reason": "Forbidden by contract"})
    document = [{"property": "reason_path", "value": "reason"}]
    source[0]["feedback"] = {
        "integration": {
            **TOLD["integration"],
            "mappings": TOLD["integration"]["mappings"] + document,
        }
    }
    async with selling(
        store, [buyer("one", feedback={})], {"one": BUYS, "source": says}, sources=source
    ) as market:
        lead, event = await sold(market)

        told = await give(market, event, status=409)

        assert told == {
            "outcome": "failure",
            "reason": "Forbidden by contract",
            "lead": {"id": lead},
        }
        assert [e["outcome"] for e in (await market.events(lead))[2:]] == ["failure", "failure"]


async def test_a_source_is_told_of_what_its_rules_hold_for(store: RedisStore) -> None:
    source = [{"key": "a", "feedback": {**TOLD, "rule_set": LOST}}]
    async with selling(
        store, [buyer("one", feedback={})], {"one": BUYS, "source": YES}, sources=source
    ) as market:
        lead, event = await sold(market)

        told = await give(market, event)

        assert told["outcome"] == "success"
        assert market.buyers["source"].requests == []
        assert [e["outcome"] for e in (await market.events(lead))[2:]] == ["success", "skip"]


async def test_a_recipient_may_have_to_prove_itself(store: RedisStore) -> None:
    step = buyer("one", feedback={"auth": "credential", "credential": "buyer"})
    async with selling(store, [step], {"one": BUYS}) as market:
        _, event = await sold(market)

        assert await give(market, event, status=401) == "Unauthorized recipient"
        answer = await market.site.client.post(
            "/feedback",
            params={"event_id": event},
            json={"type": "return"},
            headers={"Authorization": "Bearer s3cret-token"},
        )
        assert answer.status == 201


async def test_wrong_types_and_methods_are_refused(store: RedisStore) -> None:
    async with selling(store, [buyer("one", feedback={})], {"one": REFUSES}) as market:
        _, event = await sold(market)

        assert (
            await give(market, event, status=400, type="gift")
            == "type must be one of: return, conversion"
        )
        answer = await market.site.client.put("/feedback", params={"event_id": event})
        assert (answer.status, await answer.text()) == (415, "The PUT method is not allowed")
