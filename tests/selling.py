"""Flows that sell leads: a site, its buyers on loopback, and how to look at what is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from listening import ACME, Site, listening
from pointsman.model import Organization
from pointsman.peers import Answerer, Receiver, answering, receiver
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer

__all__ = ["BUYS", "REFUSES", "Market", "bids", "buyer", "selling"]

BUYS = answering(200, {"status": "ok", "id": 9})
REFUSES = answering(200, {"status": "no", "why": "Duplicate"})
SUBMIT = "/flows/sell/sources/a/submit"
QUICK = """
name: Quick
fields: [email]
sources: [{key: a}]
steps: [{type: pool, pool: inbound}]
"""
LEAD = {"email": "ada@example.com", "state": "TX"}


def bids(amount: float, sale: Answerer = BUYS) -> Answerer:
    """Answer pings with a bid, and posts as told."""

    async def answer(got: Any) -> Any:
        ping = answering(200, {"status": "ok", "bid": amount, "ping": f"p{amount}"})
        return await (ping if got.path.endswith("/ping") else sale)(got)

    return answer


def buyer(name: str, *, bid: bool = False, **more: Any) -> dict[str, Any]:
    """Return the recipient step of a buyer; ``%name%`` stands for its address."""
    step = {
        "type": "recipient",
        "key": name,
        "integration": _integration(f"%{name}%post", {"json_property.ping": "{{bid.ping}}"}),
    }
    if bid:
        step["bid"] = {"integration": _integration(f"%{name}%ping", {"price_path": "bid"})}
    return {**step, **more}


def _integration(url: str, more: Mapping[str, Any]) -> dict[str, Any]:
    options = {
        "url": url,
        "json_property.email": "{{lead.email}}",
        "json_property.event": "{{event_id}}",
        "outcome_search_path": "status",
        "outcome_search_term": "ok",
        "reason_path": "why",
        **more,
    }
    mappings = [{"property": name, "value": value} for name, value in options.items()]
    return {"module_id": "json", "mappings": mappings}


@dataclass
class Market:
    """An open market."""

    site: Site
    buyers: Mapping[str, Receiver]
    redis: Any

    @property
    def organization(self) -> Organization:
        """The organization that sells."""
        return self.site.serving.current.organizations["acme"]

    async def post(self, headers: Mapping[str, str] | None = None, **lead: Any) -> dict[str, Any]:
        """Send a lead, and return what is answered."""
        answer = await self.site.client.post(SUBMIT, json={**LEAD, **lead}, headers=headers)
        assert answer.status < 500, await answer.text()
        return {"status": answer.status, **await answer.json()}

    async def sell(self, **lead: Any) -> list[dict[str, Any]]:
        """Send a lead and return its events."""
        told = await self.post(**lead)
        return await self.events(told["lead"]["id"])

    async def events(self, lead: str) -> list[dict[str, Any]]:
        """Return a lead's events."""
        key = f"{Keys(self.organization.id).lead(lead)}:events"
        return [orjson.loads(one) for one in await self.redis.lrange(key, 0, -1)]

    async def timers(self) -> list[Timer]:
        """Return the timers that were set, oldest first."""
        found = await self.redis.xrange(Keys(self.organization.id).outbox)
        timers = []
        for _, entry in found:
            if b"timer" in entry:
                purpose, _, about = entry[b"timer"].decode().partition("/")
                due = int(entry[b"due"])
                timers.append(Timer(self.organization.id, purpose, about, due))
        return timers

    async def flying(self) -> str:
        """Return the id of the lead that is on its way."""
        (key,) = [key async for key in self.redis.scan_iter("*:submission")]
        return str(key.decode().split(":lead:")[1].split(":")[0])


@asynccontextmanager
async def selling(
    store: RedisStore,
    steps: Sequence[Mapping[str, Any]],
    answers: Mapping[str, Answerer | int],
    *,
    beside: Any = None,
    **flow: Any,
) -> AsyncIterator[Market]:
    """Serve a flow with these steps; ``answers`` are its buyers', ``beside`` more files by name."""
    document = {
        "name": "Sell",
        "fields": ["email", "state", "ssn"],
        "sources": [{"key": "a"}],
        "steps": steps,
        **flow,
    }
    organization = ACME["organization.yaml"] + (
        "credentials: [{name: buyer, token: s3cret-token}]\n"
        "outbound: {allow_networks: [127.0.0.0/8]}\n"
    )
    async with AsyncExitStack() as stack:
        buyers = {
            name: await stack.enter_async_context(receiver(answer))
            for name, answer in answers.items()
        }
        text = orjson.dumps(document).decode()
        for name, one in buyers.items():
            text = text.replace(f"%{name}%", one.url)
        files = {
            **ACME,
            "organization.yaml": organization,
            "flows/sell.yaml": text,
            "flows/quick.yaml": QUICK,
            **(beside or {}),
        }
        site = await stack.enter_async_context(listening(store, {"acme": files}))
        yield Market(site, buyers, store.redis)
