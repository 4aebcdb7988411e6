"""The OpenAPI document as a page of HTML: no script, no font, no picture, nothing to load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from typing import Any

__all__ = ["page"]

Schema = Mapping[str, Any]
Document = Mapping[str, Any]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid; }
h3 { font: 600 1rem/1.5 ui-monospace, monospace; margin: 2rem 0 0; }
h3 b { display: inline-block; min-width: 4.5rem; text-transform: uppercase; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0; }
th { font-weight: 600; }
td:first-child { font-family: ui-monospace, monospace; white-space: nowrap; }
nav a { margin-right: 1rem; }
"""


def page(document: Document) -> str:
    """Return the page of a document."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    title = f"{document['info']['title']} {document['info']['version']}"
    calls = [
        (method, path, call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    groups = [
        (name, list(found)) for name, found in groupby(calls, lambda call: call[2]["tags"][0])
    ]
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{escape(title)}</h1>"
    yield "<p>Every call carries <code>Authorization: Bearer pm_k_…</code>. For programs: "
    yield '<a href="/api/v1/openapi.json">openapi.json</a>.</p>'
    yield f"<nav>{''.join(_link(name) for name, _ in groups)}{_link('schemas')}</nav>"
    for name, found in groups:
        yield f'<h2 id="{escape(name)}">{escape(name)}</h2>'
        for method, path, call in found:
            yield from _call(method, path, call)
    yield '<h2 id="schemas">schemas</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>'
        yield from _fields(schema)
    yield "</body></html>"


def _link(name: str) -> str:
    return f'<a href="#{escape(name)}">{escape(name)}</a>'


def _call(method: str, path: str, call: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(call["operationId"])}"><b>{escape(method)}</b>{escape(path)}</h3>'
    yield f"<p>{escape(call['summary'])} {_code(call['description'])}</p>"
    yield "<table>"
    for parameter in call.get("parameters", ()):
        where = f"{parameter['in']}: {_kind(parameter['schema'])}"
        yield _row(escape(parameter["name"]), where, _about(parameter["schema"]))
    for media, content in call.get("requestBody", {"content": {}})["content"].items():
        yield _row("body", _kind(content["schema"]), escape(media))
    for status, answer in call["responses"].items():
        for media, content in answer["content"].items():
            told = f"{escape(answer['description'])}, {escape(media)}"
            yield _row(escape(status), _kind(content["schema"]), told)
    yield "</table>"


def _fields(schema: Schema) -> Iterator[str]:
    needed = set(schema.get("required", ()))
    yield "<table>"
    for name, about in schema.get("properties", {}).items():
        star = " *" if name in needed else ""
        yield _row(escape(name) + star, _kind(about), _about(about))
    yield "</table>"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _kind(schema: Schema) -> str:
    """Say what a value may be."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return escape(", ".join(map(_json, schema.get("enum", [schema.get("const")]))))
    return _collection(schema) or escape(_scalar(schema))


def _collection(schema: Schema) -> str | None:
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and schema.get("properties"):
        inner = ", ".join(f"{escape(n)}: {_kind(s)}" for n, s in schema["properties"].items())
        return f"{{{inner}}}"
    return None


def _scalar(schema: Schema) -> str:
    kinds = schema.get("type", "anything")
    told = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return f"{told} ({schema['format']})" if "format" in schema else told


def _about(schema: Schema) -> str:
    """Say what a value is, and within which limits."""
    limits = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minItems": "at least {}",
        "maxItems": "at most {}",
        "default": "default {}",
    }
    told = [text.format(_json(schema[name])) for name, text in limits.items() if name in schema]
    description = [schema["description"]] if "description" in schema else []
    return escape("; ".join([*description, *told]))


def _json(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _code(text: str) -> str:
    """Return Markdown's code spans as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
