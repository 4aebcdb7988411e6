"""Published generations: what every daemon serves, one line of them per organization.

A generation's number only grows, and publishing names the number it replaces: of two publishers
that saw the same one, the second is refused. The pointers of pools move in the same script.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_bytes
from typing import Any, NamedTuple
from uuid import uuid4

import orjson

from pointsman.errors import PointsmanError, Refused
from pointsman.ids import milliseconds
from pointsman.settings import Settings
from pointsman.store.deployments import (
    KEPT_VERSIONS,
    Deployed,
    Deployment,
    digest,
    live_versions,
    pack,
    packed_version,
    unpack,
)
from pointsman.store.keys import ORGANIZATIONS, Keys
from pointsman.store.redis import RedisStore

__all__ = [
    "CHANNEL",
    "FORMAT",
    "KEPT",
    "Content",
    "Generation",
    "GenerationStore",
    "Node",
    "Publication",
]

FORMAT = 2
"""Number of the data format that this version writes; it refuses any newer one. 2: runs as in
ADR 15, those of format 1 are read too."""

KEPT = 20
"""Generations that stay readable."""

CHANNEL = "pm:generations"
"""Where nodes hear ``<organization id> <number>`` of what was published."""

_FORGOTTEN = 30_000
_ALIVE = 6_000


@dataclass(frozen=True, slots=True)
class Generation:
    """What is known of a published generation; ``at`` in milliseconds, ``parent`` 0 for the first.

    ``pool_ids`` are the ids (by path) of pools whose file was renamed and that keep their state.
    ``written`` is whether the tree gets the files from the generation and not the other way round.
    ``secret`` is the organization's own; only the current generation tells it.
    """

    number: int
    hash: str
    parent: int
    author: str
    at: int
    pool_ids: Mapping[str, str] = field(default_factory=dict)
    written: bool = False
    secret: bytes = field(default=b"", repr=False, compare=False)


class Content(NamedTuple):
    """What a generation says: its files by path, and what of their flows is live.

    ``deployed`` is ``None`` if that is what the files say.
    """

    files: Mapping[str, bytes]
    deployed: Deployment | None


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to become the generation after ``parent``; ``pools`` as ``published`` returns them.

    ``workflows`` and ``flows`` tell id and content of each, so that a change gives a new version.
    ``deployed`` is what of the flows is live, ``None`` if it is what ``files`` say.
    ``erased`` are the ids of pools that leave no state behind, ``archived`` those that leave their
    history. ``operation`` makes a publication happen once, however often it is sent.
    """

    parent: int
    hash: str
    files: Mapping[str, bytes]
    pools: Sequence[Mapping[str, Any]]
    author: str
    pool_ids: Mapping[str, str] = field(default_factory=dict)
    workflows: Sequence[Mapping[str, str]] = ()
    flows: Sequence[Mapping[str, str]] = ()
    deployed: Deployment | None = None
    erased: Sequence[str] = ()
    archived: Sequence[str] = ()
    written: bool = False
    operation: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class Node:
    """A daemon or worker as its last sign of life told.

    ``refused`` is the generation that it cannot serve, 0 for none.
    """

    name: str
    at: int
    generation: int
    refused: int

    @property
    def alive(self) -> bool:
        """Whether the sign is recent enough to wait for this node."""
        return self.at > milliseconds() - _ALIVE


class GenerationStore:
    """Reads and publishes generations."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        self._retention = int(settings.pool_retention.total_seconds() * 1000)
        self._archive = int(settings.lead_retention.total_seconds() * 1000)

    async def organizations(self) -> dict[str, str]:
        """Return handle to id of every organization that was published."""
        found = await self._store.redis.hgetall(ORGANIZATIONS)
        return {_text(handle): _text(identifier) for handle, identifier in found.items()}

    async def name(self, handle: str, organization: str) -> None:
        """Let ``handle`` stand for an organization."""
        await self._store.redis.hset(ORGANIZATIONS, handle, organization)

    async def unname(self, handle: str) -> None:
        """Let ``handle`` stand for nothing."""
        await self._store.redis.hdel(ORGANIZATIONS, handle)

    async def current(self, organization: str) -> Generation | None:
        """Return the generation to serve; ``None`` if none was ever published.

        Raises ``PointsmanError`` if a newer version of Pointsman wrote it.
        """
        keys = Keys(organization)
        _check_format(organization, int(await self._store.redis.get(keys.format) or FORMAT))
        about = await self._store.redis.hmget(keys.generation, *_ABOUT)
        return _generation(about, await self._secret(keys)) if about[0] else None

    async def list(self, organization: str) -> list[Generation]:
        """Return the kept generations, newest first."""
        current = await self.current(organization)
        if current is None:
            return []
        keys = Keys(organization)
        async with self._store.redis.pipeline(transaction=False) as pipe:
            for number in range(current.number, max(0, current.number - KEPT), -1):
                pipe.hmget(keys.files(number), *_ABOUT)
            found = await pipe.execute()
        return [_generation(row) for row in found if row[0]]

    async def files(self, organization: str, number: int) -> dict[str, bytes] | None:
        """Return a generation's files by path; ``None`` if it is not kept."""
        packed = await self._store.redis.hget(Keys(organization).files(number), "files")
        return _unpack(packed) if isinstance(packed, bytes) else None

    async def content(self, organization: str, number: int) -> Content | None:
        """Return all that a generation says; ``None`` if it is not kept."""
        key = Keys(organization).files(number)
        found: Any = await self._store.redis.hmget(key, "files", "deployed")
        files, deployed = found
        return Content(_unpack(files), unpack(deployed)) if files else None

    async def deployed(self, organization: str, number: int) -> dict[str, Deployed] | None:
        """Return what of a generation's flows is live, ``None`` if it is what its files say."""
        packed = await self._store.redis.hget(Keys(organization).files(number), "deployed")
        return unpack(packed) if isinstance(packed, bytes) else None

    async def revisions(self, organization: str) -> dict[str, str]:
        """Return pool id to revision as it was published: what turns are taken with."""
        found = await self._store.redis.hgetall(Keys(organization).pools)
        return {_text(pool): _text(revision) for pool, revision in found.items()}

    async def publish(self, organization: str, publication: Publication) -> Generation:
        """Make ``publication`` the current generation and move the pointers that it moves.

        Raises ``Refused`` (409, ``CONFLICT``) if its parent is no longer the current one.
        """
        keys, now = Keys(organization), milliseconds()
        pool_ids = orjson.dumps(dict(publication.pool_ids))
        deployed = publication.deployed or {}
        digests = {flow: digest(one) for flow, one in deployed.items()}
        status, number = await self._store.call(
            "publish",
            [keys.generation, keys.format, keys.once(publication.operation)],
            [
                keys.prefix,
                publication.parent,
                now,
                publication.hash,
                publication.author,
                _pack(publication.files),
                pool_ids,
                orjson.dumps(list(publication.pools)),
                self._retention,
                KEPT,
                FORMAT,
                CHANNEL,
                organization,
                orjson.dumps(list(publication.erased)),
                "write" if publication.written else "",
                orjson.dumps(list(publication.workflows)),
                orjson.dumps(list(publication.archived)),
                self._archive,
                orjson.dumps(list(publication.flows)),
                pack(publication.deployed),
                orjson.dumps([{"id": flow, "digest": told} for flow, told in digests.items()]),
                KEPT_VERSIONS,
                *await self._texts(keys, digests, publication, now),
            ],
        )
        if status == b"format":
            _check_format(organization, number)
        if status == b"conflict":
            raise Refused(
                f"generation {number} was published meanwhile, this change was made from "
                f"{publication.parent}; look at what changed and publish again",
                status=HTTPStatus.CONFLICT,
                code="CONFLICT",
            )
        return Generation(
            number,
            publication.hash,
            publication.parent,
            publication.author,
            now,
            publication.pool_ids,
            publication.written,
            await self._secret(keys),
        )

    async def _texts(
        self, keys: Keys, digests: Mapping[str, str], publication: Publication, at: int
    ) -> Sequence[str | bytes]:
        """Return id and text of every flow that becomes live as it was not; most stay as they are.

        What is looked at here belongs to the parent, or the publication is refused.
        """
        if not digests or publication.deployed is None:
            return []
        found: Any = await self._store.redis.hgetall(keys.deployed)
        known = {flow: live.digest for flow, live in live_versions(found).items()}
        return [
            told
            for flow, one in publication.deployed.items()
            if known.get(flow) != digests[flow]
            for told in (flow, packed_version(one, at, publication.author))
        ]

    async def _secret(self, keys: Keys) -> bytes:
        """Return the organization's secret; whoever asks first makes it."""
        made = token_bytes(32)
        found = await self._store.redis.set(keys.secret, made, nx=True, get=True)
        return found if isinstance(found, bytes) else made

    async def beat(self, organization: str, node: Node) -> int:
        """Tell that ``node`` lives and what it serves; return the current generation's number."""
        keys = Keys(organization)
        number: int = await self._store.call(
            "beat",
            [keys.nodes, keys.generation],
            [node.name, node.at, node.generation, node.refused, _FORGOTTEN],
        )
        return number

    async def leave(self, organization: str, name: str) -> None:
        """Forget a node that stops."""
        keys = Keys(organization)
        await self._store.call("beat", [keys.nodes, keys.generation], [name, "", 0, 0, _FORGOTTEN])

    async def nodes(self, organization: str) -> Sequence[Node]:
        """Return the nodes that gave a sign of life lately."""
        found = await self._store.redis.hgetall(Keys(organization).nodes)
        nodes = [Node(_text(name), *map(int, told.split())) for name, told in found.items()]
        return [node for node in nodes if node.alive]


_ABOUT = ("number", "hash", "parent", "author", "at", "pool_ids", "kind")


def _generation(about: Sequence[Any], secret: bytes = b"") -> Generation:
    number, digest, parent, author, at, pool_ids, kind = about
    return Generation(
        int(number),
        _text(digest),
        int(parent),
        _text(author),
        int(at),
        orjson.loads(pool_ids),
        written=kind == b"write",
        secret=secret,
    )


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


def _check_format(organization: str, written: int) -> None:
    if written > FORMAT:
        raise PointsmanError(
            f"the data of organization {organization} has format {written}, this version of "
            f"Pointsman reads up to {FORMAT}; run a newer version"
        )


def _pack(files: Mapping[str, bytes]) -> bytes:
    texts = {path: files[path].decode() for path in sorted(files)}
    return zlib.compress(orjson.dumps(texts))


def _unpack(packed: bytes) -> dict[str, bytes]:
    texts: dict[str, str] = orjson.loads(zlib.decompress(packed))
    return {path: text.encode() for path, text in texts.items()}
