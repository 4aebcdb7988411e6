"""Mails about the turns of a pool: to whoever got a lead, and to whoever follows the pool.

They are workflows like those in files, only that nobody writes them: so a mail is sent once for an
event, tried again while the server is away, and is a dead letter when it is given up. One workflow
for each of the two, so that an address which is refused keeps nothing from the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pointsman.ids import derived
from pointsman.model import Member, Pool, Snapshot, Workflow
from pointsman.workflows.compile import compile_workflow

__all__ = ["compile_notices"]

_GREETING = "Hello {name},\n\n"
_PERSON = 'Name: {{trigger.first_name | default: "not given"}} {{trigger.last_name}}\n'
_CONTACT = (
    'Email: {{trigger.email | default: "not given"}}\n'
    'Phone: {{trigger.phone_1 | default: "not given"}}\n'
)

Matches = Callable[[Snapshot], bool]


def compile_notices(
    pool: Pool, members: Mapping[str, Member], organization_id: str, lead_url: str | None
) -> Iterator[Workflow]:
    """Yield the workflows that mail about a pool's turns, none if it does not want them.

    With ``lead_url``, where a lead is looked at, mails do not tell how to reach the person.
    """
    if not pool.email_notifications:
        return
    told = _PERSON + (f"\n{lead_url}\n" if lead_url else _CONTACT)
    yield _notice(
        pool,
        "owner",
        organization_id,
        to="{{owner.email}}",
        text=f"{_greeting('{{owner.name}}')}you have a new lead in {_plain(pool.name)}.\n\n{told}",
        matches=_owner_is_told(pool, frozenset(m.id for m in members.values() if m.email)),
    )
    follower = pool.follower
    if follower is not None and follower.email:
        text = f"{{{{owner.name}}}} has a new lead in {_plain(pool.name)}.\n\n{told}"
        yield _notice(
            pool,
            "follower",
            organization_id,
            to=_plain(follower.email),
            text=_greeting(_plain(follower.name)) + text,
            matches=_follower_is_told(pool, follower),
        )


def _notice(
    pool: Pool, whom: str, organization_id: str, *, to: str, text: str, matches: Matches
) -> Workflow:
    name = f"{pool.name}: mail to the {whom}"
    config = {"to": to, "subject": f"New lead in {_plain(pool.name)}", "text": text}
    document: dict[str, Any] = {
        "name": name,
        "trigger_type": "lead_assigned",
        "actions": [{"key": "mail", "action_type": "send_email", "config": config}],
    }
    workflow = compile_workflow(
        file=pool.file,
        document=document,
        workflow_id=derived(pool.id, "notice", whom),
        organization_id=organization_id,
        report=_impossible,
    )
    return replace(workflow, matches=matches)


def _owner_is_told(pool: Pool, reachable: frozenset[str]) -> Matches:
    def matches(snapshot: Snapshot) -> bool:
        return snapshot.pool_id == pool.id and snapshot.current.get("owner_id") in reachable

    return matches


def _follower_is_told(pool: Pool, follower: Member) -> Matches:
    def matches(snapshot: Snapshot) -> bool:
        owner = snapshot.current.get("owner_id")
        return snapshot.pool_id == pool.id and owner is not None and owner != follower.id

    return matches


def _greeting(name: str) -> str:
    return _GREETING.format(name=name)


def _plain(text: str) -> str:
    """Return a name as it can stand in a mail: one line, and nothing that means something."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    without = printable.replace("{", "(").replace("}", ")").replace("=?", "= ?")
    return " ".join(without.split())


def _impossible(path: tuple[str | int, ...], message: str) -> None:
    raise AssertionError(f"{path}: {message}")
