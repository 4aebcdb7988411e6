"""schemathesis calls every operation as the OpenAPI document says, and as it does not."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from daemons import running
from deployed import lay_out
from listening import ACME, bearer
from support import THOROUGH

SECONDS = 600 if THOROUGH else 10
"""What it may take; what chance finds, it looks for again and again until then."""

PHASES = "coverage,fuzzing,stateful" if THOROUGH else "coverage,stateful"

HOOKS = """
import schemathesis
schemathesis.serializer.alias("application/x-ndjson", "text/plain")

@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and isinstance(body.get("participantIds"), list):
        return {{**body, "participantIds": {people!r}}}
    return body
"""
"""Lines of JSON are sent as the text that they are, and pools are made of people who are there."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "use_after_free",
    "ignored_auth",
)


async def driven(
    url: str, folder: Path, headers: Mapping[str, str], people: Sequence[str]
) -> tuple[int, str]:
    """Let schemathesis loose on a daemon; return its exit code and what it says."""
    (folder / "hooks.py").write_text(HOOKS.format(people=list(people)))
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{url}/api/v1/openapi.json",
        f"--checks={','.join(CHECKS)}",
        "--exclude-path=/api/v1/notifications/stream",
        f"--max-time={SECONDS}",
        f"--phases={PHASES}",
        f"--max-examples={200 if THOROUGH else 3}",
        *(() if THOROUGH else ("--seed=1",)),
        "--no-color",
        "--no-shrink",
        *(f"--header={name}: {value}" for name, value in headers.items()),
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks.py"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


@pytest.mark.timeout(SECONDS + 60)
async def test_what_is_answered_is_what_the_document_says(tmp_path: Path, redis_url: str) -> None:
    """No 5xx, no status that is not told, no answer of another shape, no call without a key."""
    root = lay_out(tmp_path / "config", ACME)
    async with running(root, redis_url) as app:
        members = app.serving.current.organizations["acme"].members
        code, told = await driven(app.url, tmp_path, bearer("all"), [*members])

    assert code == 0, told
    assert re.search(r"Operations:\s+[1-9]", told), told
