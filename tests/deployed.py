"""A whole daemon over a tree on disk, and the API as a client of it sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from listening import ACME, bearer, filled
from pointsman.app.lifecycle import App

__all__ = ["FILES", "INBOUND", "POOLS", "Client", "House", "ada", "lay_out", "refusal"]

POOLS = "/api/v1/round-robin"

INBOUND = """\
# Everybody.

name: Inbound   # as on the door
participants:
  # the founder
  - ada   # mornings
  - member: bob
    weight: 3   # closes most

assign_manual_leads: yes please
connections: [{source: webhook}]   # the site
""".replace("yes please", "true  # reception too")
FLOW = """\
name: Fair
sources: [{key: fair, name: Fair, intake: webhook, source_key: fair}]
steps: [{key: spread, type: pool, pool: away}]
"""
FILES = {**ACME, "pools/inbound.yaml": INBOUND, "flows/fair.yaml": FLOW}


def lay_out(root: Path, files: Mapping[str, str], handle: str = "acme") -> Path:
    """Write an organization's files, with the digests of their keys, below ``root``; return it."""
    for name, text in filled(files).items():
        path = root / handle / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@dataclass
class Client:
    """Calls one daemon with one key."""

    url: str
    key: str = "all"

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request; return the status and the answer's JSON."""
        async with (
            ClientSession() as http,
            http.request(method, self.url + path, json=body, headers=bearer(self.key)) as answer,
        ):
            return answer.status, await answer.json()

    async def get(self, path: str = "") -> Any:
        """Return something of round robin that is there."""
        status, told = await self.call("GET", POOLS + path)
        assert status == 200, told
        return told

    async def post(self, body: Any, path: str = "") -> tuple[int, Any]:
        """Make something."""
        return await self.call("POST", POOLS + path, body)

    async def patch(self, path: str, body: Any) -> tuple[int, Any]:
        """Change something."""
        return await self.call("PATCH", f"{POOLS}/{path}", body)

    async def delete(self, path: str) -> tuple[int, Any]:
        """Remove something."""
        return await self.call("DELETE", f"{POOLS}/{path}")

    async def pool_id(self, name: str) -> str:
        """Return the id of a pool by its name."""
        found = await self.get(f"?query={name}")
        return str(found["data"][0]["id"])

    async def people(self) -> dict[str, str]:
        """Return the members' ids by handle."""
        _, told = await self.call("GET", "/api/v1/members")
        return {member["handle"]: member["id"] for member in told["data"]}


@dataclass
class House:
    """A daemon, its tree, and a client with every scope."""

    app: App
    root: Path
    client: Client

    def text(self, name: str) -> str:
        """Return a pool's file."""
        return (self.root / "acme/pools" / f"{name}.yaml").read_text()

    def names(self) -> list[str]:
        """Return the names of the pools' files."""
        return sorted(path.name for path in (self.root / "acme/pools").iterdir())

    def generation(self) -> int:
        """Return the number of the generation that is served."""
        return self.app.serving.current.organizations["acme"].generation

    async def lead(self, path: str = "") -> Any:
        """Post a lead; it must be taken."""
        status, told = await self.client.call(
            "POST", f"/intake/acme/webhook{path}", {"email": "lead@example.com"}
        )
        assert status == 201, told
        return told


def refusal(answer: tuple[int, Any]) -> tuple[int, str, str]:
    """Return status, code and message of an error."""
    status, told = answer
    return status, told["error"]["code"], told["error"]["message"]


async def ada(house: House) -> str:
    """Return the id of a member."""
    return (await house.client.people())["ada"]
