"""What of flows was deployed where that is done by hand: the live texts, and those before them.

The live texts are part of every generation; the publishing script also puts each new one into its
flow's history, under the next number. A text that was live once is never changed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = [
    "KEPT_VERSIONS",
    "Deployed",
    "Deployment",
    "DeploymentStore",
    "Live",
    "Version",
    "digest",
    "live_versions",
    "pack",
    "packed_version",
    "unpack",
]

KEPT_VERSIONS = 20
"""Deployed versions of a flow that can be brought back."""


class Deployed(NamedTuple):
    """A flow as it was deployed: where its file was, and the file's text."""

    file: str
    text: bytes

    @property
    def stem(self) -> str:
        """What the flow is called by its file."""
        return self.file.rpartition("/")[2].rpartition(".")[0]


Deployment = Mapping[str, Deployed]
"""What is live, by the flows' ids."""


class Live(NamedTuple):
    """The version of a flow that is live, since when (ms), and the digest of its text."""

    version: int
    at: int
    digest: str


class Version(NamedTuple):
    """A deployed version of a flow, when (ms) and by whom."""

    number: int
    at: int
    by: str
    deployed: Deployed


class DeploymentStore:
    """Reads what the publishing script keeps of deployed flows."""

    def __init__(self, store: RedisStore) -> None:
        self._redis = store.redis

    async def live(self, organization_id: str) -> dict[str, Live]:
        """Return which version of each deployed flow is live, by the flow's id."""
        with unavailable_if_away():
            found: Any = await self._redis.hgetall(Keys(organization_id).deployed)
        return live_versions(found)

    async def versions(self, organization_id: str, flow_id: str) -> list[Version]:
        """Return the kept versions of a flow, newest first."""
        with unavailable_if_away():
            key = Keys(organization_id).deployed_versions(flow_id)
            found: Any = await self._redis.hgetall(key)
        numbers = sorted((int(name) for name in found if name != b"last"), reverse=True)
        return [_version(number, found[str(number).encode()]) for number in numbers]


def live_versions(found: Mapping[bytes, bytes]) -> dict[str, Live]:
    """Return what is noted as live, by the flows' ids."""
    told = {flow.decode(): text.decode().split() for flow, text in found.items()}
    return {flow: Live(int(version), int(at), of) for flow, (version, at, of) in told.items()}


def digest(deployed: Deployed) -> str:
    """Return what tells a deployed text from another."""
    return sha256(deployed.file.encode() + b"\n" + deployed.text).hexdigest()[:16]


def packed_version(deployed: Deployed, at: int, by: str) -> bytes:
    """Return a text as its flow's history keeps it."""
    told = {"v": 1, "at": at, "by": by, "file": deployed.file, "text": deployed.text.decode()}
    return zlib.compress(orjson.dumps(told))


def pack(deployment: Deployment | None) -> bytes:
    """Return all live texts as a generation keeps them; nothing where none is deployed by hand."""
    if deployment is None:
        return b""
    flows = {each: (one.file, one.text.decode()) for each, one in sorted(deployment.items())}
    return zlib.compress(orjson.dumps({"v": 1, "flows": flows}))


def unpack(packed: bytes | None) -> dict[str, Deployed] | None:
    """Return the live texts of a generation, ``None`` where what is saved is live."""
    if not packed:
        return None
    flows = orjson.loads(zlib.decompress(packed))["flows"]
    return {each: Deployed(file, text.encode()) for each, (file, text) in flows.items()}


def _version(number: int, packed: bytes) -> Version:
    told = orjson.loads(zlib.decompress(packed))
    return Version(number, told["at"], told["by"], Deployed(told["file"], told["text"].encode()))
