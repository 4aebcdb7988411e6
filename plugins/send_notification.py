"""``send_notification``: tell people of the organization something, in the app."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pointsman.plugin import ActionContext, Options, action

__all__ = ["SendNotificationOptions", "send_notification"]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class SendNotificationOptions(Options):
    """Options of ``send_notification``."""

    to: Name | Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)] = Field(
        description="Who is told: a member by handle or id, owner (of the record), role:manager, "
        "or several of them.",
        json_schema_extra={"x-recipient": True},
    )
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        max_length=300, description="What it is about."
    )
    body: str = Field(default="", max_length=5_000, description="What is said.")


@action("send_notification", quick=True)
async def send_notification(
    options: SendNotificationOptions, context: ActionContext
) -> dict[str, Any]:
    """Put a notification into the inboxes of members.

    ``owner`` is whoever has the record at that moment, so it follows an ``assign_owner`` before
    it; nobody is told if nobody has it. Everybody is told once, also who is meant twice. Inboxes
    are read over the API: ``GET /api/v1/notifications``, and live from
    ``GET /api/v1/notifications/stream``. What a notification says goes with the record when that is
    erased.

    Output: ``member_ids``, who was told.
    """
    to = (options.to,) if isinstance(options.to, str) else options.to
    return {"member_ids": list(await context.inbox.send(to, options.title, options.body))}
