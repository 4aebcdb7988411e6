"""What every action owes, whoever wrote it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mailing import mailbox
from pointsman.contract import Config
from pointsman.model import TwilioAccount
from pointsman.plugin import Options, actions, load_plugins
from pointsman.testing import check_action

load_plugins()

NAMES = sorted(actions)


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_manual_whose_first_line_is_a_sentence(name: str) -> None:
    found = actions[name]

    assert found.summary.endswith(".")
    assert len(found.summary) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_file_of_its_own_and_a_test_of_its_own(name: str) -> None:
    assert actions[name].origin.rpartition(".")[2] == name
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_described(name: str) -> None:
    bare = [path for path, option in options(actions[name].options) if not option.description]

    assert not bare


@pytest.mark.parametrize("name", NAMES)
def test_its_schema_is_one_and_describes_every_option(name: str) -> None:
    schema = actions[name].schema()

    Draft202012Validator.check_schema(schema)
    assert schema["description"]
    assert all(option.get("description") for option in schema["properties"].values())
    assert "$ref" not in str(schema)


def _called(**config: Any) -> Config:
    """Return options of an action that calls a peer by the context, not by an option."""
    return lambda _url: config


WORKING: Mapping[str, Config] = {
    "add_tag": {"tag": "new"},
    "assign_owner": {"user_ids": ["ada", "bruno"]},
    "branch": {"conditions": {}, "then": [{"action_type": "add_tag", "config": {"tag": "a"}}]},
    "create_opportunity": {"name": "A new roof"},
    "create_project": {"name": "A new roof", "tasks": [{"title": "Measure", "due_in": "2d"}]},
    "create_task": {"title": "Call back", "due_in": "2h"},
    "send_email": {"to": "ada@example.com", "subject": "Hello", "text": "Hello"},
    "send_notification": {"to": ["ada", "role:manager"], "title": "Hello"},
    "send_sms": _called(to="+13125550101", body="Hello"),
    "send_whatsapp": _called(to="+13125550101", body="Hello"),
    "update_field": {"fields": {"stage": "won", "custom_fields.plan": "gold"}},
    "wait": {"duration": "2h"},
    "webhook": lambda url: {"url": url},
}
"""Options of every action that are right, and work."""


@asynccontextmanager
async def served(name: str) -> AsyncIterator[Any]:
    """Give what an action needs of organization.yaml."""
    if actions[name].needs == "smtp":
        async with mailbox() as box:
            yield {"mail": box.server}
    elif actions[name].needs == "twilio":
        yield lambda url: {"twilio": _account(url)}
    else:
        yield None


def _account(url: str) -> TwilioAccount:
    sender = "+13125550100"
    return TwilioAccount("AC" + "0" * 32, "token", url.rstrip("/"), sender, sender)


@pytest.mark.parametrize("name", NAMES)
async def test_it_keeps_the_contract_that_strangers_are_held_to(name: str) -> None:
    assert name in WORKING, f"give {name} options that work, in WORKING"
    async with served(name) as context:
        await check_action(name, WORKING[name], context=context, answer={"sid": "SM1"})


def options(model: type[Options], path: str = "") -> Iterator[tuple[str, Any]]:
    fields: Mapping[str, Any] = model.model_fields
    for name, option in fields.items():
        yield f"{path}{name}", option
        if isinstance(option.annotation, type) and issubclass(option.annotation, Options):
            yield from options(option.annotation, f"{path}{name}.")
