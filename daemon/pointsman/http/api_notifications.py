"""The calls about in-app notifications as data."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.http.api_schemas import listed, ref
from pointsman.http.operation import PAGED, Operation
from pointsman.http.shapes import COUNT, FLAG, TEXT, TIME, UUID, Schema, object_of
from pointsman.modules import MODULES

__all__ = ["NOTIFICATION_OPERATIONS", "notification_components"]

_BASE = "/api/v1/notifications"
_MEMBER = {"type": "string", "description": "Whose inbox: the id or handle of a member."}

NOTIFICATION_OPERATIONS = (
    Operation(
        "get",
        _BASE,
        "listNotifications",
        "List a member's notifications, newest first.",
        "notifications:read",
        listed("Notification"),
        query={"member": _MEMBER, "unread": {"enum": ["true", "false"]}, **PAGED},
    ),
    Operation(
        "get",
        f"{_BASE}/stream",
        "streamNotifications",
        "Tell of new notifications as server-sent events; Last-Event-ID goes on after that one.",
        "notifications:read",
        {"type": "string"},
        query={"member": {**_MEMBER, "description": "Whose only; left out, everybody's."}},
        media="text/event-stream",
    ),
    Operation(
        "post",
        f"{_BASE}/read",
        "readNotifications",
        "Note that a member has read some notifications; without ids, all of them.",
        "notifications:write",
        ref("NotificationsRead"),
        body=ref("NotificationsReading"),
    ),
)
"""The calls, in the order in which the page shows them."""


def notification_components() -> Mapping[str, Schema]:
    """Return the shapes of notifications by name."""
    ids = {"type": "array", "maxItems": 1_000, "items": {"type": "string"}}
    return {
        "Notification": object_of(
            {
                "id": UUID,
                "title": TEXT,
                "body": TEXT,
                "module": {"enum": list(MODULES)},
                "recordId": UUID,
                "workflowId": TEXT,
                "runId": UUID,
                "createdAt": TIME,
                "isRead": FLAG,
            }
        ),
        "NotificationsReading": {
            "type": "object",
            "required": ["member"],
            "additionalProperties": False,
            "properties": {"member": _MEMBER, "ids": ids},
        },
        "NotificationsRead": object_of({"read": COUNT, "unread": COUNT}),
    }
