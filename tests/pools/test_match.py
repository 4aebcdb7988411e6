from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model import Origin, Pool
from pointsman.pools.explain import explain
from pointsman.pools.match import PRECEDENCE, PoolIndex, clashes
from pooling import make_pool

META = {"source": "meta"}
KEYS: list[dict[str, Any]] = [
    {**META, "meta_ad_id": "a"},
    {**META, "meta_form_id": "f"},
    {**META, "meta_campaign_id": "c"},
    {**META, "meta_page_id": "p"},
    META,
    {"source": "automation", "provider": "zapier", "source_key": "k"},
    {"source": "automation", "provider": "zapier"},
    {"source": "workflow", "workflow_id": "w"},
    {"source_key": "k"},
    {"utm_campaign": "u"},
    {},
]
"""A connection for each rule of the precedence, in its order."""

ORIGINS = {
    "meta": Origin(
        "meta", meta_ad_id="a", meta_form_id="f", meta_campaign_id="c", meta_page_id="p"
    ),
    "automation": Origin("automation", provider="zapier", source_key="k"),
    "workflow": Origin("workflow", workflow_id="w"),
    "webhook": Origin("webhook", source_key="k", utm_campaign="u"),
}


def pool(name: str, *connections: dict[str, Any], **document: Any) -> Pool:
    return make_pool(["ada"], file=f"pools/{name}.yaml", connections=connections, **document)


def found(pools: list[Pool], origin: Origin, source: str = "webhook") -> tuple[str, str] | None:
    match = PoolIndex(pools).match(origin, source)
    return (match.pool.file[6:-5], match.fallback_type) if match else None


def test_the_most_specific_connection_wins() -> None:
    """Take the winner away, and the next of the precedence wins, down to the last."""
    pools = [pool(rule, keys) for rule, keys in zip(PRECEDENCE, KEYS, strict=True)]

    for source, origin in ORIGINS.items():
        left = pools[::-1]
        won = []
        while (hit := found(left, origin)) is not None:
            won.append(hit)
            left = [pool for pool in left if pool.file != f"pools/{hit[0]}.yaml"]
        rules = [
            rule
            for rule, keys in zip(PRECEDENCE, KEYS, strict=True)
            if keys.get("source", "webhook") == source
        ]
        assert won == [(rule, rule) for rule in rules]


def test_every_key_of_a_connection_must_match() -> None:
    narrow = pool("narrow", {"source_key": "k", "utm_campaign": "u"})

    assert found([narrow], Origin("webhook", source_key="k", utm_campaign="u")) is not None
    assert found([narrow], Origin("webhook", source_key="k")) is None
    assert found([narrow], Origin("webhook", utm_campaign="u")) is None


def test_a_connection_of_another_source_does_not_match() -> None:
    assert found([pool("meta", {"source": "meta"})], Origin("automation", provider="make")) is None


def test_any_connection_of_a_pool_will_do() -> None:
    either = pool("either", {"source_key": "a"}, {"source_key": "b"})

    assert found([either], Origin("webhook", source_key="a"))
    assert found([either], Origin("webhook", source_key="b"))
    assert not found([either], Origin("webhook", source_key="c"))


def test_of_equal_keys_more_keys_win_then_priority_then_the_file_name() -> None:
    origin = Origin("webhook", source_key="k", utm_campaign="u")
    plain_b = pool("b", {"source_key": "k"})
    plain_a = pool("a", {"source_key": "k"})
    first = pool("z", {"source_key": "k"}, priority=5)
    more = pool("y", {"source_key": "k", "utm_campaign": "u"}, priority=-5)

    assert found([plain_b, plain_a], origin) == ("a", "webhook_key")
    assert found([plain_b, plain_a, first], origin) == ("z", "webhook_key")
    assert found([plain_b, plain_a, first, more], origin) == ("y", "webhook_key")


def test_different_keys_of_equal_rank_and_number_are_decided_by_priority() -> None:
    origin = Origin("meta", meta_ad_id="a", meta_form_id="f", meta_page_id="p")
    form = pool("a", {**META, "meta_ad_id": "a", "meta_form_id": "f"})
    page = pool("b", {**META, "meta_ad_id": "a", "meta_page_id": "p"}, priority=1)

    assert found([form, page], origin) == ("b", "meta_ad")


@pytest.mark.parametrize(
    "closed",
    [
        pool("closed", {}, is_active=False),
        pool("closed", {}, assign_inbound_leads=False),
        pool("closed", {"is_active": False}),
    ],
    ids=["inactive pool", "no inbound leads", "inactive connection"],
)
def test_what_is_switched_off_never_matches(closed: Pool) -> None:
    assert found([closed], Origin("webhook")) is None


def test_manual_leads_follow_connections_of_pools_that_take_them_else_the_first_such() -> None:
    inbound = pool("inbound", {})
    second = pool("second", {"source_key": "k"}, assign_manual_leads=True)
    first = pool("first", {"source_key": "x"}, assign_manual_leads=True, priority=1)
    pools = [inbound, second, first]

    assert found(pools, Origin("webhook", source_key="k"), "manual") == ("second", "webhook_key")
    assert found(pools, Origin("manual"), "manual") == ("first", "manual")
    assert found([inbound], Origin("manual"), "manual") is None


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        (Origin("manual"), "system"),
        (Origin("whatsapp"), "whatsapp"),
        (Origin("meta"), "system"),
        (Origin("manual"), "webhook"),
    ],
)
def test_what_has_no_origin_goes_to_the_generic_webhook_pool(origin: Origin, source: str) -> None:
    keyed = pool("keyed", {"source_key": "k"})

    assert found([pool("generic", {}), keyed], origin, source) == ("generic", "webhook")
    assert found([keyed], origin, source) is None


def test_a_meta_lead_without_a_pool_is_not_taken_by_the_webhook() -> None:
    assert found([pool("generic", {})], Origin("meta", meta_form_id="f"), "meta") is None


def test_identical_connections_of_two_active_pools_are_told() -> None:
    a, b = pool("a", {"source_key": "k"}), pool("b", {}, {"source_key": "k"})
    off = pool("off", {}, is_active=False)

    assert [(x.file, y.file, c.source_key) for x, y, c in clashes([b, a, off])] == [
        ("pools/a.yaml", "pools/b.yaml", "k")
    ]


texts = st.none() | st.sampled_from("ab")
connections = st.fixed_dictionaries(
    {"source": st.sampled_from(["webhook", "meta"])},
    optional={name: st.sampled_from("ab") for name in ("source_key", "utm_campaign", "meta_ad_id")},
)
origins = st.builds(
    Origin,
    source=st.sampled_from(["webhook", "meta", "manual"]),
    source_key=texts,
    utm_campaign=texts,
    meta_ad_id=texts,
)


@given(
    listed=st.lists(st.lists(connections, max_size=3, unique_by=str), max_size=4),
    origin=origins,
    source=st.sampled_from(["webhook", "manual", "system"]),
)
def test_the_index_and_the_explanation_agree(
    listed: list[list[dict[str, Any]]], origin: Origin, source: str
) -> None:
    """What look-ups find is what reading every connection finds."""
    pools = [
        pool(str(n), *each, assign_manual_leads=n % 2 == 0, priority=n % 3)
        for n, each in enumerate(listed)
        if len({str(sorted(connection.items())) for connection in each}) == len(each)
    ]
    index = PoolIndex(pools)

    match = index.match(origin, source)
    verdicts = explain(index, origin, source)

    assert [verdict.pool for verdict in verdicts if verdict.chosen] == (
        [match.pool] if match else []
    )
    if match is None:
        assert not any(verdict.matches for verdict in verdicts)


def test_matching_costs_the_same_with_five_thousand_pools() -> None:
    """Ten times would still be flat; a scan would be a thousand times."""

    def cost(number: int) -> float:
        index = PoolIndex([pool(str(n), {"source_key": str(n)}) for n in range(number)])
        origin = Origin("webhook", source_key="3")
        times = []
        for _ in range(20):
            start = perf_counter()
            for _ in range(100):
                index.match(origin)
            times.append(perf_counter() - start)
        return min(times)

    assert cost(5000) < 10 * cost(5)
