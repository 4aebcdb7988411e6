"""Who calls, and whether they may.

A key opens one organization: with it, another organization's things do not exist (404). Demo keys,
whose text is published in the README, open only to callers on this machine, and to nobody while the
daemon listens elsewhere too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import hdrs, web
from pydantic import SecretStr

from pointsman import observe
from pointsman.errors import Refused
from pointsman.http.peers import Peers, is_loopback
from pointsman.model import ApiKey, Organization, Rules
from pointsman.settings import Settings

__all__ = ["Gatekeeper"]

_BEARER = re.compile(r"Bearer +(\S+)", re.IGNORECASE | re.ASCII)
_BASIC = re.compile(r"Basic +([A-Za-z0-9+/=]+)", re.IGNORECASE | re.ASCII)
_KEY = re.compile(r"pm_k_[0-9A-Za-z]{1,128}", re.ASCII)
_CHALLENGE: dict[str, str] = {hdrs.WWW_AUTHENTICATE: 'Bearer realm="pointsman"'}
_SIGNATURE = "X-Pointsman-Signature"
_ALL = "superuser"


class Gatekeeper:
    """Checks keys, signatures and the admin token."""

    def __init__(self, settings: Settings, rules: Rules) -> None:
        self._rules = rules
        self._peers = Peers(settings.trusted_proxies)
        self._admin_token = settings.admin_token
        self._exposed = not is_loopback(settings.host)
        self._warned = False

    def caller(self, request: web.Request, *scopes: str) -> tuple[Organization, ApiKey]:
        """Return whose key the request carries; refuse it unless the key has all ``scopes``."""
        found = self._rules.current.keys.get(_digest(request))
        if found is None or not self._may_use(request, found[1]):
            raise _unauthorized("the API key is not known")
        organization, key = found
        _check_usable(key)
        _check_scopes(key, scopes)
        return organization, key

    def known(self, request: web.Request) -> tuple[Organization, ApiKey] | None:
        """Return whose key a request carries, whatever it may do; ``None`` without a known one."""
        if hdrs.AUTHORIZATION not in request.headers:
            return None
        try:
            return self._rules.current.keys.get(_digest(request))
        except Refused:
            return None

    def sender(self, request: web.Request, organization: Organization, body: bytes) -> str | None:
        """Let a sender of leads pass as the organization asks; return the key's name, if one.

        A key of another organization raises ``LookupError``: the answer must be the one that an
        unknown organization gets.
        """
        auth = organization.intake_auth
        if auth.kind == "none":
            return None
        if auth.kind == "hmac":
            _check_signature(request.headers, auth.secret, body)
            return None
        found = self._rules.current.keys.get(_digest(request))
        if found is None or found[0].id != organization.id or not self._may_use(request, found[1]):
            raise LookupError
        _check_usable(found[1])
        _check_scopes(found[1], ("leads:write",))
        return found[1].name

    def is_operator(self, request: web.Request) -> bool:
        """Tell whether the request may use ``/-/`` and ``/metrics``."""
        return self._peers.is_local(request) or self._has_admin_token(request)

    def require_operator(self, request: web.Request) -> None:
        """Refuse anyone who is neither on this machine nor has the admin token."""
        if self.is_operator(request):
            return
        if self._admin_token is None:
            raise Refused(
                "only callers on this machine may use this; set admin_token to allow others",
                status=HTTPStatus.FORBIDDEN,
                code="FORBIDDEN",
            )
        raise _unauthorized("this needs the admin token as 'Authorization: Bearer TOKEN'")

    def _has_admin_token(self, request: web.Request) -> bool:
        found = _BEARER.fullmatch(request.headers.get(hdrs.AUTHORIZATION, ""))
        return (
            self._admin_token is not None
            and found is not None
            and _same(found[1].encode(errors="surrogateescape"), _secret(self._admin_token))
        )

    def _may_use(self, request: web.Request, key: ApiKey) -> bool:
        if not key.demo:
            return True
        if self._exposed:
            self._warn(key)
            return False
        return self._peers.is_local(request)

    def _warn(self, key: ApiKey) -> None:
        if not self._warned:
            self._warned = True
            why = "the daemon listens beyond loopback; make a key with 'pointsman keys create'"
            observe.log().warning(observe.DEMO_KEY_IGNORED, key=key.name, reason=why)


def _digest(request: web.Request) -> str:
    """Return the SHA-256 of the request's API key in hex."""
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is None:
        raise _unauthorized("this needs an API key as 'Authorization: Bearer pm_k_...'")
    found = _BEARER.fullmatch(header)
    key = found[1] if found is not None else _basic(header)
    if _KEY.fullmatch(key) is None:
        raise _unauthorized(
            "the header Authorization must be 'Bearer pm_k_...', or Basic with the user 'API' and "
            "the key as password"
        )
    return hashlib.sha256(key.encode()).hexdigest()


def _basic(header: str) -> str:
    """Return the key of a Basic header as the flows API's clients send it, "" if it is none."""
    found = _BASIC.fullmatch(header)
    try:
        told = base64.b64decode(found[1], validate=True).decode() if found else ""
    except ValueError:
        return ""
    user, _, key = told.partition(":")
    return key if user == "API" else ""


def _check_usable(key: ApiKey) -> None:
    if not key.active:
        raise _forbidden(f"the API key '{key.name}' is not active")
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        raise _forbidden(f"the API key '{key.name}' has expired")


def _check_scopes(key: ApiKey, scopes: tuple[str, ...]) -> None:
    missing = [] if _ALL in key.scopes else [scope for scope in scopes if scope not in key.scopes]
    if missing:
        raise _forbidden(f"the API key '{key.name}' lacks the scope {', '.join(missing)}")


def _check_signature(headers: Mapping[str, str], secret: bytes, body: bytes) -> None:
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    given = headers.get(_SIGNATURE, "")
    if not _same(given.encode(errors="surrogateescape"), expected.encode()):
        raise _unauthorized(
            f"{_SIGNATURE} must be 'sha256=' and the hex HMAC-SHA256 of the body as it was sent"
        )


def _same(given: bytes, expected: bytes) -> bool:
    return hmac.compare_digest(given, expected)


def _secret(token: SecretStr) -> bytes:
    return token.get_secret_value().encode()


def _unauthorized(message: str) -> Refused:
    return Refused(
        message, status=HTTPStatus.UNAUTHORIZED, code="UNAUTHORIZED", headers=dict(_CHALLENGE)
    )


def _forbidden(message: str) -> Refused:
    return Refused(message, status=HTTPStatus.FORBIDDEN, code="FORBIDDEN")
