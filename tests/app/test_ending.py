"""A process ends, whatever code of plugins goes on with."""

from __future__ import annotations

import asyncio
import sys

import pytest

PROGRAM = """
import asyncio, threading
from pointsman.app.ending import Ending

async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def main():
    left = [asyncio.create_task(deaf()), asyncio.create_task(asyncio.to_thread(never.wait))]
    threading.Thread(target=never.wait).start()
    await asyncio.sleep(0)
    with ending.inside():
        1 / {divisor}

never = threading.Event()
with Ending(patience=0.2) as ending:
    asyncio.run(main())
"""


@pytest.mark.parametrize(("divisor", "status"), [(1, 0), (0, 1)])
async def test_a_process_ends_though_tasks_and_threads_of_plugins_do_not(
    divisor: int, status: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", PROGRAM.format(divisor=divisor)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        said, logged = await process.communicate()

    assert process.returncode == status, logged
    assert b"daemon_cut_off" in said
    assert (b"ZeroDivisionError" in said) is bool(status), "what went wrong is told all the same"
