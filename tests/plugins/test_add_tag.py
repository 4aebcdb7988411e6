from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.testing import KeptRecord, action_context, perform


async def tagged(record: dict[str, Any], **config: Any) -> tuple[KeptRecord, Any]:
    async with action_context(record) as context:
        output = await perform("add_tag", config, context)
    kept = context.record
    assert isinstance(kept, KeptRecord)
    return kept, output


async def test_tags_go_to_the_end_in_the_order_given() -> None:
    record, output = await tagged({"tags": ["old"]}, tag="a", tags=["b", "c"])

    assert record.fields["tags"] == ["old", "a", "b", "c"]
    assert output == {"added": ["a", "b", "c"]}


async def test_a_record_without_tags_gets_some() -> None:
    record, _ = await tagged({"first_name": "Ada"}, tag="a")

    assert record.fields == {"first_name": "Ada", "tags": ["a"]}


async def test_tags_are_a_set() -> None:
    record, output = await tagged({"tags": ["a"]}, tags=["a", "b", "b", " b "])

    assert record.fields["tags"] == ["a", "b"]
    assert output == {"added": ["b"]}


async def test_nothing_new_is_no_change() -> None:
    record, output = await tagged({"tags": ["b", "a"]}, tags=["a", "b"])

    assert record.changes == 0
    assert output == {"added": []}


@pytest.mark.parametrize("config", [{}, {"tags": []}, {"tag": " "}, {"tag": 1}, {"tagg": "a"}])
async def test_options_that_add_nothing_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await tagged({}, **config)
