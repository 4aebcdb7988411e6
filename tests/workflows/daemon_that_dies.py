"""A process with an engine and nothing else, for tests that kill it.

Arguments: the server's URL, and the URL that the workflow's webhook posts to, or ``die``: then its
first step is a quick action that kills the process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pointsman.plugin import ActionContext, Options, action
from pointsman.store import events, runs
from pointsman.store.redis import RedisStore
from pointsman.workflows import docket
from working import House, add_tag, engine, make_workflow, organization_with, webhook

events.LEASE = runs.LEASE = 1000
docket.REDELIVERY = timedelta(seconds=1)


class NoOptions(Options):
    """None."""


@action("die", quick=True)
async def die(options: NoOptions, context: ActionContext) -> None:
    """Kill the process in which this runs."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, target: str) -> None:
    """Run until killed."""
    first = {"action_type": "die"} if target == "die" else webhook(target, timeout=30)
    async with RedisStore.open(url) as store:
        house = House(store, organization_with(make_workflow(first, add_tag("done"))))
        async with engine(house, url):
            await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
