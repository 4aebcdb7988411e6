"""The webhook of Meta's Lead Ads, and the Graph API that is asked for what people filled in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from daemons import running
from deployed import Client, lay_out
from graphing import VERIFY, Graph, graph_api, integration, signed
from listening import ACME, RIVAL, Site, bearer, listening
from pointsman import observe
from pointsman.app.lifecycle import background
from pointsman.dispatch import Retries
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.workflows.engine import Engine
from support import wait_until
from working import QUICK

META = "/intake/acme/meta"
POOL = """\
name: Ads
participants: [ada, bob]
connections: [{source: meta, meta_form_id: "555"}]
"""
ADA = [{"name": "email", "values": ["a@example.com"]}, {"name": "first_name", "values": ["Ada"]}]


def files(
    url: str = "http://127.0.0.1:1", *, token: bool = True, flow: str | None = None
) -> dict[str, str]:
    head = ACME["organization.yaml"].replace(
        "{lead_webhook: {enabled: true}}",
        f"{{lead_webhook: {{enabled: true}}, {integration(url, token=token)}}}",
    )
    head += "outbound: {allow_networks: [127.0.0.0/8]}\n"
    flows = {"flows/ads.yaml": flow} if flow else {}
    return {**ACME, "organization.yaml": head, "pools/ads.yaml": POOL, **flows}


def notified(*ids: str, **value: Any) -> dict[str, Any]:
    changes = [
        {"field": "leadgen", "value": {"leadgen_id": each, "form_id": "555", **value}}
        for each in ids
    ]
    return {"object": "page", "entry": [{"id": "9", "changes": changes}]}


@pytest.fixture
async def meta(store: RedisStore) -> AsyncIterator[Site]:
    async with listening(store, {"acme": files(), "rival": RIVAL}) as opened:
        yield opened


async def post(site: Site, body: Any, **options: Any) -> tuple[int, Any]:
    answer = await site.client.post(META, **signed(body, **options))
    return answer.status, await answer.json()


async def lead(site: Site, identifier: str) -> Any:
    answer = await site.client.get(f"/api/v1/leads/{identifier}", headers=bearer("all"))
    return await answer.json() if answer.status == 200 else None


async def leads(redis: Redis) -> int:
    return len([key async for key in redis.scan_iter("pm:*:lead:" + "?" * 24)])


def counted(outcome: str) -> float:
    labels = {"organization": "acme", "outcome": outcome}
    return observe.REGISTRY.get_sample_value("pointsman_meta_leads_total", labels) or 0.0


def query(token: str = VERIFY, **changes: str) -> dict[str, str]:
    return {
        "hub.mode": "subscribe",
        "hub.verify_token": token,
        "hub.challenge": "1158201444",
        **changes,
    }


async def test_the_challenge_is_answered_to_whoever_knows_the_token(meta: Site) -> None:
    answer = await meta.client.get(META, params=query())

    assert (answer.status, await answer.text()) == (200, "1158201444")
    assert answer.content_type == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 403),
        (query("wrong"), 403),
        (query(""), 403),
        (query(**{"hub.mode": "unsubscribe"}), 403),
        (query(**{"hub.challenge": ""}), 400),
        (query(**{"hub.challenge": "a\r\nb"}), 400),
    ],
)
async def test_a_wrong_challenge_is_refused(
    meta: Site, params: dict[str, str], status: int
) -> None:
    answer = await meta.client.get(META, params=params)

    assert answer.status == status


@pytest.mark.parametrize("method", ["get", "post"])
async def test_where_there_is_no_such_webhook_is_the_same_404(meta: Site, method: str) -> None:
    """Unknown, and known without the integration: nobody can tell which."""
    told = []
    for handle in ("nobody", "rival"):
        answer = await meta.client.request(method, f"/intake/{handle}/meta", **signed({}))
        told.append((answer.status, await answer.text()))

    assert told[0] == told[1]
    assert told[0][0] == 404


async def test_a_switched_off_integration_is_the_same_404(store: RedisStore) -> None:
    off = {
        name: text.replace("meta: {", "meta: {enabled: false, ") for name, text in files().items()
    }
    async with listening(store, {"acme": off}) as site:
        answer = await site.client.get(META, params=query())

        assert answer.status == 404


@pytest.mark.parametrize("secret", ["another", ""])
async def test_a_post_that_meta_did_not_sign_is_refused(
    meta: Site, redis: Redis, secret: str
) -> None:
    unsigned = await meta.client.post(META, json=notified("1"))
    forged, _ = await post(meta, notified("1"), secret=secret)

    assert (unsigned.status, forged) == (401, 401)
    assert not [key async for key in redis.scan_iter("pm:*:leadgen:*")]


async def test_leads_that_say_everything_are_taken_in_their_order(meta: Site) -> None:
    """D3: sent again, each is the lead that it was, and takes no second turn."""
    body = notified("1", "2", "3", field_data=ADA)

    status, told = await post(meta, body)
    _, again = await post(meta, body)

    assert status == 200
    assert [each["status"] for each in told["leads"]] == ["taken"] * 3
    assert [each["turnOrder"] for each in told["leads"]] == [1, 2, 1]
    assert {each["roundRobinId"] for each in told["leads"]} == {meta.pool_id("Ads")}
    assert [(each["leadId"], each["status"]) for each in again["leads"]] == [
        (each["leadId"], "replayed") for each in told["leads"]
    ]
    kept = await lead(meta, told["leads"][0]["leadId"])
    assert (kept["email"], kept["firstName"], kept["facebook.leadgenId"]) == (
        "a@example.com",
        "Ada",
        "1",
    )
    assert kept["origin"] == {"source": "meta", "metaPageId": "9", "metaFormId": "555"}
    history = await meta.client.get(
        f"/api/v1/round-robin/{meta.pool_id('Ads')}/assignments?source=meta", headers=bearer("all")
    )
    assert (await history.json())["pagination"]["total"] == 3


async def test_an_erased_lead_does_not_come_back_when_it_is_sent_again(meta: Site) -> None:
    _, told = await post(meta, notified("1", field_data=ADA))
    identifier = told["leads"][0]["leadId"]
    await meta.client.delete(f"/api/v1/leads/{identifier}?erase=true", headers=bearer("all"))

    await post(meta, notified("1", field_data=ADA))

    assert await lead(meta, identifier) is None


async def test_a_lead_that_does_not_fit_stops_no_other(meta: Site) -> None:
    """Meta would send the whole post again for days: it is counted, logged and told instead."""
    before = counted("failed")
    body = notified("1", "2", field_data=ADA)
    body["entry"][0]["changes"][0]["value"]["field_data"] = ADA[1:]

    status, told = await post(meta, body)

    assert (status, [each["status"] for each in told["leads"]]) == (200, ["failed", "taken"])
    assert "email: is required" in told["leads"][0]["error"]["message"]
    assert counted("failed") == before + 1


async def test_a_post_that_is_not_understood_changes_nothing(meta: Site, redis: Redis) -> None:
    body = notified("1", field_data=ADA)
    body["entry"][0]["changes"].append({"field": "leadgen", "value": {}})

    status, told = await post(meta, body)

    assert status == 400
    assert told["error"]["message"] == "entry[0].changes[1].value.leadgen_id: is required"
    assert await leads(redis) == 0


async def test_a_flow_that_names_meta_decides_alone(store: RedisStore) -> None:
    flow = "name: Ads\nsources: [{intake: meta}]\nsteps: [{type: pool, pool: spring}]\n"
    async with listening(store, {"acme": files(flow=flow)}) as site:
        _, told = await post(site, notified("1", field_data=ADA))

        assert told["leads"][0]["roundRobinId"] == site.pool_id("Spring")


async def test_without_a_token_ids_alone_are_to_be_sent_again(store: RedisStore) -> None:
    """Meta sends what is not answered with 200 again for hours: time to add a token."""
    async with listening(store, {"acme": files(token=False)}) as site:
        answer = await site.client.post(META, **signed(notified("1")))

        assert answer.status == 503
        assert "access_token" in (await answer.json())["error"]["message"]


@asynccontextmanager
async def reading(
    store: RedisStore, url: str, *, engines: int = 1, retries: Retries = QUICK
) -> AsyncIterator[tuple[Site, Graph]]:
    """Serve Acme with a Graph API, and engines that read what Meta tells of."""
    async with graph_api() as graph, listening(store, {"acme": files(graph.url)}) as site:
        services = site.services
        services.meta._retries = retries
        made = [
            Engine(
                services.rules,
                store,
                services.settings,
                url,
                timers={"meta": services.meta.read},
            )
            for _ in range(engines)
        ]
        async with background(*(each.run() for each in made)):
            yield site, graph


async def taken(site: Site, told: Any) -> Any:
    """Return the lead of a post of one once it is there."""
    identifier = told["leads"][0]["leadId"]
    return await wait_until(lambda: lead(site, identifier), "the lead is read", seconds=20)


async def test_what_ids_stand_for_is_read_from_meta_once(
    store: RedisStore, redis_url: str, redis: Redis
) -> None:
    """D3, D5: two posts and two engines: one question, one lead, of the campaign too."""
    async with reading(store, redis_url, engines=2) as (site, graph):
        graph.leads["71"] = {"field_data": ADA, "campaign_id": "777", "platform": "fb"}

        status, told = await post(site, notified("71"))
        _, again = await post(site, notified("71"))
        kept = await taken(site, told)

        assert (status, told["leads"][0]["status"]) == (200, "waiting")
        assert again["leads"][0]["leadId"] == told["leads"][0]["leadId"]
        assert kept["email"] == "a@example.com"
        assert kept["origin"]["metaCampaignId"] == "777"
        assert kept["ownerId"]
        assert [identifier for identifier, _ in graph.asked] == ["71"]
        assert await leads(redis) == 1
        _, later = await post(site, notified("71"))
        assert later["leads"][0]["status"] == "replayed"


async def test_a_daemon_reads_what_meta_tells_it(tmp_path: Path, redis_url: str) -> None:
    """The whole way: signed post, durable note, the Graph API, a turn in the pool of the form."""
    async with graph_api() as graph:
        graph.leads["74"] = {"field_data": ADA}
        root = lay_out(tmp_path / "config", files(graph.url))
        async with running(root, redis_url) as app, ClientSession() as http:
            async with http.post(app.url + META, **signed(notified("74"))) as answer:
                (told,) = (await answer.json())["leads"]
            client = Client(app.url)

            async def found() -> Any:
                status, kept = await client.call("GET", f"/api/v1/leads/{told['leadId']}")
                return kept if status == 200 else None

            kept = await wait_until(found, "the lead is read", seconds=20)

        assert (kept["firstName"], kept["source"]) == ("Ada", "meta")
        assert kept["ownerId"]


async def test_an_outage_of_meta_is_waited_out(store: RedisStore, redis_url: str) -> None:
    """D4: what was answered with 200 becomes a lead, however often Meta fails in between."""
    async with reading(store, redis_url) as (site, graph):
        graph.leads["72"] = {"field_data": ADA}
        graph.answers = [(500, {}), (429, {"error": {"message": "slow down"}}), (200, {"id": "72"})]
        before = counted("postponed")

        _, told = await post(site, notified("72"))

        assert (await taken(site, told))["firstName"] == "Ada"
        assert counted("postponed") == before + 3


async def test_what_meta_never_tells_is_given_up_visibly_and_begins_anew(
    store: RedisStore, redis_url: str, redis: Redis
) -> None:
    """The reason is kept without the token that Meta repeats; a new notification tries again."""
    async with reading(store, redis_url, retries=Retries(QUICK.first, QUICK.longest, 2)) as (
        site,
        graph,
    ):
        graph.answers = [(400, {"error": {"message": "no EAAG-page-token"}})] * 2
        organization = site.serving.current.organizations["acme"].id
        key = Keys(organization).leadgen("73")

        _, told = await post(site, notified("73"))

        async def failed() -> bool:
            return await redis.hget(key, "state") == b"failed"

        await wait_until(failed, "it is given up")
        reason = await redis.hget(key, "error")
        assert reason == b"Meta answered 400: no [redacted]"
        graph.leads["73"] = {"field_data": ADA}
        await post(site, notified("73"))
        assert (await taken(site, told))["id"] == told["leads"][0]["leadId"]
