from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pointsman.config.documents import checked
from pointsman.config.schema import KINDS, composed
from pointsman.config.tree import kind_of
from pointsman.fields.types import field_types
from pointsman.modules import TRIGGERS
from pointsman.plugin import actions
from pointsman.rules.operators import operators

EXAMPLE = Path(__file__).parents[2] / "config"
GOOD = sorted((Path(__file__).parent / "good").glob("*.yaml"))
YAML = sorted(EXAMPLE.glob("*/**/*.yaml"))


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every property that a schema declares, with its path."""
    if isinstance(schema, list):
        for place, item in enumerate(schema):
            yield from properties(item, f"{path}[{place}]")
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties" and not path.endswith(".if"):
                for name, inner in value.items():
                    yield f"{path}.{name}", inner
            yield from properties(value, f"{path}.{key}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_valid_and_describes_every_property(kind: str) -> None:
    schema = composed(kind)

    Draft202012Validator.check_schema(dict(schema))
    found = list(properties(schema))
    assert found
    undescribed = [
        path for path, inner in found if "description" not in inner and "config" not in path
    ]
    assert undescribed == []
    assert "oneOf" not in json.dumps(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_refuses_unknown_keys_or_says_what_they_are(kind: str) -> None:
    def objects(schema: Any) -> Iterator[Any]:
        if isinstance(schema, list):
            for item in schema:
                yield from objects(item)
        elif isinstance(schema, dict):
            if schema.get("type") == "object" and "properties" in schema:
                yield schema
            for value in schema.values():
                yield from objects(value)

    text = (files("pointsman.schemas") / f"{kind}.json").read_text(encoding="utf-8")

    for schema in objects(json.loads(text)):
        assert schema["additionalProperties"] is False, schema["description"]


def test_what_can_be_added_comes_from_the_registries() -> None:
    workflow = composed("workflow")["$defs"]

    assert workflow["operator"]["enum"] == sorted(operators)
    assert workflow["action_type"]["enum"] == sorted(actions)
    assert composed("fields")["$defs"]["field_type"]["enum"] == sorted(field_types)
    named = [
        rule["if"]["properties"]["action_type"] for rule in workflow["action_options"]["allOf"]
    ]
    assert named == [{"const": name} for name in sorted(actions)]


def test_the_schemas_triggers_are_the_compilers() -> None:
    trigger = composed("workflow")["properties"]["trigger_type"]["enum"]

    assert set(trigger) == set().union(*TRIGGERS.values())


@pytest.mark.parametrize("file", GOOD, ids=[file.stem for file in GOOD])
def test_good_files_are_good(file: Path) -> None:
    assert checked(file.stem.partition("-")[0], file.read_bytes()).faults == ()


@pytest.mark.parametrize("file", YAML, ids=[str(file.relative_to(EXAMPLE)) for file in YAML])
def test_the_examples_tell_editors_their_schema(file: Path) -> None:
    """The first line leads from the file to the schema in the checkout."""
    first = file.read_text(encoding="utf-8").splitlines()[0]

    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)

    assert found
    schema = (file.parent / found[1]).resolve()
    inside = file.relative_to(EXAMPLE).as_posix().partition("/")[2]
    assert schema == EXAMPLE.parent / "schemas" / f"{kind_of(inside)}.json"
    assert json.loads(schema.read_text(encoding="utf-8"))["$id"].endswith(str(kind_of(inside)))
