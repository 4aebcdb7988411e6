"""What ``pointsman plugins new`` writes: an action or a step that works, with a test that passes.

Everything in it is meant to be changed; nothing of it is needed for a plugin to work but the first
file.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from string import Template

from pointsman.cli import scaffold_step
from pointsman.errors import PointsmanError
from pointsman.plugin import actions, load_plugins, steps

__all__ = ["Kind", "new_plugin"]


class Kind(StrEnum):
    """What a new plugin adds."""

    ACTION = "action"
    STEP = "step"


_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", re.ASCII)

_PLUGIN = '''"""``$name``: send a message to the service that the options name."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from pointsman.plugin import ActionContext, ActionError, Options, TransientError, action

OK = 200
REDIRECT = 300


class $options(Options):
    """Options of ``$name``."""

    url: str = Field(description="Where the service takes messages.")
    text: str = Field(
        min_length=1, max_length=1600, description="What the message says; may hold placeholders."
    )
    credential: str = Field(
        description="Name of the credential in organization.yaml that the service asks for.",
        json_schema_extra={"x-credential": True},
    )


@action("$name")
async def $name(options: $options, context: ActionContext) -> dict[str, Any]:
    """Send a message.

    408, 425, 429, 5xx and network failures are tried again, not before the answer's
    ``Retry-After``; any other answer than 2xx is final.

    Output: ``status``, that of the answer.
    """
    answer = await context.http.send(
        "POST",
        options.url,
        headers={
            "Authorization": f"Bearer {context.credential(options.credential)}",
            "Content-Type": "application/json",
            "Idempotency-Key": context.delivery_id,
        },
        body=json.dumps({"text": options.text}).encode(),
    )
    if answer.may_pass:
        raise TransientError(f"it answered {answer.status}", retry_after=answer.retry_after)
    if not OK <= answer.status < REDIRECT:
        raise ActionError(f"it answered {answer.status}")
    return {"status": answer.status}
'''

_TEST = '''"""Run with ``python -m pytest`` in this folder."""

from __future__ import annotations

import asyncio
from typing import Any

import $name  # noqa: F401 - importing it adds the action
from pointsman.testing import action_context, check_action, perform, receiver

CREDENTIALS = {"service": "s3cret"}


def options(url: str) -> dict[str, Any]:
    return {"url": url, "text": "Hello", "credential": "service"}


def test_it_keeps_the_contract_of_actions() -> None:
    """Documented, tried again when that can help, safe to repeat, and in nobody's way."""
    asyncio.run(check_action("$name", options, context={"credentials": CREDENTIALS}))


def test_it_sends_the_text_with_the_credential() -> None:
    async def send() -> Any:
        async with receiver() as peer, action_context(credentials=CREDENTIALS) as context:
            output = await perform("$name", options(peer.url), context)
        return output, peer.requests[0]

    output, request = asyncio.run(send())

    assert output == {"status": 200}
    assert request.json() == {"text": "Hello"}
    assert request.headers["Authorization"] == "Bearer s3cret"
'''

_README = """# $name

An action for Pointsman. Put `$name.py` into the folder that the setting `plugins_dir` names; a
running daemon takes it up by itself.

```yaml
actions:
  - action_type: $name
    config:
      url: https://sms.example.com/messages
      text: "Hello {{trigger.first_name}}"
      credential: sms
```

`pointsman plugins describe $name` tells its options. Test it with `python -m pytest`.
"""


def new_plugin(name: str, folder: Path, kind: Kind = Kind.ACTION) -> list[Path]:
    """Write a plugin, its test and a README into a new folder of that name; return their paths."""
    load_plugins()
    if not _NAME.fullmatch(name):
        raise PointsmanError(
            f"'{name}' is no name for a plugin; write who and what, such as acme_sms"
        )
    known = actions if kind is Kind.ACTION else steps
    if name in known:
        article = "an" if kind is Kind.ACTION else "a"
        raise PointsmanError(
            f"there is {article} {known.kind} '{name}' already; choose another name"
        )
    place = folder / name
    if place.exists():
        raise PointsmanError(f"{place} is there already; choose another name or another place")
    words = {"name": name, "options": f"{''.join(map(str.title, name.split('_')))}Options"}
    plugin, test, readme = _TEXTS[kind]
    files = {f"{name}.py": plugin, f"test_{name}.py": test, "README.md": readme}
    place.mkdir(parents=True)
    for file, text in files.items():
        (place / file).write_text(Template(text).substitute(words), encoding="utf-8")
    return [place / file for file in files]


_TEXTS = {
    Kind.ACTION: (_PLUGIN, _TEST, _README),
    Kind.STEP: (scaffold_step.PLUGIN, scaffold_step.TEST, scaffold_step.README),
}
