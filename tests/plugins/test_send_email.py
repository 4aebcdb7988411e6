from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from mailing import PASSWORD, Mail, Mailbox, mailbox
from pointsman.errors import ActionError, TransientError
from pointsman.model import MailServer
from pointsman.testing import action_context, perform

MAIL = {"to": "ada@example.com", "subject": "Hello", "text": "Hi Ada"}


async def sent(box: Mailbox, **config: Any) -> tuple[Mail, Any]:
    async with action_context(mail=box.server) as context:
        output = await perform("send_email", {**MAIL, **config}, context)
    return box.mails[-1], output


@pytest.fixture(name="certificate")
def certificate_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return context


async def test_a_mail_arrives_as_it_was_written() -> None:
    now = datetime(2026, 6, 22, 18, 4, 15, tzinfo=UTC)
    config = {
        "to": ["Ada Løvelace <ada@example.com>", "bo@example.com"],
        "cc": "chen@example.com",
        "bcc": ["boss@example.com", "ada@example.com"],
        "subject": "Grüße 1",
        "text": "Hi Ada,\nπ\n.\nBye",
        "html": "<p>Hi Ada</p>",
        "reply_to": "Sales <sales@acme.example>",
    }

    async with mailbox() as box, action_context(mail=box.server, now=now) as context:
        output = await perform("send_email", config, context)

    (mail,) = box.mails
    message = mail.message
    assert mail.sender == "hello@acme.example"
    assert mail.recipients == [
        "ada@example.com", "bo@example.com", "chen@example.com", "boss@example.com",
    ]  # fmt: skip
    assert message["From"] == "Acme <hello@acme.example>"
    assert message["To"] == "Ada Løvelace <ada@example.com>, bo@example.com"
    assert message["Cc"] == "chen@example.com"
    assert "boss" not in mail.raw.decode()
    assert message["Reply-To"] == "Sales <sales@acme.example>"
    assert message["Subject"] == "Grüße 1"
    assert message["Date"].datetime == now
    assert message["Message-ID"] == output["message_id"] == "<run.1@acme.example>"
    text, html = message.iter_parts()
    assert text.get_content().splitlines() == ["Hi Ada,", "π", ".", "Bye"]
    assert html.get_content_type() == "text/html"
    assert output["accepted"] == mail.recipients
    assert output["refused"] == {}


@pytest.mark.parametrize(
    ("config", "kind"), [({}, "text/plain"), ({"text": None, "html": "<p>Hi</p>"}, "text/html")]
)
async def test_a_mail_of_one_kind_has_one_part(config: dict[str, Any], kind: str) -> None:
    async with mailbox() as box:
        mail, _ = await sent(box, **config)

    assert mail.message.get_content_type() == kind


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_mail_is_encrypted_and_its_sender_logged_in(
    certificate: ssl.SSLContext, tls: str
) -> None:
    async with mailbox(certificate, tls=tls, login=True) as box:
        mail, output = await sent(box)

    assert mail.encrypted
    assert output["accepted"] == ["ada@example.com"]


async def test_a_wrong_password_is_final_and_not_told(certificate: ssl.SSLContext) -> None:
    async with mailbox(certificate, tls="tls", login=True, password="no " + PASSWORD) as box:
        with pytest.raises(ActionError, match="answered 535") as error:
            await sent(box)

    assert PASSWORD not in str(error.value)


async def test_a_server_without_encryption_gets_no_mail_that_wants_it() -> None:
    async with (
        mailbox() as box,
        action_context(
            mail=MailServer("localhost", box.server.port, "starttls", "hello@acme.example")
        ) as context,
    ):
        with pytest.raises(ActionError, match="STARTTLS"):
            await perform("send_email", MAIL, context)

    assert not box.mails


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_is_final(tls: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)

    async with mailbox(context, tls=tls) as box:
        with pytest.raises(ActionError, match="certificate"):
            await sent(box)

    assert not box.mails


@pytest.mark.parametrize(
    ("refusals", "error"),
    [
        ({"DATA": "451 4.3.0 try later"}, TransientError),
        ({"DATA": "554 5.7.1 spam"}, ActionError),
        ({"ada@example.com": "450 4.2.1 greylisted"}, TransientError),
        ({"ada@example.com": "550 5.1.1 nobody"}, ActionError),
    ],
)
async def test_what_the_server_refuses_for_now_is_tried_again(
    refusals: dict[str, str], error: type[Exception]
) -> None:
    reason = next(iter(refusals.values()))

    async with mailbox(refusals=refusals) as box:
        with pytest.raises(error, match=reason[:3]):
            await sent(box)

    assert not box.mails


async def test_some_addresses_that_are_refused_hold_nobody_else_up() -> None:
    async with mailbox(refusals={"bo@example.com": "450 4.2.1 full"}) as box:
        mail, output = await sent(box, to=["ada@example.com", "bo@example.com"])

    assert mail.recipients == output["accepted"] == ["ada@example.com"]
    assert output["refused"] == {"bo@example.com": "450 4.2.1 full"}


async def test_a_server_that_is_away_is_tried_again() -> None:
    async with mailbox() as box:
        pass

    async with action_context(mail=box.server) as context:
        with pytest.raises(TransientError, match="localhost"):
            await perform("send_email", MAIL, context)


async def test_no_server_is_final() -> None:
    async with action_context() as context:
        with pytest.raises(ActionError, match="add 'smtp'"):
            await perform("send_email", MAIL, context)


@pytest.mark.parametrize(
    "config",
    [
        {"subject": "Hi\r\nBcc: victim@example.com"},
        {"subject": "Hi\nBcc: victim@example.com"},
        {"subject": "Hi\u2028Bcc: victim@example.com"},
        {"subject": "Hi\x00"},
        {"subject": "=?utf-8?q?Hi=0D=0ABcc=3A_victim=40example=2Ecom?="},
        {"subject": "=?utf-8?b?SGkNCkJjYzogdmljdGltQGV4YW1wbGUuY29t?="},
        {"to": "=?utf-8?q?Hi=0D=0ABcc=3A_victim=40example=2Ecom?= <ada@example.com>"},
        {"to": "ada@example.com, victim@example.com"},
        {"to": "ada@example.com\r\nBcc: victim@example.com"},
        {"to": "ada@example.com>\r\nRCPT TO:<victim@example.com"},
        {"to": 'Ada" <victim@example.com>, "x <ada@example.com>'},
        {"to": ["ada@example.com", "nobody"]},
        {"to": []},
        {"to": ""},
        {"to": "@example.com"},
        {"to": "ada@@example.com"},
        {"to": "ada@example.com", "cc": [f"a{n}@example.com" for n in range(50)]},
        {"reply_to": "a@example.com\nX: y"},
        {"text": None},
        {"bcc": "Ada <ada@example.com> <b@example.com>"},
    ],
)
async def test_a_mail_that_could_say_more_than_was_written_is_refused(
    config: dict[str, Any],
) -> None:
    """No text of a lead can add a header or an address."""
    async with mailbox() as box:
        with pytest.raises(ValidationError):
            await sent(box, **config)

    assert not box.mails


@pytest.mark.parametrize(
    "hostile",
    [
        "x" * 490,
        "ü" * 490,
        "a, b; <c@d.example>",
    ],
)
async def test_no_subject_or_name_ever_begins_a_header(hostile: str) -> None:
    """Long lines fold, and what folds stays in its header."""
    async with mailbox() as box:
        mail, _ = await sent(box, subject=hostile, to="ada@example.com")

    names = {name.lower() for name in mail.message}
    assert names == {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version",
        "content-type", "content-transfer-encoding",
    }  # fmt: skip
    assert mail.recipients == ["ada@example.com"]
    assert all(len(line) < 998 for line in mail.raw.splitlines())
