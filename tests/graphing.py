"""Meta's Graph API as a real server on loopback, and posts signed as Meta signs them."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

__all__ = ["APP_SECRET", "TOKEN", "VERIFY", "Graph", "graph_api", "integration", "signed"]

APP_SECRET = "app secret"
TOKEN = "EAAG-page-token"
VERIFY = "a text of ours"


def integration(url: str = "http://127.0.0.1:1", *, token: bool = True) -> str:
    """Return the ``integrations.meta`` of organization.yaml."""
    access = f", access_token: {TOKEN}" if token else ""
    return f"meta: {{verify_token: {VERIFY}, app_secret: {APP_SECRET}{access}, graph_url: '{url}'}}"


def signed(post: Any, secret: str = APP_SECRET) -> dict[str, Any]:
    """Return the options of a request that posts ``post`` as Meta does."""
    raw = post if isinstance(post, bytes) else json.dumps(post).encode()
    digest = hmac.new(secret.encode(), raw, "sha256").hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
    return {"data": raw, "headers": headers}


@dataclass
class Graph:
    """What it knows of leads, by id; ``answers`` come first, as status and body."""

    leads: dict[str, Any] = field(default_factory=dict)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    async def lead(self, request: web.Request) -> web.Response:
        """Answer a lead, as Meta does."""
        identifier = request.match_info["id"]
        self.asked.append((identifier, dict(request.query)))
        if self.answers:
            status, body = self.answers.pop(0)
            return web.json_response(body, status=status)
        proof = hmac.new(APP_SECRET.encode(), TOKEN.encode(), "sha256").hexdigest()
        known = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        if not known or request.query["appsecret_proof"] != proof:
            return _error(400, f"Malformed access token {request.headers.get('Authorization')}")
        if identifier not in self.leads:
            return _error(400, f"Object with ID '{identifier}' does not exist")
        return web.json_response({"id": identifier, **self.leads[identifier]})


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": 100}}, status=status)


@asynccontextmanager
async def graph_api() -> AsyncIterator[Graph]:
    """Serve the Graph API on a free port."""
    graph = Graph()
    app = web.Application()
    app.add_routes([web.get("/v25.0/{id}", graph.lead)])
    async with TestServer(app, access_log=None) as server:
        graph.url = str(server.make_url("/v25.0"))
        yield graph
