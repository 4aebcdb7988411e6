"""What ``pointsman plugins new --kind step`` writes: a step of flows that works, with its test."""

from __future__ import annotations

__all__ = ["PLUGIN", "README", "TEST"]

PLUGIN = '''"""``$name``: ask the service that the options name what it makes of a lead."""

from __future__ import annotations

import json
from datetime import timedelta

from pydantic import Field

from pointsman.plugin import Options, StepContext, StepOutcome, TransientError, step

OK = 200


class $options(Options):
    """Options of ``$name``."""

    url: str = Field(description="Where the service is asked.")
    email: str = Field(min_length=3, description="Whom to ask about, such as {{lead.email}}.")
    credential: str = Field(
        description="Name of the credential in organization.yaml that the service asks for.",
        json_schema_extra={"x-credential": True},
    )


@step("$name", timeout=timedelta(seconds=5))
async def $name(options: $options, context: StepContext) -> StepOutcome:
    """Ask what a service makes of a lead.

    A failure where it makes nothing of it. Appended: ``score``.
    """
    answer = await context.http.send(
        "POST",
        options.url,
        headers={
            "Authorization": f"Bearer {context.credential(options.credential)}",
            "Content-Type": "application/json",
            "Idempotency-Key": context.delivery_id,
        },
        body=json.dumps({"email": options.email}).encode(),
    )
    if answer.status != OK:
        raise TransientError(f"it answered {answer.status}")
    score = json.loads(answer.body or b"{}").get("score", 0)
    if not score:
        return StepOutcome("failure", "it has no score")
    return StepOutcome(appended={"score": score})
'''

TEST = '''"""Run with ``python -m pytest`` in this folder."""

from __future__ import annotations

import asyncio
from typing import Any

import $name  # noqa: F401 - importing it adds the step type
from pointsman.plugin import StepOutcome
from pointsman.testing import answering, check_step, perform_step, receiver, step_context

CREDENTIALS = {"service": "s3cret"}


def options(url: str) -> dict[str, Any]:
    return {"url": url, "email": "ada@example.com", "credential": "service"}


def test_it_keeps_the_contract_of_steps() -> None:
    """Documented, safe to repeat, in nobody's way, and no failure of its peer is a success."""
    asyncio.run(
        check_step("$name", options, answer={"score": 7}, context={"credentials": CREDENTIALS})
    )


def test_it_tells_the_score() -> None:
    async def ask() -> Any:
        answers = answering(200, {"score": 7})
        async with receiver(answers) as peer, step_context(credentials=CREDENTIALS) as context:
            result = await perform_step("$name", options(peer.url), context)
        return result, peer.requests[0]

    result, request = asyncio.run(ask())

    assert result == StepOutcome(appended={"score": 7})
    assert request.headers["Authorization"] == "Bearer s3cret"
'''

README = """# $name

A step of flows for Pointsman. Put `$name.py` into the folder that the setting `plugins_dir` names;
a running daemon takes it up by itself.

```yaml
steps:
  - type: $name
    key: opinion
    config:
      url: https://score.example.com/leads
      email: "{{lead.email}}"
      credential: service
  - type: filter
    rule_set: {op: and, rules: [{lhv: opinion.outcome, op: is equal to, rhv: failure}]}
    reason: "{{opinion.reason}}"
```

`pointsman plugins describe $name` tells its options. Test it with `python -m pytest`.
"""
