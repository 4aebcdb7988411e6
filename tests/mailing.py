"""A real SMTP server on loopback that keeps what it is sent, and refuses what it is told to."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pointsman.model import MailServer

__all__ = ["PASSWORD", "Mail", "Mailbox", "mailbox"]

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Mail:
    """A mail as it came in."""

    sender: str
    recipients: list[str]
    raw: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass
class Mailbox:
    """What the server got; ``refusals`` are answers by address, or by ``DATA``."""

    server: MailServer
    refusals: Mapping[str, str]
    mails: list[Mail] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take an address, or refuse it as told."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, or refuse it as told."""
        if "DATA" in self.refusals:
            return self.refusals["DATA"]
        assert isinstance(envelope.content, bytes)
        assert server.transport
        self.mails.append(
            Mail(
                str(envelope.mail_from),
                list(envelope.rcpt_tos),
                envelope.content,
                server.transport.get_extra_info("sslcontext") is not None,
            )
        )
        return "250 OK"


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@asynccontextmanager
async def mailbox(
    certificate: ssl.SSLContext | None = None,
    *,
    tls: str = "none",
    refusals: Mapping[str, str] | None = None,
    login: bool = False,
    **values: Any,
) -> AsyncIterator[Mailbox]:
    """Serve mail on a free port; with a certificate, encrypted by ``tls``."""
    told = {"username": "acme", "password": PASSWORD} if login else {}
    box = Mailbox(_server(0, tls, **told), refusals or {})
    late = certificate if tls == "starttls" else None

    def connected() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it does not see TLS from the first byte
            return SMTP(
                box,
                hostname="localhost",
                tls_context=late,
                require_starttls=late is not None,
                authenticator=_login if login else None,
                auth_required=login,
                auth_require_tls=tls == "starttls",
            )

    server = await asyncio.get_running_loop().create_server(
        connected, "127.0.0.1", 0, ssl=certificate if tls == "tls" else None
    )
    async with server:
        box.server = _server(server.sockets[0].getsockname()[1], tls, **{**told, **values})
        yield box


def _server(port: int, tls: str, **values: Any) -> MailServer:
    return MailServer("localhost", port, tls, "Acme <hello@acme.example>", **values)
