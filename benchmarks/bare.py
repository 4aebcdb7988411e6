"""The bare handler: the least that takes a lead over HTTP and writes it durably.

aiohttp, orjson, and one EVALSHA per request through redis-py's own client: no coalescing, no
checks, no rotation. What the daemon costs is told as a multiple of this, so nothing here may be
slower than a careful person would write it.
"""

from __future__ import annotations

import argparse
import asyncio
from importlib import import_module
from pathlib import Path

import orjson
from aiohttp import web
from redis.asyncio import BlockingConnectionPool, Redis

CONNECTIONS = 16
SCRIPT = """
redis.call('HSET', KEYS[1], 'data', ARGV[1], 'created', ARGV[2])
redis.call('XADD', KEYS[2], '*', 'e', ARGV[3])
return redis.call('INCR', KEYS[3])
"""


def application(redis: Redis, sha: str) -> web.Application:
    """Return the application with its one route."""
    counter = 0

    async def take(request: web.Request) -> web.Response:
        nonlocal counter
        lead = orjson.loads(await request.read())
        counter += 1
        name = f"{counter:024x}"
        turn = await redis.evalsha(
            sha, 3, f"lead:{name}", "events", "turns", orjson.dumps(lead), counter, name
        )
        body = orjson.dumps({"leadId": name, "assigned": True, "turnOrder": turn})
        return web.Response(body=body, status=201, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    return app


async def serve(redis_url: str, port_file: Path) -> None:
    """Serve until killed; the port goes to ``port_file``."""
    pool = BlockingConnectionPool.from_url(redis_url, max_connections=CONNECTIONS, timeout=None)
    redis = Redis(connection_pool=pool)
    sha = await redis.script_load(SCRIPT)
    runner = web.AppRunner(application(redis, sha), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    partial = port_file.with_suffix(".partial")
    partial.write_text(str(runner.addresses[0][1]))
    partial.rename(port_file)
    await asyncio.Event().wait()


def main() -> None:
    """Parse the command line and serve, on uvloop if told so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--uvloop", action="store_true")
    arguments = parser.parse_args()
    if arguments.uvloop:
        asyncio.set_event_loop_policy(import_module("uvloop").EventLoopPolicy())
    asyncio.run(serve(arguments.redis_url, arguments.port_file))


if __name__ == "__main__":
    main()
