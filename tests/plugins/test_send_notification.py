from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.testing import KeptInbox, action_context, perform


async def sent(**config: Any) -> tuple[KeptInbox, Any]:
    async with action_context({"first_name": "Grace"}) as context:
        given = {"title": "New lead", **config}
        output = await perform("send_notification", given, context)
        assert await perform("send_notification", given, context) == output
    assert isinstance(context.inbox, KeptInbox)
    return context.inbox, output


async def test_one_person_is_told_once_however_often_it_is_tried() -> None:
    inbox, output = await sent(to="ada", body="Call her")

    assert inbox.sent == [(("ada",), "New lead", "Call her")]
    assert output == {"member_ids": ["ada"]}


async def test_several_are_told_at_once() -> None:
    inbox, _ = await sent(to=["owner", "role:manager"])

    assert inbox.sent == [(("owner", "role:manager"), "New lead", "")]


@pytest.mark.parametrize(
    "config", [{}, {"to": []}, {"to": " "}, {"to": "ada", "title": " "}, {"to": 5}]
)
async def test_options_that_tell_nobody_or_nothing_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await sent(**config)
