"""``/api/v1/openapi.json`` and ``/api/v1/docs``: what the API is, for programs and for people.

Anybody may read both: they tell what any installation of this version does, nothing of this one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import hdrs, web

from pointsman import __version__
from pointsman.http.answers import raw_answer
from pointsman.http.api_flow_calls import flow_call_components
from pointsman.http.api_flows import flow_components
from pointsman.http.api_notifications import notification_components
from pointsman.http.api_operations import OPERATIONS
from pointsman.http.api_owners import owner_components
from pointsman.http.api_page import page
from pointsman.http.api_records import record_components
from pointsman.http.api_schemas import components, ref
from pointsman.http.operation import Operation
from pointsman.http.pool_bodies import body_schemas
from pointsman.http.workflow_schemas import workflow_components
from pointsman.registry import Stage

__all__ = ["DocumentHandlers", "document"]

_NAMED = re.compile(r"{(\w+)}")
_ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_RATE = {
    "X-RateLimit-Limit": "Calls that this key may make in a minute.",
    "X-RateLimit-Remaining": "Calls that it may make now.",
    "X-RateLimit-Reset": "When it may make another one, in seconds since 1970.",
}
_WITH_BODY = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_BODIES = {"PoolCreate": "create", "PoolUpdate": "update", "ConnectionCreate": "connection"}
_PAGE_HEADERS = {
    hdrs.CONTENT_TYPE: "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}


class DocumentHandlers:
    """Handlers of the document and of its page."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get("/api/v1/openapi.json", self.document),
            web.get("/api/v1/docs", self.page),
        )

    async def document(self, _: web.Request) -> web.Response:
        """Answer the document."""
        return raw_answer(_bytes(Stage.current().digest))

    async def page(self, _: web.Request) -> web.Response:
        """Answer the document as a page, which loads nothing from anywhere."""
        return web.Response(body=_page(Stage.current().digest), headers=_PAGE_HEADERS)


def document() -> Mapping[str, Any]:
    """Return the OpenAPI document, as of the actions that are installed."""
    return _document(Stage.current().digest)


@lru_cache(maxsize=4)
def _document(_additions: str) -> Mapping[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    bodies = {name: body_schemas()[kind] for name, kind in _BODIES.items()}
    key = {"type": "http", "scheme": "bearer", "bearerFormat": "pm_k_…"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pointsman", "version": __version__, "license": {"name": "Apache-2.0"}},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {
                **components(),
                **owner_components(),
                **flow_components(),
                **flow_call_components(),
                **record_components(),
                **workflow_components(),
                **notification_components(),
                **bodies,
            },
            "headers": {
                name: {"description": text, "schema": {"type": "integer", "minimum": 0}}
                for name, text in _RATE.items()
            },
            "securitySchemes": {"key": key},
        },
    }


@lru_cache(maxsize=4)
def _bytes(additions: str) -> bytes:
    return orjson.dumps(_document(additions))


@lru_cache(maxsize=4)
def _page(additions: str) -> bytes:
    return page(_document(additions)).encode()


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Scope: `{operation.scope}`.",
        "tags": [operation.group],
        "responses": _responses(operation),
    }
    if parameters := [*_path_parameters(operation), *_query_parameters(operation)]:
        told["parameters"] = parameters
    if operation.body is not None:
        content = {operation.media: {"schema": operation.body}}
        told["requestBody"] = {"required": operation.needs_body, "content": content}
    return told


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _NAMED.findall(operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": "const" in schema, "schema": schema}
        for name, schema in (operation.query or {}).items()
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    with_body = _WITH_BODY if operation.body is not None else ()
    errors = sorted({*_ALWAYS, *with_body, *operation.errors})
    content = {operation.media: {"schema": operation.answer}}
    done: dict[str, Any] = {
        "description": HTTPStatus(operation.status).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE},
        "content": content,
    }
    if operation.links:
        done["links"] = {
            name: {"operationId": name, "parameters": parameters}
            for name, parameters in operation.links.items()
        }
    return {str(operation.status): done, **{str(int(each)): _error(each) for each in errors}}


def _error(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": {"schema": ref("Error")}},
    }
    if status in _LATER:
        told["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        told["headers"] |= {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE}
    return told
