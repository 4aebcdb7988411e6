"""A source as its vendors see it: what it takes, for programs and as a page for people.

The page loads nothing from anywhere. Its form sends a lead with ``is_test`` set, which is a field
like any other: what becomes of test leads is for the flow's rules to say. Where the flow does not
keep that field, the page says that what is sent counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import orjson

from pointsman.fields.standard import standard_names
from pointsman.flow import Flow, Source
from pointsman.model import Organization

__all__ = ["describe", "page"]

_EXAMPLES = {
    "boolean": "true",
    "date": "2026-06-22",
    "dob": "1980-01-31",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "number": "42",
    "phone": "512-555-1234",
    "postal_code": "78704",
    "state": "TX",
    "city": "Austin",
    "street": "1 Main Street",
    "url": "https://example.com/",
    "ip": "203.0.113.7",
    "gender": "female",
}
_IS_TEST = "is_test"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8884; }
pre { overflow-x: auto; padding: 1rem; background: #8881; }
label { display: block; margin: .5rem 0; }
input { display: block; width: 100%; font: inherit; }
"""


def describe(organization: Organization, flow: Flow, source: Source) -> dict[str, Any]:
    """Return what a sender has to know of a source; rules and prices stay the flow's own."""
    return {
        "enabled": flow.enabled and source.enabled,
        "account": {"id": organization.id, "name": organization.name},
        "flow": {"id": flow.id, "name": flow.name},
        "source": {
            "id": source.id,
            "name": source.name,
            "authentication_required": source.authentication_required,
        },
        "params": list(_parameters(organization, flow, source)),
        "pingable": flow.ping_enabled and source.enabled,
        "ping_enabled": flow.ping_enabled,
        "hours_of_operation": flow.hours is not None,
        "acceptance_criteria": source.criteria is not None,
        "flow_acceptance_criteria": flow.criteria is not None,
        "pricing": flow.pricing is not None or source.pricing is not None,
    }


def _parameters(
    organization: Organization, flow: Flow, source: Source
) -> Iterator[Mapping[str, Any]]:
    """Yield what is known of every field that the flow keeps."""
    types, labels = organization.fields.types, organization.fields.labels
    criteria = [one.rules for one in (flow.criteria, source.criteria) if one is not None]
    required = {name for rules in criteria for name in rules.demands()}
    for name in sorted(flow.fields if flow.fields is not None else types):
        example = _EXAMPLES.get(types[name])
        yield {
            "name": name,
            "label": labels.get(name) or standard_names().get(name, name),
            "type": types[name],
            "required": name in required,
            "examples": [example] if example else [],
        }


def page(about: Mapping[str, Any], path: str) -> str:
    """Return the page of a described source that lives at ``path``."""
    return "\n".join(_lines(about, path.rstrip("/"))) + "\n"


def _lines(about: Mapping[str, Any], path: str) -> Iterator[str]:
    title = escape(f"{about['source']['name']} ({about['flow']['name']})")
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
    yield from _state(about)
    yield f"<p>Send leads with <code>POST {escape(path)}/submit</code> as a form, JSON or XML; "
    yield "the answer is 201 with the outcome. A repetition with the same "
    yield "<code>Idempotency-Key</code> gets the first answer.</p>"
    if about["pingable"]:
        yield f"<p>Ask for a price with <code>POST {escape(path)}/ping</code>.</p>"
    yield "<h2>An example</h2>"
    yield f"<pre>{escape(_example(about, path))}</pre><h2>Fields</h2>"
    yield "<table><tr><th>Field</th><th>Type</th><th>Required</th></tr>"
    for field in about["params"]:
        name, kind = escape(field["name"]), escape(field["type"])
        needed = "yes" if field["required"] else "no"
        yield f"<tr><td><code>{name}</code></td><td>{kind}</td><td>{needed}</td></tr>"
    yield "</table><h2>Send a test lead</h2>"
    yield from _form(about, path)
    yield "</body></html>"


def _state(about: Mapping[str, Any]) -> Iterator[str]:
    if not about["enabled"]:
        yield "<p><strong>This source takes no leads now.</strong></p>"
    if about["source"]["authentication_required"]:
        yield "<p>Senders prove themselves with the source's secret, as "
        yield "<code>Authorization: Bearer SECRET</code> or Basic.</p>"


def _example(about: Mapping[str, Any], path: str) -> str:
    body = {f["name"]: _EXAMPLES[f["type"]] for f in about["params"] if f["type"] in _EXAMPLES}
    shown = dict(list(body.items())[:8])
    return (
        f"POST {path}/submit\nContent-Type: application/json\n\n"
        f"{orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()}"
    )


def _form(about: Mapping[str, Any], path: str) -> Iterator[str]:
    if all(field["name"] != _IS_TEST for field in about["params"]):
        yield "<p><strong>This flow does not tell tests from leads: what is sent here counts."
        yield "</strong></p>"
    yield f'<form method="post" action="{escape(path)}/submit">'
    yield f'<input type="hidden" name="{_IS_TEST}" value="true">'
    for field in about["params"][:100]:
        name = escape(field["name"])
        example = escape(_EXAMPLES.get(field["type"], ""))
        if field["name"] != _IS_TEST:
            yield f'<label>{name}<input name="{name}" placeholder="{example}"></label>'
    yield "<button>Send</button></form>"
