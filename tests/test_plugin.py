from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from pointsman import plugin
from pointsman.errors import ActionError, PointsmanError
from pointsman.plugin import ActionContext, Options, action, actions, load_plugins
from pointsman.registry import Registry
from pointsman.testing import action_context


class Inner(Options):
    """A part of the options below."""

    credential: str = Field(description="Whose.", json_schema_extra={"x-credential": True})


class Told(Options):
    """Options of the action below."""

    number: int = Field(description="A number.", ge=0)
    text: str = Field(default="", description="A text.")
    parts: list[Inner] = Field(default_factory=list, description="Parts.")
    auth: Inner | None = Field(default=None, description="Perhaps.")


@pytest.fixture(name="registry")
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[Any]]:
    registry: Registry[Any] = Registry("action")
    monkeypatch.setattr(plugin, "actions", registry)
    load_plugins.cache_clear()
    yield registry
    load_plugins.cache_clear()


@pytest.fixture(name="found")
def the_action(registry: Registry[Any]) -> plugin.ActionType:
    @action("tell", quick=True)
    async def tell(options: Told, context: ActionContext) -> None:
        """Tell something.

        And more of it.
        """

    found: plugin.ActionType = registry["tell"]
    return found


def test_an_action_is_known_with_its_manual_and_origin(found: plugin.ActionType) -> None:
    assert (found.name, found.summary, found.quick) == ("tell", "Tell something.", True)
    assert found.manual.endswith("And more of it.")
    assert found.options is Told
    assert found.origin == __name__


def test_an_action_needs_a_manual_and_options(registry: Registry[Any]) -> None:
    async def mute(options: Told, context: ActionContext) -> None: ...

    async def loose(options: dict[str, Any], context: ActionContext) -> None:
        """Take anything."""

    for handler in (mute, loose):
        with pytest.raises(PointsmanError, match="needs a docstring and a first argument"):
            action("wrong")(handler)


def test_two_actions_of_one_name_are_refused(found: plugin.ActionType) -> None:
    with pytest.raises(PointsmanError, match="action 'tell' is defined twice"):
        action("tell")(found.run)


def test_the_schema_stands_alone_and_lets_placeholders_pass(found: plugin.ActionType) -> None:
    schema = found.schema()

    assert "$ref" not in str(schema)
    assert "$defs" not in schema
    assert schema["additionalProperties"] is False
    number = schema["properties"]["number"]
    assert number["description"] == "A number."
    assert number["else"] == {"type": "integer", "minimum": 0}
    assert number["if"] == {"type": "string", "pattern": r"\{\{.*\}\}"}


def test_problems_are_told_with_their_path_placeholders_aside(found: plugin.ActionType) -> None:
    config = {"number": -1, "parts": [{}, {"credential": 5}], "extra": 1}

    assert {path for path, _ in found.problems(config)} == {
        ("number",),
        ("parts", 0, "credential"),
        ("parts", 1, "credential"),
        ("extra",),
    }
    assert found.problems({"number": "{{trigger.score}}"}) == []
    assert found.problems({"text": "{{trigger.a}}"}) == [(("number",), "Field required")]


def test_the_credentials_that_options_name_are_found(found: plugin.ActionType) -> None:
    config = {"number": 1, "auth": {"credential": "crm"}, "text": "crm2"}

    assert found.marked("x-credential", config) == [(("auth", "credential"), "crm")]


async def test_a_missing_credential_is_named() -> None:
    async with action_context(credentials={"crm": "x"}) as context:
        assert context.credential("crm") == "x"
        with pytest.raises(ActionError, match="credential 'cmr' is not in"):
            context.credential("cmr")


def test_a_context_does_not_show_its_credentials() -> None:
    fields = ActionContext.__dataclass_fields__

    assert not fields["credentials"].repr


def test_the_built_in_actions_are_loaded() -> None:
    load_plugins()

    assert {"add_tag", "webhook"} <= set(actions)
    assert all(found.origin.startswith("pointsman.plugins.") for found in actions.values())


@pytest.fixture(name="package")
def a_strangers_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of another distribution, in the entry-point group."""
    package = tmp_path / "strangers"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "deep" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("strangers", "strangers", plugin.GROUP)
    monkeypatch.setattr(
        plugin, "entry_points", lambda group: [entry] if group == plugin.GROUP else []
    )
    yield package
    for name in [name for name in sys.modules if name.startswith("strangers")]:
        del sys.modules[name]


ACTION = '''
from pointsman.plugin import ActionContext, Options, action

class NoOptions(Options):
    """None."""

@action("{name}")
async def act(options: NoOptions, context: ActionContext) -> None:
    """Act."""
'''


def test_every_module_of_a_package_is_loaded_once(registry: Registry[Any], package: Path) -> None:
    (package / "one.py").write_text(ACTION.format(name="one"))
    (package / "deep" / "two.py").write_text(ACTION.format(name="two"))

    load_plugins()
    load_plugins()

    assert set(registry) == {"one", "two"}
    assert registry["two"].origin == "strangers.deep.two"


def test_a_name_that_two_modules_use_is_refused(registry: Registry[Any], package: Path) -> None:
    (package / "one.py").write_text(ACTION.format(name="same"))
    (package / "two.py").write_text(ACTION.format(name="same"))

    with pytest.raises(PointsmanError, match="action 'same' is defined twice"):
        load_plugins()


def test_a_package_that_cannot_be_imported_is_named(registry: Registry[Any], package: Path) -> None:
    (package / "broken.py").write_text("import nowhere_to_be_found\n")

    with pytest.raises(PointsmanError, match=r"plugin package 'strangers'.*nowhere_to_be_found"):
        load_plugins()


def test_an_entry_may_name_one_module(registry: Registry[Any], package: Path) -> None:
    (package / "__init__.py").unlink()
    (package.parent / "strangers.py").write_text(ACTION.format(name="alone"))
    (package / "deep" / "__init__.py").unlink()
    (package / "deep").rmdir()
    package.rmdir()

    load_plugins()

    assert registry["alone"].origin == "strangers"


@pytest.mark.parametrize("text", ["def f(:", "1 / 0", "raise SystemExit(2)"])
def test_a_package_that_fails_in_any_way_is_named(
    registry: Registry[Any], package: Path, text: str
) -> None:
    (package / "broken.py").write_text(text)

    with pytest.raises(PointsmanError, match="plugin package 'strangers'"):
        load_plugins()


def test_an_action_must_be_a_coroutine_function(registry: Registry[Any]) -> None:
    def plain(options: Told, context: ActionContext) -> None:
        """Block everybody."""

    with pytest.raises(PointsmanError, match="must be an 'async def' function"):
        action("plain")(plain)  # type: ignore[arg-type]
