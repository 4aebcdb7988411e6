"""Where leads come in: who is let in, what is answered, and what it costs."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from listening import ACME, RIVAL, Site, bearer, listening
from pointsman import observe
from pointsman.ids import parse_lead_id
from pointsman.store.redis import RedisStore
from support import wait_until

WEBHOOK = "/intake/acme/webhook"


def counted(name: str, **labels: str) -> float:
    return observe.REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_lead_is_taken_and_answered_with_who_got_it(site: Site) -> None:
    answer = await site.client.post(WEBHOOK, json={"email": "a@example.com"})

    told = await answer.json()
    acme = site.serving.current.organizations["acme"]
    assert answer.status == 201
    assert answer.content_type == "application/json"
    assert parse_lead_id(told.pop("leadId"))
    assert told == {
        "assigned": True,
        "roundRobinId": site.pool_id("Inbound"),
        "assignedToId": acme.handles["ada"],
        "turnOrder": 1,
    }


async def test_leads_go_to_everyone_in_turn(site: Site) -> None:
    orders = [(await site.post_lead())["turnOrder"] for _ in range(4)]

    assert orders == [1, 2, 1, 2]


async def test_a_form_is_as_good_as_json(site: Site) -> None:
    form = "email=a%40example.com&first_name=Ada&interest=tea&interest=cake&note=1+2"
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

    answer = await site.client.post(WEBHOOK, data=form, headers=headers)

    told = await answer.json()
    assert answer.status == 201
    lead = await (
        await site.client.get(f"/api/v1/leads/{told['leadId']}", headers=bearer("all"))
    ).json()
    assert lead["firstName"] == "Ada"
    assert lead["customFields"] == {"interest": ["tea", "cake"], "note": "1 2"}


async def test_the_source_key_of_the_path_chooses_the_pool(site: Site) -> None:
    told = await site.post_lead(path="/spring")

    assert told["roundRobinId"] == site.pool_id("Spring")


async def test_the_campaign_of_the_body_chooses_the_pool(site: Site) -> None:
    told = await site.post_lead({"email": "a@example.com", "utm_campaign": "spring-sale"})

    assert told["roundRobinId"] == site.pool_id("Spring")


async def test_nobody_eligible_is_told_and_counted(site: Site) -> None:
    """R17, L5: a pool of inactive people assigns nobody, and a counter says so."""
    labels = {"organization": "acme", "outcome": "no_eligible_participant"}
    before = counted("pointsman_leads_total", **labels)

    told = await site.post_lead(path="/away")

    assert (told["assigned"], told["reason"]) == (False, "no_eligible_participant")
    assert counted("pointsman_leads_total", **labels) == before + 1


async def test_a_lead_that_no_pool_wants_is_kept_and_counted(site: Site) -> None:
    """L5: a route that leads nowhere is not only a log line."""
    labels = {"organization": "rival", "outcome": "no_matching_pool"}
    before = counted("pointsman_leads_total", **labels)

    answer = await site.client.post("/intake/rival/webhook", json={"email": "a@example.com"})

    told = await answer.json()
    assert answer.status == 201
    assert (told["assigned"], told["reason"]) == (False, "no_matching_pool")
    assert counted("pointsman_leads_total", **labels) == before + 1
    kept = await site.client.get(f"/api/v1/leads/{told['leadId']}", headers=bearer("rival"))
    assert kept.status == 200


@pytest.mark.parametrize(
    "path", ["/intake/nobody/webhook", f"{WEBHOOK}/unknown", "/intake/ACME/webhook"]
)
async def test_what_is_not_known_is_the_same_404(site: Site, path: str) -> None:
    answer = await site.client.post(path, json={"email": "a@example.com"})

    told = await answer.json()
    assert answer.status == 404
    assert told["error"]["code"] == "NOT_FOUND"
    assert told["error"]["message"].startswith("no lead webhook here")


async def test_a_webhook_that_is_switched_off_is_the_same_404(store: RedisStore) -> None:
    files = {
        "organization.yaml": ACME["organization.yaml"].replace("true}}", "false}}"),
        "pools/away.yaml": ACME["pools/away.yaml"],
    }
    async with listening(store, {"acme": files}) as site:
        off = await site.client.post(WEBHOOK, json={"email": "a@example.com"})
        unknown = await site.client.post("/intake/nobody/webhook", json={})

        assert off.status == 404
        assert await off.json() == await unknown.json()


def with_intake(auth: str) -> dict[str, str]:
    return {**ACME, "organization.yaml": ACME["organization.yaml"] + f"intake: {auth}\n"}


@pytest.mark.parametrize(
    ("key", "status"),
    [("writer", 201), ("reader", 403), ("late", 403), ("off", 403), ("rival", 404), ("no", 404)],
)
async def test_intake_by_key(store: RedisStore, key: str, status: int) -> None:
    """A key of another organization is the same 404 as no organization."""
    files = {"acme": with_intake("{auth: key}"), "rival": RIVAL}
    async with listening(store, files) as site:
        body = {"email": "a@example.com"}

        answer = await site.client.post(WEBHOOK, json=body, headers=bearer(key))
        without = await site.client.post(WEBHOOK, json=body)

        assert answer.status == status
        assert without.status == 401
        assert without.headers["WWW-Authenticate"].startswith("Bearer")


async def test_intake_by_signature(store: RedisStore) -> None:
    raw = b'{"email": "a@example.com"}'
    signature = "sha256=" + hmac.new(b"s3cret", raw, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json"}
    async with listening(store, {"acme": with_intake("{auth: hmac, secret: s3cret}")}) as site:
        signed = {**headers, "X-Pointsman-Signature": signature}

        good = await site.client.post(WEBHOOK, data=raw, headers=signed)
        changed = await site.client.post(WEBHOOK, data=raw + b" ", headers=signed)
        missing = await site.client.post(WEBHOOK, data=raw, headers=headers)

        assert [good.status, changed.status, missing.status] == [201, 401, 401]


BAD_BODIES: list[tuple[bytes, str | None, int]] = [
    (b"", "application/json", 400),
    (b"[]", "application/json", 400),
    (b'"text"', "application/json", 400),
    (b'{"email": }', "application/json", 400),
    (b'{"a": NaN}', "application/json", 400),
    (b'{"a": 1e999}', "application/json", 400),
    (b'{"a": ' + b"9" * 400 + b"}", "application/json", 400),
    (b'{"a": "\xff"}', "application/json", 400),
    (b'{"a": "\\ud800"}', "application/json", 400),
    (b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "application/json", 400),
    (b'{"a": ' + b"[" * 25 + b"]" * 25 + b"}", "application/json", 400),
    (b'{"a": [' + b"1," * 1_000 + b"1]}", "application/json", 400),
    (b'{"a": "' + b"x" * 65_537 + b'"}', "application/json", 400),
    (b"{}", "application/json", 422),
    (b"a=%ff", "application/x-www-form-urlencoded", 400),
    (b"\xff=1", "application/x-www-form-urlencoded", 400),
    (b"&".join(b"a%d=1" % i for i in range(1_001)), "application/x-www-form-urlencoded", 400),
    (b'{"email": "a@example.com"}', "application/x-www-form-urlencoded", 415),
    (b"<lead/>", "application/xml", 415),
    (b"{}", "text/plain", 415),
    (b"{}", "", 415),
    (b'{"a": "' + b"x" * 1_048_576 + b'"}', "application/json", 413),
]


@pytest.mark.parametrize(("raw", "content_type", "status"), BAD_BODIES)
async def test_a_bad_body_is_refused_with_a_reason(
    site: Site, raw: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    answer = await site.client.post(WEBHOOK, data=BytesIO(raw), headers=headers)

    told = await answer.json()
    codes = {413: "PAYLOAD_TOO_LARGE", 422: "VALIDATION_ERROR"}
    assert answer.status == status
    assert told["error"]["code"] == codes.get(status, "BAD_REQUEST")
    assert len(told["error"]["message"]) > 10


async def test_a_zip_bomb_is_refused_before_it_is_big(site: Site) -> None:
    bomb = gzip.compress(b'{"a": "' + b"x" * 200_000_000 + b'"}', 9)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    answer = await site.client.post(WEBHOOK, data=bomb, headers=headers)

    assert answer.status == 413


async def test_a_broken_encoding_is_the_sender_s_error(site: Site) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    answer = await site.client.post(WEBHOOK, data=b"no gzip", headers=headers)

    assert answer.status == 400
    assert "Content-Encoding" in (await answer.json())["error"]["message"]


async def test_a_packed_body_is_unpacked(site: Site) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    raw = gzip.compress(b'{"email": "a@example.com"}')

    assert (await site.client.post(WEBHOOK, data=raw, headers=headers)).status == 201


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    raw=st.binary(max_size=200) | st.dictionaries(st.text(), JSON).map(repr).map(str.encode),
    media=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/x"]),
)
async def test_no_body_is_an_error_of_ours(site: Site, raw: bytes, media: str) -> None:
    answer = await site.client.post(WEBHOOK, data=raw, headers={"Content-Type": media})

    assert answer.status < 500


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=st.dictionaries(st.text(), JSON))
async def test_no_json_is_an_error_of_ours(site: Site, body: dict[str, Any]) -> None:
    answer = await site.client.post(WEBHOOK, json={**body, "email": "a@example.com"})

    assert answer.status < 500


async def test_the_same_key_and_body_get_the_first_answer(site: Site) -> None:
    """D1: a sender that did not get the answer sends again, and makes no second lead."""
    headers = {"Idempotency-Key": "order-1"}
    first = await site.client.post(WEBHOOK, json={"email": "a@example.com"}, headers=headers)
    again = await site.client.post(WEBHOOK, json={"email": "a@example.com"}, headers=headers)

    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await site.post_lead())["turnOrder"] == 2


async def test_the_same_key_with_another_body_is_refused(site: Site) -> None:
    headers = {"Idempotency-Key": "order-1"}
    await site.client.post(WEBHOOK, json={"email": "a@example.com"}, headers=headers)

    other = await site.client.post(WEBHOOK, json={"email": "b@example.com"}, headers=headers)

    assert other.status == 422
    assert (await other.json())["error"]["code"] == "VALIDATION_ERROR"


async def test_a_key_counts_within_its_source(site: Site) -> None:
    headers = {"Idempotency-Key": "order-1"}

    one = await site.post_lead(headers=headers)
    other = await site.post_lead(path="/spring", headers=headers)

    assert one["leadId"] != other["leadId"]


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
async def test_an_impossible_idempotency_key_is_refused(site: Site, key: str) -> None:
    headers = {"Idempotency-Key": key}

    answer = await site.client.post(WEBHOOK, json={"email": "a@example.com"}, headers=headers)

    assert answer.status == 400


async def test_many_at_once_with_one_key_are_one_lead(site: Site) -> None:
    headers = {"Idempotency-Key": "order-1"}

    answers = await asyncio.gather(*(site.post_lead(headers=headers) for _ in range(20)))

    assert len({told["leadId"] for told in answers}) == 1
    assert (await site.post_lead())["turnOrder"] == 2


async def test_nothing_is_acknowledged_before_it_is_in_redis(site: Site, redis: Redis) -> None:
    """D4: while the server holds back writes there is no answer, then lead and event are there."""
    await site.post_lead()
    sent = site.services.store.round_trips
    await redis.client_pause(30_000, all=False)

    posting = asyncio.ensure_future(site.post_lead())
    await wait_until(lambda: site.services.store.round_trips > sent, "the lead is sent to Redis")
    events = await redis.xlen(_key(site, "events"))
    assert (posting.done(), events) == (False, 1)
    await redis.client_unpause()

    told = await posting
    assert await redis.xlen(_key(site, "events")) == 2
    assert await redis.exists(_key(site, f"lead:{parse_lead_id(told['leadId'])}"))


async def test_a_lead_costs_at_most_two_round_trips(site: Site, redis: Redis) -> None:
    """Counted by the server: script calls, and reads of its sockets."""
    for _ in range(3):
        await site.post_lead()
    scripts, reads = await _effort(redis)

    for _ in range(50):
        await site.post_lead()

    scripts_after, reads_after = await _effort(redis)
    assert scripts_after - scripts == 50
    assert reads_after - reads <= 2 * 50


async def _effort(redis: Redis) -> tuple[int, int]:
    commands = await redis.info("commandstats")
    stats = await redis.info("stats")
    return commands["cmdstat_evalsha"]["calls"], stats["total_reads_processed"]


async def test_intake_closes_before_redis_is_full(site: Site) -> None:
    memory = site.services.memory
    memory.measured(91, 100)

    full = await site.client.post(WEBHOOK, json={"email": "a@example.com"})
    memory.measured(89, 100)
    free = await site.client.post(WEBHOOK, json={"email": "a@example.com"})

    assert (full.status, free.status) == (503, 201)
    assert full.headers["Retry-After"] == "1"
    assert (await full.json())["error"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_another_method_is_told_the_right_one(site: Site, method: str) -> None:
    answer = await site.client.request(method, WEBHOOK)

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert (await answer.json())["error"]["code"] == "BAD_REQUEST"


async def test_an_unknown_path_has_the_envelope_too(site: Site) -> None:
    answer = await site.client.get("/nowhere")

    assert answer.status == 404
    assert (await answer.json())["error"]["code"] == "NOT_FOUND"


def _key(site: Site, rest: str) -> str:
    return f"pm:{{{site.serving.current.organizations['acme'].id}}}:{rest}"
