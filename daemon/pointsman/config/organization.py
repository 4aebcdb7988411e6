"""organization.yaml made into members, keys, secrets and switches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointsman.config.documents import Page
from pointsman.config.firehose import firehose, firehose_kind
from pointsman.config.formats import moment
from pointsman.config.integrations import is_enabled, meta_app
from pointsman.config.outgoing import mail_server, twilio_account
from pointsman.config.secrets import resolve
from pointsman.config.tree import normal_name
from pointsman.ids import derived
from pointsman.model import (
    WORKFLOW_DEPTH,
    ApiKey,
    Firehose,
    IntakeAuth,
    MailServer,
    Member,
    MetaApp,
    TwilioAccount,
)
from pointsman.pools.availability import compile_availability
from pointsman.rules.interpolate import template_problems

__all__ = ["Header", "compile_header", "identifier", "manual_deploy", "organization_id"]


@dataclass(frozen=True, slots=True)
class Header:
    """What organization.yaml alone says; ``members`` by id."""

    id: str
    name: str
    time_zone: str
    members: Mapping[str, Member]
    handles: Mapping[str, str]
    keys: tuple[ApiKey, ...]
    credentials: Mapping[str, str]
    environment: Mapping[str, str]
    mail: MailServer | None
    twilio: TwilioAccount | None
    firehose: Firehose | None
    firehose_kind: str | None
    lead_url: str | None
    lead_webhook: bool
    automation: bool
    meta: MetaApp | None
    flows_api: bool
    intake_auth: IntakeAuth
    intake_limit: int | None
    keep_history: bool
    workflow_depth: int
    allow_networks: tuple[str, ...]
    manual_deploy: bool
    source_prices_first: bool

    def called(self) -> dict[str, Member]:
        """Return the members by everything that files may call them: handle and id."""
        by_handle = {handle: self.members[found] for handle, found in self.handles.items()}
        return {**self.members, **by_handle}


def organization_id(handle: str, document: Mapping[str, Any]) -> str:
    """Return the written id, else the one that follows from the directory's name."""
    return str(document.get("id") or derived("organization", handle)).lower()


def identifier(page: Page, header: Header, kind: str, kept: str | None = None) -> str:
    """Return the id that a file writes, else the one it kept or that follows from its place."""
    found = page.data.get("id") or kept or derived(header.id, kind, normal_name(page.name))
    return str(found).lower()


def manual_deploy(document: Mapping[str, Any]) -> bool:
    """Whether flows that are saved are live only when somebody deploys them."""
    return bool(document.get("deploy") == "manual")


def compile_header(page: Page, handle: str, folder: Path | None) -> Header:
    """Return what a valid organization.yaml says, reporting what contradicts itself."""
    document = page.data
    identifier = organization_id(handle, document)
    time_zone = document.get("time_zone", "UTC")
    members = _members(page, identifier, time_zone)
    return Header(
        id=identifier,
        name=document["name"],
        time_zone=time_zone,
        members={member.id: member for member in members},
        handles={member.handle: member.id for member in members},
        keys=_keys(page),
        credentials=_credentials(page, folder),
        environment=_environment(page),
        mail=mail_server(page, folder),
        twilio=twilio_account(page, folder),
        firehose=firehose(page, folder),
        firehose_kind=firehose_kind(document),
        lead_url=_lead_url(page),
        lead_webhook=is_enabled(page, "lead_webhook"),
        automation=is_enabled(page, "automation"),
        meta=meta_app(page, folder),
        flows_api=is_enabled(page, "flows", otherwise=True),
        intake_auth=_intake(page, folder),
        intake_limit=document.get("intake", {}).get("limit"),
        keep_history=document.get("keep_history", False),
        workflow_depth=document.get("workflow_depth", WORKFLOW_DEPTH),
        allow_networks=tuple(document.get("outbound", {}).get("allow_networks", ())),
        manual_deploy=manual_deploy(document),
        source_prices_first=document.get("pricing_order") == "source_first",
    )


def _members(page: Page, organization: str, time_zone: str) -> list[Member]:
    entries = page.data.get("members", ())
    _report_doubles(page, "members", "handle")
    _report_doubles(page, "members", "id")
    return [
        Member(
            id=str(entry.get("id") or derived(organization, "member", entry["handle"])).lower(),
            handle=entry["handle"],
            name=entry["name"],
            email=entry.get("email"),
            phone=entry.get("phone"),
            active=entry.get("active", True),
            availability=compile_availability(
                entry.get("availability"), time_zone, _below(page, place)
            ),
            roles=tuple(entry.get("roles", ())),
        )
        for place, entry in enumerate(entries)
    ]


def _below(page: Page, place: int) -> Callable[[tuple[str | int, ...], str], None]:
    """Return a report for a member's availability."""
    return lambda path, message: page.report(("members", place, "availability", *path), message)


def _keys(page: Page) -> tuple[ApiKey, ...]:
    _report_doubles(page, "api_keys", "name")
    _report_doubles(page, "api_keys", "sha256")
    return tuple(
        ApiKey(
            name=entry["name"],
            sha256=entry["sha256"],
            scopes=frozenset(entry["scopes"]),
            expires_at=moment(entry["expires_at"]) if "expires_at" in entry else None,
            active=entry.get("active", True),
            demo=entry.get("demo", False),
        )
        for entry in page.data.get("api_keys", ())
    )


def _credentials(page: Page, folder: Path | None) -> dict[str, str]:
    _report_doubles(page, "credentials", "name")
    found: dict[str, str] = {}
    for place, entry in enumerate(page.data.get("credentials", ())):
        path = ("credentials", place)
        if "token" not in entry and "token_file" not in entry:
            page.report(path, f"'{entry['name']}' has no secret; add 'token' or 'token_file'")
        secret = resolve(page, path, folder, key="token")
        found[entry["name"]] = secret or ""
    return found


def _environment(page: Page) -> dict[str, str]:
    """Return the variables that placeholders may read; one that is not set is reported."""
    names = page.data.get("allow_env", ())
    for place, name in enumerate(names):
        if name not in os.environ:
            message = f"the environment variable '{name}' is not set for this daemon"
            page.report(("allow_env", place), message)
    return {name: os.environ.get(name, "") for name in names}


def _lead_url(page: Page) -> str | None:
    """Return where leads are looked at, reporting placeholders that cannot be filled."""
    url: str | None = page.data.get("lead_url")
    for _, problem in template_problems(url, 1):
        page.report(("lead_url",), problem)
    return url


def _intake(page: Page, folder: Path | None) -> IntakeAuth:
    document = page.data.get("intake")
    if not document:
        return IntakeAuth()
    given = "secret" in document or "secret_file" in document
    auth = document.get("auth", "none")
    if auth == "hmac" and not given:
        page.report(("intake",), "auth: hmac needs a 'secret' or a 'secret_file'")
    elif auth != "hmac" and given:
        page.report(("intake",), f"auth: {auth} uses no secret; remove it")
    secret = resolve(page, ("intake",), folder, key="secret") or ""
    return IntakeAuth(auth, secret.encode())


def _report_doubles(page: Page, listed: str, key: str) -> None:
    """Report entries of a list that share what must be their own."""
    for place, first in _doubles(entry.get(key) for entry in page.data.get(listed, ())):
        message = f"the same {key} as {listed}[{first}]; each needs its own"
        page.report((listed, place, key), message)


def _doubles(values: Iterable[Any]) -> Iterable[tuple[int, int]]:
    first: dict[str, int] = {}
    for place, value in enumerate(values):
        if value is not None and first.setdefault(value.lower(), place) != place:
            yield place, first[value.lower()]
