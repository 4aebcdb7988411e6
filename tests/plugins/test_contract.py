"""What every action owes, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pointsman.plugin import Options, actions, load_plugins

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


def options(model: type[Options], path: str = "") -> Iterator[tuple[str, Any]]:
    fields: Mapping[str, Any] = model.model_fields
    for name, option in fields.items():
        yield f"{path}{name}", option
        if isinstance(option.annotation, type) and issubclass(option.annotation, Options):
            yield from options(option.annotation, f"{path}{name}.")
