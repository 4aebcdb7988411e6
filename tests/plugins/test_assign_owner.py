from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.testing import KeptRecord, action_context, perform


async def assigned(record: dict[str, Any], **config: Any) -> tuple[KeptRecord, Any]:
    async with action_context(record) as context:
        output = await perform("assign_owner", config, context)
    assert isinstance(context.record, KeptRecord)
    return context.record, output


async def test_people_take_turns_by_default() -> None:
    record, output = await assigned({}, user_ids=["ada", "bruno"])

    assert record.asked == [("round_robin", ("ada", "bruno"), None)]
    assert output == {"owner_id": "ada", "before": None, "reason": "assigned"}


async def test_one_person_is_the_first_of_one() -> None:
    record, _ = await assigned({}, algorithm="fixed", user_id=" chen ")

    assert record.asked == [("fixed", ("chen",), None)]


async def test_a_pool_is_asked_by_its_name() -> None:
    record, _ = await assigned({}, algorithm="least_loaded", pool="inbound")

    assert record.asked == [("least_loaded", (), "inbound")]


async def test_an_owner_stays_unless_it_says_overwrite() -> None:
    kept, output = await assigned({"owner_id": "bruno"}, user_ids=["ada"])
    changed, _ = await assigned({"owner_id": "bruno"}, user_ids=["ada"], overwrite=True)

    assert (kept.fields["owner_id"], output["reason"]) == ("bruno", "already_owned")
    assert changed.fields["owner_id"] == "ada"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"user_ids": []},
        {"user_ids": ["ada"], "pool": "inbound"},
        {"user_ids": ["ada"], "user_id": "ada"},
        {"algorithm": "fixed"},
        {"algorithm": "fixed", "user_id": "ada", "pool": "inbound"},
        {"algorithm": "random", "user_ids": ["ada"]},
        {"user_ids": [" "]},
    ],
)
async def test_options_that_leave_open_who_is_meant_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await assigned({}, **config)
