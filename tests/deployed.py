"""A whole daemon over a tree on disk, and the API as a client of it sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from listening import bearer, filled

__all__ = ["POOLS", "Client", "lay_out"]

POOLS = "/api/v1/round-robin"


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
