"""Posts of Meta's Lead Ads, read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import Refused
from pointsman.flows.meta import LONGEST_POST, MetaLead, read_lead, read_post
from pointsman.model import Origin


def notified(*values: Any, field: str = "leadgen", page: Any = "153125381133") -> dict[str, Any]:
    """Return a notification as Meta posts it."""
    changes = [{"field": field, "value": value} for value in values]
    return {"object": "page", "entry": [{"id": page, "time": 1438292065, "changes": changes}]}


def test_a_notification_gives_ids_alone() -> None:
    post = notified(
        {
            "leadgen_id": 123123123123,
            "page_id": 123123123,
            "form_id": 12312312312,
            "adgroup_id": 12312312312,
            "ad_id": 12312312399,
            "created_time": 1440120384,
        }
    )

    (lead,) = read_post(post).leads

    assert lead == MetaLead(
        "123123123123",
        Origin(
            "meta",
            meta_page_id="123123123",
            meta_form_id="12312312312",
            meta_ad_id="12312312399",
        ),
    )


def test_what_is_left_out_is_taken_from_where_it_stands_besides() -> None:
    """The page is the entry's, and an adgroup is what older versions call an ad."""
    (lead,) = read_post(notified({"leadgen_id": "1", "adgroup_id": "7"}, page=9)).leads

    assert (lead.origin.meta_page_id, lead.origin.meta_ad_id) == ("9", "7")


def test_a_batch_keeps_its_order_and_what_is_no_lead_is_counted() -> None:
    post = notified({"leadgen_id": "1"}, {"leadgen_id": "2"})
    post["entry"] += notified({"item": "like"}, field="feed")["entry"]
    post["entry"] += notified({"leadgen_id": "3"})["entry"]

    notification = read_post(post)

    assert [lead.id for lead in notification.leads] == ["1", "2", "3"]
    assert notification.ignored == 1


FILLED: dict[str, Any] = {
    "id": "444",
    "created_time": "2026-02-28T08:49:14+0000",
    "ad_id": "23842",
    "campaign_id": 777,
    "form_id": "555",
    "platform": "ig",
    "is_organic": False,
    "field_data": [
        {"name": "full_name", "values": ["Ada King Lovelace"]},
        {"name": "email", "values": ["ada@example.com"]},
        {"name": "phone_number", "values": ["+15550100"]},
        {"name": "what_do_you_like?", "values": ["tea", "cake"]},
        {"name": "utm_campaign", "values": ["spring"]},
        {"name": "empty", "values": [""]},
    ],
}


def test_what_was_filled_in_becomes_a_body_of_intake() -> None:
    """Meta's names become those of the standard fields; questions keep their own."""
    lead = read_lead(FILLED, known=Origin("meta", meta_page_id="9", meta_ad_id="1"))

    assert lead.origin == Origin(
        "meta",
        meta_page_id="9",
        meta_form_id="555",
        meta_ad_id="23842",
        meta_campaign_id="777",
        utm_campaign="spring",
    )
    assert lead.body == {
        "facebook.leadgen_id": "444",
        "facebook.page_id": "9",
        "facebook.form_id": "555",
        "facebook.ad_id": "23842",
        "facebook.campaign_id": "777",
        "facebook.platform": "ig",
        "facebook.is_organic": False,
        "full_name": "Ada King Lovelace",
        "first_name": "Ada",
        "last_name": "King Lovelace",
        "email": "ada@example.com",
        "phone_1": "+15550100",
        "what_do_you_like?": ["tea", "cake"],
        "utm_campaign": "spring",
    }


def test_leads_come_alone_or_as_a_page_or_in_their_notification_too() -> None:
    inside = {**FILLED, "leadgen_id": "444"}

    alone, page, told = (
        read_post(FILLED),
        read_post({"data": [FILLED]}),
        read_post(notified(inside)),
    )

    assert alone == page
    assert told.leads[0].body == {**(alone.leads[0].body or {}), "facebook.page_id": "153125381133"}


@pytest.mark.parametrize(
    ("post", "said"),
    [
        ({}, "body: expected 'entry'"),
        ({"object": "user", "entry": []}, "object: expected 'page'"),
        ({"entry": {}}, "entry: expected a list"),
        ({"entry": [5]}, "entry[0]: expected an object"),
        ({"entry": [{}]}, "entry[0].changes: expected a list"),
        (notified(None), "entry[0].changes[0].value: expected an object"),
        (notified({}), "entry[0].changes[0].value.leadgen_id: is required"),
        (notified({"leadgen_id": True}), "entry[0].changes[0].value.leadgen_id: expected an id"),
        (notified({"leadgen_id": "a b"}), "entry[0].changes[0].value.leadgen_id: expected an id"),
        (
            notified({"leadgen_id": 1, "form_id": [1]}),
            "entry[0].changes[0].value.form_id: expected an id",
        ),
        ({"data": [{"id": 1, "field_data": {}}]}, "data[0].field_data: expected a list"),
        ({"id": 1, "field_data": [{"values": []}]}, "field_data[0].name: expected the name"),
        ({"id": 1, "field_data": [{"name": "a"}]}, "field_data[0].values: expected a list"),
        ({"field_data": []}, "id: expected an id"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(post: Any, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_post(post)

    assert str(refused.value).startswith(said)
    assert refused.value.code == "VALIDATION_ERROR"


def test_a_post_of_too_many_leads_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        read_post(notified(*({"leadgen_id": i} for i in range(LONGEST_POST + 1))))

    assert refused.value.status == 413


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["entry", "changes", "value", "field", "field_data", "name", "values", "id", "data"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["entry", "field_data", "data", "object", "id"]), JSON))
def test_any_post_is_read_or_refused(post: dict[str, Any]) -> None:
    """Whatever arrives, the outcome is leads or a refusal, never a crash."""
    try:
        notification = read_post(post)
    except Refused:
        return
    assert all(lead.id and lead.origin.source == "meta" for lead in notification.leads)
