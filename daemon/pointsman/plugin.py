"""All that the author of an action imports.

An action is one file: an :class:`Options` model and a coroutine under :func:`action`, whose
docstring is its manual page. It returns when the work is done, raises ``TransientError`` to be
tried again or ``ActionError`` to give up. It must be safe to call twice with one ``delivery_id``:
a daemon that dies between the work and its record does the step again.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from pointsman.delivery import Outgoing, signature
from pointsman.errors import ActionError, PointsmanError, TransientError
from pointsman.model import MailServer, TwilioAccount
from pointsman.registry import Registry

__all__ = [
    "ActionContext",
    "ActionError",
    "ActionType",
    "Branch",
    "Options",
    "Record",
    "Sleep",
    "TransientError",
    "action",
    "actions",
    "load_plugins",
    "signature",
]

GROUP = "pointsman.plugins"
"""Entry-point group: each entry names a package whose every module is imported."""

Fields = Mapping[str, Any]
Output = Mapping[str, Any]
Path = tuple[str | int, ...]
Needs = Literal["smtp", "twilio"]

_PLACEHOLDER = {"type": "string", "pattern": r"\{\{.*\}\}"}
_NO_DEFAULT = ("default", None)
_TOLD = ("description", "default", "examples", "x-credential", "x-actions")


class Options(BaseModel):
    """What an action can be told; a field's description is its documentation.

    Mark a field that holds the name of a credential with
    ``json_schema_extra={"x-credential": True}``; a ``SecretStr`` is never stored with a run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class Record(Protocol):
    """The record whose change began the run, as an action may change it."""

    def typed(self, fields: Fields) -> Fields:
        """Return fields as those of a new record are read: by type, and in their places.

        What is no field of the organization is under ``custom_fields``, and only that.
        """

    async def change(self, edit: Callable[[Fields], Fields]) -> Fields:
        """Store what ``edit`` makes of the record, and return the record as it was before.

        ``edit`` gets the record's fields and returns those to set; it may be called again if
        somebody else changed the record meanwhile. What differs is stored, recorded and told as
        an event in one atomic script; if nothing differs, nothing happens.
        """


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action gets beside its options.

    ``event`` is the event's type and ``trigger`` the record as it left it; ``delivery_id`` is the
    same on every attempt of a step; ``attempt`` counts from 1; ``now`` is when the step was first
    tried; ``steps`` are the outputs of earlier steps. ``mail`` and ``twilio`` are who sends mail
    and texts, if organization.yaml tells.
    """

    event: str
    trigger: Fields
    delivery_id: str
    attempt: int
    now: datetime
    record: Record
    http: Outgoing
    credentials: Mapping[str, str] = field(repr=False)
    mail: MailServer | None = None
    twilio: TwilioAccount | None = None
    steps: Sequence[Any] = ()
    time_zone: str = "UTC"

    def credential(self, name: str) -> str:
        """Return a credential of organization.yaml; it is never stored with the run."""
        try:
            return self.credentials[name]
        except KeyError:
            raise ActionError(
                f"credential '{name}' is not in organization.yaml; add it under credentials"
            ) from None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Returned by an action that is to be done again at ``until``, an aware time.

    Meanwhile nothing runs and nothing is held, for days if need be; the attempt that follows gets
    the same options and the same ``now``.
    """

    until: datetime


@dataclass(frozen=True, slots=True)
class Branch:
    """Returned by an action whose options hold actions: ``taken`` names the option to go on with.

    Such an option is marked with ``json_schema_extra={"x-actions": True}``; what it holds are steps
    of the run like any others, and those that are not taken are skipped.
    """

    taken: str


Handler = Callable[[Any, ActionContext], Awaitable[Output | Sleep | Branch | None]]


@dataclass(frozen=True, slots=True)
class ActionType:
    """An action as the registry knows it.

    ``quick`` actions touch only our own store and run at once where the event is read; all others
    run as jobs. ``summary`` is the first line of ``manual``; ``origin`` the module.
    """

    name: str
    run: Handler
    options: type[Options]
    quick: bool
    timeout: timedelta
    summary: str
    manual: str
    origin: str
    needs: Needs | None = None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the options as they are written in a file.

        It stands alone (no ``$ref``), and everywhere a placeholder such as ``{{trigger.score}}``
        is accepted too, because what it stands for is known only when the action runs.
        """
        schema = self.options.model_json_schema()
        inlined: dict[str, Any] = _inlined(schema, schema.get("$defs", {}))
        inlined["properties"] = {
            name: _opened(option) for name, option in inlined.get("properties", {}).items()
        }
        return inlined

    def problems(self, config: Fields) -> list[tuple[Path, str]]:
        """Return what is wrong with written options, as (path, message), placeholders aside."""
        try:
            self.options.model_validate(config)
        except ValidationError as error:
            return [
                (found["loc"], found["msg"].removeprefix("Value error, "))
                for found in error.errors(include_url=False, include_context=False)
                if not _holds_placeholder(config, found["loc"])
            ]
        return []

    @property
    def nested(self) -> Sequence[str]:
        """The options that hold actions."""
        options = _whole_schema(self.options).get("properties", {})
        return [name for name, option in options.items() if option.get("x-actions")]

    def credentials(self, config: Fields) -> list[tuple[Path, str]]:
        """Return the credentials that written options name, as (path, name)."""
        return list(_credentials(_whole_schema(self.options), config, ()))


actions: Registry[ActionType] = Registry("action")


def action(
    name: str,
    *,
    quick: bool = False,
    timeout: timedelta = timedelta(seconds=30),
    needs: Needs | None = None,
) -> Callable[[Handler], Handler]:
    """Add the decorated coroutine to the registry under ``name``.

    ``needs`` names a part of organization.yaml without which the action cannot work.
    It takes its options model and an :class:`ActionContext` and returns a mapping of JSON values
    (the step's output, which later steps can read) or ``None``.
    """

    def register(handler: Handler) -> Handler:
        manual = inspect.getdoc(handler)
        options = next(iter(get_type_hints(handler).values()), None)
        if not manual or not (isinstance(options, type) and issubclass(options, Options)):
            raise PointsmanError(
                f"action '{name}' of {handler.__module__} needs a docstring and a first argument "
                "annotated with a subclass of Options"
            )
        summary = manual.partition("\n")[0]
        actions.add(
            name,
            ActionType(
                name,
                handler,
                options,
                quick,
                timeout,
                summary,
                manual,
                handler.__module__,
                needs,
            ),
        )
        return handler

    return register


@cache
def load_plugins() -> None:
    """Import every module of every package in the entry-point group, once a process."""
    for entry in entry_points(group=GROUP):
        try:
            package = entry.load()
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                import_module(module.name)
        except (ImportError, AttributeError) as error:
            raise PointsmanError(
                f"plugin package '{entry.name}' ({entry.value}) cannot be loaded: {error}"
            ) from error


@cache
def _whole_schema(options: type[Options]) -> Fields:
    schema = options.model_json_schema()
    whole: dict[str, Any] = _inlined(schema, schema.get("$defs", {}))
    return whole


def _inlined(schema: Any, definitions: Fields) -> Any:
    """Return a schema with every reference replaced by what it names, and without titles."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
    kept = {key: value for key, value in schema.items() if key not in {"$ref", "$defs"}}
    return {
        key: (
            {name: _inlined(option, definitions) for name, option in value.items()}
            if key == "properties"
            else _inlined(value, definitions)
        )
        for key, value in {**named, **kept}.items()
        if key != "title"
    }


def _opened(schema: Fields) -> dict[str, Any]:
    """Return a schema that a placeholder satisfies too, inside lists and objects as well."""
    inner = _without_null(schema)
    if isinstance(inner.get("items"), dict):
        inner["items"] = _opened(inner["items"])
    if "properties" in inner:
        inner["properties"] = {name: _opened(part) for name, part in inner["properties"].items()}
    if isinstance(inner.get("additionalProperties"), dict):
        inner["additionalProperties"] = _opened(inner["additionalProperties"])
    told = {key: inner.pop(key) for key in _TOLD if key in inner}
    if not inner or inner == {"type": "string"}:
        return {**told, **inner}
    return {**told, "if": _PLACEHOLDER, "else": inner}


def _without_null(schema: Fields) -> dict[str, Any]:
    """Return the schema of an option that may be left out as that of its value: told plainly."""
    kinds = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(kinds) != 1:
        return dict(schema)
    told = {name: v for name, v in schema.items() if name != "anyOf" and (name, v) != _NO_DEFAULT}
    return {**kinds[0], **told}


def _holds_placeholder(config: Any, path: Path) -> bool:
    for part in path:
        if isinstance(config, str):
            break
        try:
            config = config[part]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(config, str) and "{{" in config


def _credentials(schema: Fields, config: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if schema.get("x-credential") and isinstance(config, str) and "{{" not in config:
        yield path, config
    for choice in schema.get("anyOf", ()):
        yield from _credentials(choice, config, path)
    if isinstance(config, Mapping):
        for name, option in schema.get("properties", {}).items():
            if name in config:
                yield from _credentials(option, config[name], (*path, name))
