"""``/api/v1/openapi.json`` and ``/api/v1/docs``: what the API is, for programs and for people.

Anybody may read both: they tell what any installation of this version does, nothing of this one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import hdrs, web

from pointsman import __version__
from pointsman.http.answers import raw_answer
from pointsman.http.api_operations import OPERATIONS, Operation
from pointsman.http.api_page import page
from pointsman.http.api_schemas import components, ref
from pointsman.http.pool_bodies import body_schemas

__all__ = ["DocumentHandlers", "document"]

_NAMED = re.compile(r"{(\w+)}")
_ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_WITH_BODY = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_BODIES = {"PoolCreate": "create", "PoolUpdate": "update", "ConnectionCreate": "connection"}
_PAGE_HEADERS = {
    hdrs.CONTENT_TYPE: "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    hdrs.SERVER: "pointsman",
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
        return raw_answer(_bytes())

    async def page(self, _: web.Request) -> web.Response:
        """Answer the document as a page, which loads nothing from anywhere."""
        return web.Response(body=_page(), headers=_PAGE_HEADERS)


@cache
def document() -> Mapping[str, Any]:
    """Return the OpenAPI document."""
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
            "schemas": {**components(), **bodies},
            "securitySchemes": {"key": key},
        },
    }


@cache
def _bytes() -> bytes:
    return orjson.dumps(document())


@cache
def _page() -> bytes:
    return page(document()).encode()


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
        told["requestBody"] = {"required": True, "content": content}
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
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        told["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    return told
