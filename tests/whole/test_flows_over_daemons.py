"""Flows over real daemons: what is tried again, and what a killed one leaves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession

from daemons import Process, running
from pointsman.peers import Receiver, answering, hanging, receiver
from selling import BUYS, buyer
from support import THOROUGH, wait_until
from trees import write

DOWN = answering(503)


def tree(root: Path, one: Receiver, step: dict[str, Any], **flow: Any) -> Path:
    document = {"name": "Sell", "sources": [{"key": "a"}], "steps": [step], **flow}
    text = orjson.dumps(document).decode().replace("%one%", one.url)
    organization = "name: Acme\nmembers: [{handle: ada, name: Ada}, {handle: bruno, name: Bruno}]\n"
    organization += "integrations: {lead_webhook: {enabled: true}}\n"
    organization += "outbound: {allow_networks: [127.0.0.0/8]}\n"
    return write(root, {"organization.yaml": organization, "flows/sell.yaml": text})


async def test_a_delivery_in_the_background_is_tried_again_by_the_daemon(
    tmp_path: Path, redis_url: str
) -> None:
    """D4: what was accepted is delivered."""
    left = [DOWN, BUYS]

    async def answer(got: Any) -> Any:
        return await (left.pop(0) if len(left) > 1 else left[0])(got)

    async with receiver(answer) as one:
        root = tree(tmp_path / "config", one, buyer("one", retry_enabled=True), **{"async": True})
        async with running(root, redis_url) as app, ClientSession() as client:
            told = await client.post(
                f"{app.url}/flows/sell/sources/a/submit", json={"email": "a@x.org"}
            )
            assert told.status == 202

            await wait_until(lambda: len(one.requests) == 2, "it was tried again", seconds=20)

    assert len({got.headers["Idempotency-Key"] for got in one.requests}) == 1


async def _broken(posted: Any) -> str:
    with suppress(ClientError):
        return str(await posted)
    return ""


if THOROUGH:  # it waits for ten seconds

    async def test_a_killed_daemon_leaves_its_leads_and_their_places_to_another(
        tmp_path: Path, redis_url: str
    ) -> None:
        """C1, D1: a hundred leads on a cap of ten; the first is killed with five on their way."""
        alive = asyncio.Event()

        async def answer(got: Any) -> Any:
            return await (BUYS if alive.is_set() else hanging)(got)

        caps = [{"key": "ten", "maximum": 10, "duration_units": "month"}]
        async with receiver(answer) as one:
            root = tree(tmp_path / "config", one, buyer("one", timeout=60), caps=caps, deadline=90)
            first = Process(root, tmp_path / "first", redis_url)
            second = Process(root, tmp_path / "second", redis_url)
            async with first, second, ClientSession() as client:

                async def post(daemon: Process, number: int) -> str:
                    lead = {"email": f"{number}@example.com"}
                    answer = await client.post(
                        f"{daemon.url}/flows/sell/sources/a/submit", json=lead
                    )
                    return str((await answer.json())["outcome"])

                async with asyncio.TaskGroup() as tasks:
                    lost = [tasks.create_task(_broken(post(first, number))) for number in range(5)]
                    await wait_until(lambda: len(one.requests) == 5, "five are on their way")
                    await first.kill()
                    alive.set()
                    outcomes = await asyncio.gather(*(post(second, n) for n in range(5, 100)))

                assert not any(task.result() for task in lost)
                assert outcomes.count("success") == 5
                await wait_until(lambda: len(one.requests) == 15, "they are led on", seconds=40)
                assert await post(second, 100) == "failure"
        assert len({got.headers["Idempotency-Key"] for got in one.requests}) == 10
