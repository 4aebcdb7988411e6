from __future__ import annotations

from pointsman.model import Origin
from pointsman.pools.explain import explain, explain_turn
from pointsman.pools.match import PoolIndex
from pointsman.store.pools import PassedOver, PoolState
from pooling import make_pool


def test_every_pool_tells_why_it_matched_or_not() -> None:
    site = make_pool(["ada"], file="pools/site.yaml", connections=[{"source_key": "site"}])
    rest = make_pool(["ada"], file="pools/rest.yaml")
    meta = make_pool(["ada"], file="pools/meta.yaml", connections=[{"source": "meta"}])
    off = make_pool(["ada"], file="pools/off.yaml", is_active=False)

    verdicts = explain(PoolIndex([site, rest, meta, off]), Origin("webhook", source_key="site"))

    assert {v.pool.file: (v.chosen, v.matches, v.reasons[-1]) for v in verdicts} == {
        "pools/site.yaml": (True, True, "connection webhook_key matches"),
        "pools/rest.yaml": (False, True, "'Inbound' is preferred: it matches by webhook_key"),
        "pools/meta.yaml": (
            False,
            False,
            "connection meta does not match: source must be 'meta', the lead has 'webhook'",
        ),
        "pools/off.yaml": (False, False, "it is not active (is_active: false)"),
    }


def test_pools_that_take_only_the_other_kind_of_leads_say_so() -> None:
    manual = make_pool(["ada"], assign_inbound_leads=False, assign_manual_leads=True)
    inbound = make_pool(["ada"])

    (first,) = explain(PoolIndex([manual]), Origin("webhook"))
    (second,) = explain(PoolIndex([inbound]), Origin("manual"), "manual")

    assert first.reasons == ["it takes no inbound leads (assign_inbound_leads: false)"]
    assert second.reasons == ["it takes no manual leads (assign_manual_leads: false)"]


def test_choices_without_a_connection_are_explained() -> None:
    both = make_pool(["ada"], assign_manual_leads=True)

    (manual,) = explain(PoolIndex([both]), Origin("manual"), "manual")
    (system,) = explain(PoolIndex([both]), Origin("manual"), "system")

    assert manual.reasons[-1] == "it is the first pool that takes manual leads"
    assert (
        system.reasons[-1]
        == "it is the pool of the generic webhook, which takes what has no origin"
    )


def test_the_turn_is_told_with_those_passed_over() -> None:
    pool = make_pool([{"member": "ada", "is_active": False}, {"member": "cy", "weight": 0}, "bob"])
    ada, cy, bob = pool.participants
    passed = [PassedOver(ada, "inactive"), PassedOver(cy, "weight_zero")]

    assert explain_turn(PoolState(bob, passed)) == [
        "1. Ada would be passed over: inactive in this pool",
        "2. Cy would be passed over: weight 0",
        "3. Bob is next",
    ]
    assert explain_turn(PoolState(None, []))[-1] == "nobody may be served: no_eligible_participant"
