"""Whatever vendors and recipients send, it is answered, and nothing is stored without an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listening import ACME, Site, listening
from pointsman.store.redis import RedisStore
from support import THOROUGH

FIELDS = "email first_name state postal_code phone_1 dob ssn gender price ip_address comments"
FLOW = f"""
name: Fuzzed
fields: [{", ".join(FIELDS.split())}]
ping_enabled: true
caps: [{{key: many, maximum: 1000000, duration_units: day}}]
list_checks: {{duplicate: {{value: "{{{{lead.email}}}}", list_name: seen}}}}
acceptance_criteria:
  rule_set:
    op: or
    rules:
      - {{lhv: lead.state, op: is not equal to, rhv: FL}}
      - {{lhv: lead.email.domain, op: matches pattern, rhv: "/^(a+)+$/"}}
      - {{lhv: lead.dob, op: is less than, rhv: 2001-01-01}}
pricing: {{override: true}}
sources:
  - key: a
    mappings: [{{property: first_name, value: "{{{{uppercase fname}}}} {{{{math '1 / 0'}}}}"}}]
steps:
  - type: recipient
    key: nobody
    feedback: {{}}
    integration:
      module_id: json
      mappings:
        - {{property: url, value: "{{{{lead.comments}}}}"}}
        - {{property: json_property.a.0.b, value: "{{{{lead.phone_1}}}}"}}
  - type: filter
    rule_set: {{op: and, rules: [{{lhv: nobody.outcome, op: is equal to, rhv: success}}]}}
  - {{type: pool, pool: inbound}}
"""
BATCH = 40
VARIANTS = 10 if THOROUGH else 1
EXAMPLES = 250 if THOROUGH else 8
ROUNDS = range(10 if THOROUGH else 1)  # Hypothesis keeps in memory all that it tried in a round
LONGEST = 60.0 if THOROUGH else 10.0

NAMES = st.sampled_from([*FIELDS.split(), "fname", "a.b", "a.0", "a", "", "redir_url"]) | st.text()
TEXTS = (
    st.text()
    | st.sampled_from(
        ["texas", "a@b.c", "(512) 555-0100", "1/2/1990", "{{lead.ssn}}", "http://10.0.0.1"]
    )
    | st.integers().map(str)
)
VALUES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
JSON = st.tuples(
    st.just("application/json"),
    (st.dictionaries(NAMES, VALUES, max_size=8) | VALUES).map(json.dumps).map(str.encode)
    | st.binary(max_size=60),
)
FORM = st.tuples(
    st.just("application/x-www-form-urlencoded"),
    st.lists(st.tuples(NAMES, TEXTS), max_size=8).map(
        lambda pairs: "&".join(f"{_quoted(n)}={_quoted(v)}" for n, v in pairs).encode()
    )
    | st.binary(max_size=60),
)
XML = st.tuples(
    st.sampled_from(["text/xml", "application/xml"]),
    st.builds(
        lambda name, text: f"<r><{name}>{text}</{name}></r>".encode(errors="replace"), NAMES, TEXTS
    ),
)
OTHER = st.tuples(st.sampled_from(["", "text/plain", "application/json; x"]), st.binary(max_size=9))
SOURCE = "/flows/fuzzed/sources/a"
PLACES = st.sampled_from([f"{SOURCE}/submit"] * 5 + [f"{SOURCE}/ping"] * 2 + ["/feedback"])
SENT = st.tuples(PLACES, JSON | FORM | XML | OTHER, TEXTS, TEXTS)


def _quoted(text: str) -> str:
    return quote(text, errors="replace")


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    lists = {"lists/seen.yaml": "{name: Seen, kind: duplicate, type: email}\n"}
    async with listening(store, {"acme": {**ACME, **lists, "flows/fuzzed.yaml": FLOW}}) as opened:
        yield opened


@pytest.mark.parametrize("_", ROUNDS)
@pytest.mark.timeout(1800 if THOROUGH else 120)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(sent=st.lists(SENT, min_size=BATCH, max_size=BATCH), seed=st.integers(0, 2**32))
async def test_no_submission_goes_unanswered(
    site: Site, _: int, sent: list[Any], seed: int
) -> None:
    """C1, D4: as many leads are stored as were answered 201; a million in ``make soak``."""
    redis = site.services.store.redis
    for batch in _varied(sent, Random(seed)):
        statuses = await asyncio.gather(*(_send(site, *one) for one in batch))

        assert max(statuses) < 500
        events = [key async for key in redis.scan_iter("*:lead:*:events", count=1000)]
        assert len(events) == statuses.count(201)
        assert not [key async for key in redis.scan_iter("*:submission", count=1000)]
        left = [key async for key in redis.scan_iter("*:lead:*", count=1000)]
        await redis.unlink(*left, "none")


def _varied(sent: list[Any], random: Random) -> Iterator[list[Any]]:
    """Yield what is sent: first as it is, then with other bodies' pieces and wrong bytes in it."""
    bodies = [raw for _, (_, raw), *_ in sent]
    yield sent
    for _ in range(VARIANTS - 1):
        yield [
            (path, (media, _damaged(raw, random.choice(bodies), random)), *rest)
            for path, (media, raw), *rest in sent
        ]


def _damaged(raw: bytes, other: bytes, random: Random) -> bytes:
    cut, end = random.randint(0, len(raw)), random.randint(0, len(other))
    match random.randrange(4):
        case 0:
            return raw[:cut] + other[end:]
        case 1:
            return raw[:cut] + random.randbytes(random.randint(1, 3)) + raw[cut + 1 :]
        case 2:
            return raw[:cut] + raw[:end] + raw[cut:]
        case _:
            return raw[:cut]


async def _send(site: Site, path: str, body: tuple[str, bytes], key: str, value: str) -> int:
    media, raw = body
    query = f"{_quoted(key)}={_quoted(value)}"
    headers = {"Content-Type": media} if media else {}
    async with asyncio.timeout(LONGEST):
        answer = await site.client.post(
            f"{path}?{query}", data=raw, headers=headers, allow_redirects=False
        )
        await answer.read()
    return answer.status
