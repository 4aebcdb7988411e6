"""Who sends an organization's mail and texts, as organization.yaml tells."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path
from typing import Any

from pointsman.config.documents import Page
from pointsman.config.secrets import resolve
from pointsman.model import MailServer, TwilioAccount

__all__ = ["mail_server", "twilio_account"]

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def mail_server(page: Page, folder: Path | None) -> MailServer | None:
    """Return the server that sends mail, reporting what contradicts itself."""
    document: dict[str, Any] | None = page.data.get("smtp")
    if not document:
        return None
    if "@" not in parseaddr(document["from"])[1]:
        page.report(("smtp", "from"), "expected an address such as Acme <hello@acme.example>")
    given = "password" in document or "password_file" in document
    if given != ("username" in document):
        page.report(("smtp",), "'username' and 'password' (or 'password_file') go together")
    if given and document.get("tls") == "none":
        page.report(("smtp", "tls"), "a password is not sent without encryption")
    tls = document.get("tls", "starttls")
    return MailServer(
        host=document["host"],
        port=document.get("port", _PORTS[tls]),
        tls=tls,
        sender=document["from"],
        username=document.get("username"),
        password=resolve(page, ("smtp",), folder, key="password"),
    )


def twilio_account(page: Page, folder: Path | None) -> TwilioAccount | None:
    """Return the account that sends texts, reporting what contradicts itself."""
    document: dict[str, Any] | None = page.data.get("twilio")
    if not document:
        return None
    if "auth_token" not in document and "auth_token_file" not in document:
        page.report(("twilio",), "has no secret; add 'auth_token' or 'auth_token_file'")
    return TwilioAccount(
        account_sid=document["account_sid"],
        auth_token=resolve(page, ("twilio",), folder, key="auth_token") or "",
        base_url=document.get("base_url", "https://api.twilio.com").rstrip("/"),
        sms_from=document.get("sms_from"),
        whatsapp_from=document.get("whatsapp_from"),
    )
