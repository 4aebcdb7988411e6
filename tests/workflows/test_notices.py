"""Mails about the turns of a pool: whom they reach, what they say, and what an outage does."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from daemons import running
from deployed import POOLS, Client, lay_out
from listening import ACME
from mailing import Mailbox, mailbox
from pointsman.model import Organization, Snapshot
from support import wait_until
from trees import compiled, findings, write

INBOUND = """\
name: Inbound {{trigger.secret}}
participants: [ada, bob]
follower: fay
email_notifications_enabled: true
connections: [{source: webhook}]
"""


def organization(smtp: str, more: str = "") -> str:
    fay = "  - {handle: fay, name: Fay Follower, email: fay@example.com}\napi_keys:"
    return ACME["organization.yaml"].replace("api_keys:", fay) + f"smtp: {smtp}\n{more}"


def tree(folder: Path, box: Mailbox, more: str = "") -> Path:
    smtp = f"{{host: localhost, port: {box.server.port}, tls: none, from: 'Acme <a@acme.example>'}}"
    files = {
        **ACME,
        "organization.yaml": organization(smtp, more),
        "pools/inbound.yaml": INBOUND,
    }
    return lay_out(folder / "config", files)


async def post(client: Client, **lead: Any) -> Any:
    body = {"email": "lead@example.com", **lead}
    status, told = await client.call("POST", "/intake/acme/webhook", body)
    assert status == 201, told
    return told


async def mails(box: Mailbox, number: int) -> dict[str, Any]:
    """Return the newest mail of each recipient once so many mails came."""
    await wait_until(lambda: len(box.mails) >= number, f"{number} mails", seconds=20)
    return {mail.recipients[0]: mail.message for mail in box.mails}


async def test_whoever_gets_a_lead_and_the_follower_are_told_once(
    tmp_path: Path, redis_url: str
) -> None:
    """Two daemons, one mail to each; leads of other pools are nobody's news."""
    async with mailbox() as box, AsyncExitStack() as stack:
        root = tree(tmp_path, box)
        first = await stack.enter_async_context(running(root, redis_url))
        second = await stack.enter_async_context(
            running(root, redis_url, config_role="follower", data_dir=tmp_path / "second")
        )
        here, there = Client(first.url), Client(second.url)

        await post(here, first_name="Grace\nBcc: x@example.com", last_name="Hopper", phone_1="")
        await post(there, utm_campaign="spring-sale")
        await post(there)
        told = await mails(box, 4)

        assert Counter(tuple(mail.recipients) for mail in box.mails) == {
            ("ada@example.com",): 1,
            ("bob@example.com",): 1,
            ("fay@example.com",): 2,
        }
        mail = told["ada@example.com"]
        assert mail["Subject"] == "New lead in Inbound ((trigger.secret))"
        assert mail["Bcc"] is None
        assert mail.get_content().replace("\r\n", "\n") == (
            "Hello Ada Lovelace,\n\n"
            "you have a new lead in Inbound ((trigger.secret)).\n\n"
            "Name: Grace\nBcc: x@example.com Hopper\n"
            "Email: lead@example.com\n"
            "Phone: not given\n"
        )
        assert "has a new lead in" in told["fay@example.com"].get_content()


async def test_an_outage_of_the_mail_server_delays_no_lead_and_loses_no_mail(
    tmp_path: Path, redis_url: str, redis: Redis
) -> None:
    """The lead is answered at once; its mail goes out when the server is back."""
    refusals = {"DATA": "451 not now"}
    async with mailbox(refusals=refusals) as box:
        root = tree(tmp_path, box, "lead_url: https://crm.example/{{trigger.id}}\n")
        async with running(root, redis_url) as app:
            told = await post(Client(app.url), first_name="Grace")

            async def waiting() -> bool:
                keys = [key async for key in redis.scan_iter("pm:*:run:*")]
                runs = [await redis.hget(key, "status") for key in keys]
                return bool(runs) and all(status == b"waiting" for status in runs)

            await wait_until(waiting, "the server was tried", seconds=20)
            assert (told["assigned"], box.mails) == (True, [])
            refusals.clear()
            text = (await mails(box, 2))["ada@example.com"].get_content()

            assert f"https://crm.example/{told['leadId']}" in text
            assert "lead@example.com" not in text
            assert len({mail.message["Message-ID"] for mail in box.mails}) == 2


def snapshot(acme: Organization, owner: str | None, pool: str | None = "inbound") -> Snapshot:
    pools = {each.file: each.id for each in acme.pools.values()}
    owner_id = acme.handles[owner] if owner else None
    return Snapshot({"owner_id": owner_id}, None, pools.get(f"pools/{pool}.yaml"))


FILES = {
    "organization.yaml": """\
name: Acme
smtp: {host: localhost, from: a@acme.example}
members:
  - {handle: ada, name: Ada, email: ada@example.com}
  - {handle: bob, name: Bob}
  - {handle: fay, name: Fay, email: fay@example.com}
""",
    "pools/inbound.yaml": """\
name: Inbound
participants: [ada, bob, fay]
follower: fay
email_notifications_enabled: true
""",
    "pools/quiet.yaml": "name: Quiet\nparticipants: [ada]\n",
}


@pytest.mark.parametrize(
    ("owner", "pool", "whom"),
    [
        ("ada", "inbound", ["owner", "follower"]),
        ("bob", "inbound", ["follower"]),
        ("fay", "inbound", ["owner"]),
        (None, "inbound", []),
        ("ada", "quiet", []),
        ("ada", None, []),
    ],
)
def test_who_is_told(owner: str | None, pool: str | None, whom: list[str]) -> None:
    """Nobody without an address, nobody twice, and nobody of turns that were none of the pool's."""
    acme = compiled(FILES)
    notices = acme.triggers["leads", "lead_assigned"]

    found = [each for each in notices if each.matches(snapshot(acme, owner, pool))]

    assert [each.name for each in found] == [f"Inbound: mail to the {each}" for each in whom]
    assert not acme.workflows


def test_mails_that_cannot_be_sent_are_findings(tmp_path: Path) -> None:
    files = {**FILES, "pools/quiet.yaml": None}
    without = FILES["organization.yaml"].replace(
        "smtp: {host: localhost, from: a@acme.example}\n", ""
    )
    late = without + "lead_url: 'https://crm.example/{{trigger.id'\n"

    reachable = findings(write(tmp_path / "a", files))
    told = findings(write(tmp_path / "b", {**files, "organization.yaml": late}))

    place = "acme/pools/inbound.yaml:4:30: email_notifications_enabled"
    nobody = f"{place}: no mail reaches bob: add 'email' to the member (warning)"
    assert nobody in reachable
    assert f"{place}: mails need 'smtp' in organization.yaml" in told
    assert any("lead_url: '{{' begins a placeholder that does not end" in line for line in told)


async def test_the_switch_is_set_over_the_api(tmp_path: Path, redis_url: str) -> None:
    """It is refused where there is no server to send with, and said so."""
    async with mailbox() as box, running(tree(tmp_path, box), redis_url) as app:
        client = Client(app.url)
        people = await client.people()
        body = {
            "name": "North",
            "participantIds": [people["ada"]],
            "emailNotificationsEnabled": True,
        }
        _, made = await client.post(body)
        shown = await client.get(f"/{made['id']}")
        await client.patch(made["id"], {"emailNotificationsEnabled": False})
        off = await client.get(f"/{made['id']}")

        assert made["emailNotificationsEnabled"] is True
        assert shown["settings"]["emailNotificationsEnabled"] is True
        assert off["emailNotificationsEnabled"] is False
    text = (tmp_path / "config/acme/organization.yaml").read_text()
    (tmp_path / "config/acme/organization.yaml").write_text(text.partition("smtp:")[0])
    (tmp_path / "config/acme/pools/inbound.yaml").write_text(ACME["pools/inbound.yaml"])
    async with running(tmp_path / "config", redis_url) as app:
        status, told = await Client(app.url).call("POST", POOLS, body)

        assert status == 400
        assert "mails need 'smtp'" in told["error"]["message"]
