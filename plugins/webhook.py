"""``webhook``: send an HTTP request."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, Field, StringConstraints, UrlConstraints, WithJsonSchema
from pydantic_core import Url

from pointsman.changing import FieldName, set_fields
from pointsman.delivery import Answer
from pointsman.plugin import ActionContext, ActionError, Options, TransientError, action, signature
from pointsman.rules.paths import MISSING, PATH, compile_path

__all__ = ["AuthOptions", "ResponseMapping", "WebhookOptions", "webhook"]

HttpUrl = Annotated[Url, UrlConstraints(allowed_schemes=["http", "https"], max_length=2048)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]*$", max_length=8192)]

ResponsePath = Annotated[
    str,
    StringConstraints(pattern=rf"^(\$|{PATH})$", max_length=200),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^(\$|{PATH})$",
            "x-expected": "a path such as data.contacts.0.id, or $ for the whole answer",
        }
    ),
]


def _own_name(name: str) -> str:
    if name == "status":
        raise ValueError("'status' is the answer's; choose another name")
    return name


OutputName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64),
    AfterValidator(_own_name),
]

TEXT_LIMIT = 4096
"""Characters of an answer's text that are kept when it is not JSON."""

_OWN = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature", "host"})


class AuthOptions(Options):
    """How the request proves who sent it."""

    type: Literal["bearer", "basic", "header"] = Field(
        default="bearer",
        description="bearer: Authorization: Bearer TOKEN; basic: the credential is USER:PASSWORD; "
        "header: the credential is the value of the named header.",
    )
    credential: str = Field(
        description="Name of a credential in organization.yaml.",
        json_schema_extra={"x-credential": True},
    )
    header: HeaderName = Field(
        default="X-Api-Key", description="Header that carries the credential; for type header."
    )


class ResponseMapping(Options):
    """What is taken of the answer's JSON."""

    output: dict[OutputName, ResponsePath] = Field(
        default_factory=dict,
        max_length=50,
        description="Names of the step's output, each with its path in the answer.",
    )
    record: dict[FieldName, ResponsePath] = Field(
        default_factory=dict,
        max_length=50,
        description="Fields of the record to set, each with its path in the answer.",
    )


class WebhookOptions(Options):
    """Options of ``webhook``."""

    url: HttpUrl = Field(description="Where to send the request: http or https.")
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = Field(
        default="POST", description="HTTP method."
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Headers to send beside those that are always sent."
    )
    body: Any = Field(
        default=None,
        description="What to send: an object or list goes as JSON, text as it is. Left out: the "
        "event as JSON ({type, timestamp, data}; timestamp: when it occurred); GET and DELETE "
        "then send nothing.",
    )
    auth: AuthOptions | None = Field(default=None, description="Credential to send.")
    timeout: float = Field(
        default=10, gt=0, le=60, description="Seconds to wait for the whole answer."
    )
    signing_credential: str | None = Field(
        default=None,
        description="Name of the credential that signs the request (Standard Webhooks); a value "
        "that begins with whsec_ is base64 after that.",
        json_schema_extra={"x-credential": True},
    )
    response_mapping: ResponseMapping | None = Field(
        default=None,
        description="What to take of the answer's JSON, by paths such as data.contacts.0.id.",
    )


@action("webhook", timeout=timedelta(seconds=65))
async def webhook(options: WebhookOptions, context: ActionContext) -> dict[str, Any]:
    """Send an HTTP request, by default the event as JSON.

    Every request carries ``webhook-id`` (the same on every attempt of a step, so that the receiver
    can tell a repeat), ``webhook-timestamp`` and, with ``signing_credential``,
    ``webhook-signature`` as Standard Webhooks defines them.

    A 2xx answer is success. 408, 425, 429, 5xx and network failures are tried again, not before
    the answer's ``Retry-After``; any other answer is final. Redirects are not followed. Addresses
    that are not public are refused unless ``outbound.allow_networks`` of organization.yaml names
    them.

    With ``response_mapping`` the answer must be JSON, and only what is mapped is kept of it: values
    go to the step's output, null where there is none, and to fields of the record, which stay as
    they are where there is none. ``$`` is the whole answer.

    Output: ``status``, and ``body``: the answer's JSON, or the beginning of its text; with
    ``response_mapping`` the names of its ``output`` instead.
    """
    body, kind = _body(options, context)
    headers = _headers(options, context, body, kind)
    answer = await context.http.send(
        options.method, str(options.url), headers=headers, body=body, timeout=options.timeout
    )
    told = f"{options.method} to {options.url.host} answered {answer.status}"
    if answer.may_pass:
        raise TransientError(told, retry_after=answer.retry_after)
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise ActionError(told)
    if options.response_mapping:
        return {"status": answer.status, **await _mapped(options.response_mapping, answer, context)}
    return {"status": answer.status, "body": _answered(answer.body)}


async def _mapped(
    mapping: ResponseMapping, answer: Answer, context: ActionContext
) -> dict[str, Any]:
    """Set fields of the record to what the answer says, and return what is for the output."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        told = "is no JSON" if answer.complete else f"has more than {len(answer.body)} bytes"
        raise ActionError(f"the answer {told}, so response_mapping cannot be applied") from error
    fields = {name: _at(path, body) for name, path in mapping.record.items()}
    wanted = {name: value for name, value in fields.items() if value is not None}
    if wanted:
        await set_fields(context.record, wanted)
    return {name: _at(path, body) for name, path in mapping.output.items()}


def _at(path: str, body: Any) -> Any:
    found = compile_path("answer" if path == "$" else f"answer.{path}")({"answer": body})
    return None if found is MISSING else found


def _body(options: WebhookOptions, context: ActionContext) -> tuple[bytes | None, str | None]:
    """Return the body and its type."""
    if isinstance(options.body, str):
        return options.body.encode(), "text/plain; charset=utf-8"
    if options.body is not None:
        return orjson.dumps(options.body), "application/json"
    if options.method in {"GET", "DELETE"}:
        return None, None
    # It occurred when the record was as the trigger has it; this step may be days later.
    occurred = context.trigger.get("updated_at")
    event = {
        "type": context.event,
        "timestamp": occurred or context.now.astimezone(UTC).isoformat(timespec="milliseconds"),
        "data": {_camel(name): value for name, value in context.trigger.items()},
    }
    return orjson.dumps(event), "application/json"


def _headers(
    options: WebhookOptions, context: ActionContext, body: bytes | None, kind: str | None
) -> dict[str, str]:
    timestamp = int(datetime.now(UTC).timestamp())
    headers = {"User-Agent": "Pointsman"}
    if kind:
        headers["Content-Type"] = kind
    if options.auth:
        headers |= _authorization(options.auth, context)
    written = {name.lower() for name in options.headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in written}
    headers |= {name: v for name, v in options.headers.items() if name.lower() not in _OWN}
    headers |= {"webhook-id": context.delivery_id, "webhook-timestamp": str(timestamp)}
    if options.signing_credential:
        secret = context.credential(options.signing_credential)
        headers["webhook-signature"] = signature(
            secret, context.delivery_id, timestamp, body or b""
        )
    return headers


def _authorization(auth: AuthOptions, context: ActionContext) -> dict[str, str]:
    value = context.credential(auth.credential)
    if auth.type == "header":
        return {auth.header: value}
    if auth.type == "basic":
        return {"Authorization": f"Basic {base64.b64encode(value.encode()).decode()}"}
    return {"Authorization": f"Bearer {value}"}


def _answered(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")[:TEXT_LIMIT] or None


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
