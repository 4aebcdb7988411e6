"""The JSON Schema of every kind of file: written by hand, completed from the registries.

The files in ``schemas/`` leave holes for what can be added (field types, operators, actions with
their options); :func:`composed` fills them with what is installed, so that editors, ``check`` and
the daemon know the same words. Kinds are told apart by ``if``/``then`` on ``action_type``, never
by ``oneOf``: so a message names the key that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from pointsman.config.formats import FORMATS
from pointsman.config.messages import Finding, told
from pointsman.fields.types import field_types
from pointsman.plugin import actions, load_plugins, steps
from pointsman.registry import Stage
from pointsman.rules.operators import operators

__all__ = ["KINDS", "composed", "findings"]

KINDS = ("organization", "fields", "pool", "workflow", "flow", "destination", "list", "ruletest")


_ACTIONS = {"type": "array", "maxItems": 200, "items": {"$ref": "#/$defs/action"}}


def composed(kind: str) -> Mapping[str, Any]:
    """Return the whole schema of one kind of file."""
    load_plugins()
    return _composed(kind, Stage.current().digest)


@lru_cache(maxsize=64)
def _composed(kind: str, _additions: str) -> Mapping[str, Any]:
    schema = _part(kind)
    holes = schema.get("$defs", {})
    if "availability" in holes:
        holes["availability"] = _part("availability")
    if kind == "destination":
        parts = _part("flow")["$defs"]
        names = ("integration", "ruled_mapping", "rule_set", "rule", "id")
        holes |= {name: parts[name] for name in names}
    if kind in ("fields", "list"):
        holes["field_type"]["enum"] = sorted(field_types)
    if kind == "workflow":
        holes["operator"]["enum"] = sorted(operators)
        holes["action_type"]["enum"] = sorted(actions)
        if rules := [_options(name) for name in sorted(actions)]:
            holes["action_options"]["allOf"] = rules
    if kind == "flow":
        _add_steps(holes)
    return schema


def findings(kind: str, data: Any) -> Iterator[Finding]:
    """Yield everything about a document that its schema does not allow."""
    for error in _validator(kind, Stage.current().digest).iter_errors(data):
        for leaf in _leaves(error):
            yield from told(leaf)


def _part(name: str) -> dict[str, Any]:
    text = (files("pointsman.schemas") / f"{name}.json").read_text(encoding="utf-8")
    part: dict[str, Any] = json.loads(text)
    return part


def _options(name: str) -> dict[str, Any]:
    """Return the rule that an action of type ``name`` takes that type's options."""
    options: dict[str, Any] = {"description": f"Options of {name}: {actions[name].summary}"}
    options |= actions[name].schema()
    for option, about in options["properties"].items():
        if {**about, **about.get("else", {})}.get("x-filters"):
            told_of = {"description": about["description"]}
            options["properties"][option] = {"$ref": "#/$defs/group", **told_of}
    for nested in actions[name].nested:
        about = options["properties"][nested]["description"]
        options["properties"][nested] = {**_ACTIONS, "description": about}
    needed = {"required": ["config"]} if options.get("required") else {}
    return {
        "if": {"properties": {"action_type": {"const": name}}, "required": ["action_type"]},
        "then": {"properties": {"config": options}, **needed},
    }


def _add_steps(holes: dict[str, Any]) -> None:
    """Let steps be of the types that plugins add, each with its options."""
    hole = holes.pop("plugin_step")
    holes |= {f"{name}_step": _step(hole, name) for name in sorted(steps)}
    for place in ("step", "asked_step"):
        holes[place] = _or_plugged(holes[place])


def _or_plugged(ours: dict[str, Any]) -> dict[str, Any]:
    """Return a choice of steps with those that plugins add."""
    last = ours
    while "else" in last:
        last = last["else"]
    last["properties"]["type"]["enum"] += sorted(steps)
    for name in sorted(steps):
        told = ("description", "type", "required")
        ours = {
            **{key: ours.pop(key) for key in told},
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/$defs/{name}_step"},
            "else": ours,
        }
    return ours


def _step(hole: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a step of type ``name`` looks like."""
    options = steps[name].schema()
    about = hole["properties"]
    return {
        **hole,
        "description": steps[name].summary,
        "required": ["type", *(["config"] if options.get("required") else [])],
        "properties": {
            **about,
            "type": {**about["type"], "const": name},
            "config": {**options, "description": f"Options of {name}: {steps[name].summary}"},
        },
    }


@lru_cache(maxsize=64)
def _validator(kind: str, _additions: str) -> Draft202012Validator:
    schema = composed(kind)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FORMATS)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors of the choice that comes nearest, where a value has several forms."""
    choices: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        choices.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [found for found in choices.values() if not any(map(_other_form, found))]
    if len(fitting) == 1:
        for inner in fitting[0]:
            yield from _leaves(inner)
    else:
        yield error


def _other_form(error: ValidationError) -> bool:
    """Tell whether the value is of another form altogether (not one with a mistake in it)."""
    return error.validator == "type" and not error.path
