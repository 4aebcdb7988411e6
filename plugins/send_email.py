"""``send_email``: send a mail over SMTP."""

from __future__ import annotations

import email.policy
import re
import ssl
from collections.abc import Sequence
from datetime import UTC, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Annotated, Any, Self

import aiosmtplib
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from pointsman.model import MailServer
from pointsman.plugin import ActionContext, ActionError, Options, TransientError, action

__all__ = ["EmailOptions", "send_email"]

TIMEOUT = 20
"""Seconds that each answer of the server may take."""

MOST_RECIPIENTS = 50
_LONGEST_TEXT = 500_000
_FINAL = 500

_NAMED = re.compile(r"\s*\"?([^\"<>]*?)\"?\s*<([^<>\s]+)>\s*")
_SPEC = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must be one line, without control characters")
    if "=?" in text:  # the email package reads encoded words, line breaks in them too
        raise ValueError("must be plain text, without '=?'")
    return text


def _address(text: str) -> str:
    """Return an address if it is one, and one only."""
    named = _NAMED.fullmatch(_one_line(text))
    if not _SPEC.fullmatch(named[2] if named else text.strip()):
        raise ValueError("expected one address such as ada@example.com or Ada <ada@example.com>")
    return text.strip()


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


OneAddress = Annotated[str, StringConstraints(max_length=320), AfterValidator(_address)]
Addresses = Annotated[
    tuple[OneAddress, ...],
    Field(max_length=MOST_RECIPIENTS),
    BeforeValidator(_listed, json_schema_input_type=OneAddress | tuple[OneAddress, ...]),
]
LongText = Annotated[str, StringConstraints(max_length=_LONGEST_TEXT)]


class EmailOptions(Options):
    """Options of ``send_email``."""

    to: Annotated[Addresses, Field(min_length=1)] = Field(
        description="Who gets the mail: one address, or a list."
    )
    cc: Addresses = Field(default=(), description="Who gets a copy.")
    bcc: Addresses = Field(default=(), description="Who gets a copy that the others do not see.")
    subject: Annotated[str, StringConstraints(max_length=500), AfterValidator(_one_line)] = Field(
        description="What the mail is about, in one line."
    )
    text: LongText | None = Field(default=None, description="What the mail says.")
    html: LongText | None = Field(
        default=None, description="The same as HTML; with 'text', readers choose."
    )
    reply_to: OneAddress | None = Field(default=None, description="Who answers go to.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.text is None and self.html is None:
            raise ValueError("give 'text', 'html' or both")
        if len(self.recipients()) > MOST_RECIPIENTS:
            raise ValueError(f"at most {MOST_RECIPIENTS} addresses in all")
        return self

    def recipients(self) -> list[str]:
        """Return every address once, without names."""
        told = (*self.to, *self.cc, *self.bcc)
        return list(dict.fromkeys(_parsed(address).addr_spec for address in told))


@action("send_email", timeout=timedelta(seconds=60), needs="smtp")
async def send_email(options: EmailOptions, context: ActionContext) -> dict[str, Any]:
    """Send a mail over the server that ``smtp`` in organization.yaml names.

    Every address stands alone, as ``ada@example.com`` or ``Ada <ada@example.com>``: a lead that
    brings two in one field, or a line break in a subject, is refused. The ``Message-ID`` is the
    same on every attempt, so that a mail that was sent twice can be told.

    What the server refuses for now (4xx), and a server that cannot be reached, is tried again; what
    it refuses for good (5xx) is final. If it takes some of the addresses, the mail is sent, and the
    others are told in the output.

    Output: ``message_id``, ``accepted`` and ``refused`` addresses, these with the reason.
    """
    server = context.mail
    if server is None:
        raise ActionError("no mail server; add 'smtp' to organization.yaml")
    message = _message(options, context, server)
    recipients = options.recipients()
    refused = await _send(message, recipients, server)
    return {
        "message_id": message["Message-ID"],
        "accepted": [address for address in recipients if address not in refused],
        "refused": refused,
    }


async def _send(
    message: EmailMessage, recipients: Sequence[str], server: MailServer
) -> dict[str, str]:
    """Send a mail, and return who was refused."""
    try:
        refused, _ = await aiosmtplib.send(
            message,
            sender=_parsed(server.sender).addr_spec,
            recipients=recipients,
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            timeout=TIMEOUT,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        told = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
        final = all(one.code >= _FINAL for one in error.recipients)
        raise _failure(f"every address was refused: {told}", final=final) from error
    except aiosmtplib.SMTPResponseException as error:
        told = f"{server.host} answered {error.code} {error.message}"
        raise _failure(told, final=error.code >= _FINAL) from error
    except (aiosmtplib.SMTPNotSupported, ssl.SSLCertVerificationError) as error:
        raise ActionError(f"{server.host}: {error}") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _failure(f"{server.host}: {_said(error)}", final=_lasts(error)) from error
    return {address: f"{answer.code} {answer.message}" for address, answer in refused.items()}


def _lasts(error: Exception) -> bool:
    """Return whether a failure is the server's nature: what it does not offer, or who it is."""
    unoffered = type(error) is aiosmtplib.SMTPException
    return unoffered or isinstance(error.__cause__, ssl.SSLCertVerificationError)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _failure(told: str, *, final: bool) -> ActionError | TransientError:
    return ActionError(told) if final else TransientError(told)


def _message(options: EmailOptions, context: ActionContext, server: MailServer) -> EmailMessage:
    sender = _parsed(server.sender)
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = sender
    message["To"] = [_parsed(address) for address in options.to]
    if options.cc:
        message["Cc"] = [_parsed(address) for address in options.cc]
    if options.reply_to:
        message["Reply-To"] = _parsed(options.reply_to)
    message["Subject"] = options.subject
    message["Date"] = context.now.astimezone(UTC)
    message["Message-ID"] = f"<{context.delivery_id.replace(':', '.')}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if options.text is not None:
        message.set_content(options.text)
    if options.html is not None and options.text is not None:
        message.add_alternative(options.html, subtype="html")
    elif options.html is not None:
        message.set_content(options.html, subtype="html")
    return message


def _parsed(address: str) -> Address:
    named = _NAMED.fullmatch(address)
    if named:
        return Address(display_name=named[1], addr_spec=named[2])
    return Address(addr_spec=address)
