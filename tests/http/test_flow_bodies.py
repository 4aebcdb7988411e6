"""Bodies of flows, however strange: a document or a refusal, never anything else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.config.editing import Subject
from pointsman.config.flow_edits import create, update
from pointsman.config.load import compile_organization
from pointsman.errors import Refused
from pointsman.http.flow_bodies import check_depth, document_of, flow_body
from support import THOROUGH
from trees import MINIMAL

FLOW = """\
name: Odd   # a flow
sources:
  - key: shop   # theirs
    caps: [{maximum: 1, duration_units: day, caps: [{maximum: 1, duration_units: hour}]}]
  - {mappings: [{property: email, value: x}], enabled: false}
steps:
  - {type: filter, rule_set: {op: and, rules: [{lhv: lead.email, op: is blank}]}}
  - type: parallel
    steps:
      - type: recipient
        name: Them
        integration: {module_id: json, mappings: [{property: url, value: "https://a.example"}]}
"""
FILES = {name: text.encode() for name, text in {**MINIMAL, "flows/odd.yaml": FLOW}.items()}
ACME, _ = compile_organization("acme", FILES, root=None)
TIMES = 2000 if THOROUGH else 50
NAMES = st.sampled_from(
    [
        *("id", "key", "name", "entity", "integration", "mappings", "module_id", "credential_id"),
        *("steps", "sources", "caps", "destinations", "fields", "firehose", "enabled", "type", "x"),
    ]
)
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(NAMES, ODD, max_size=5)


def ignore(place: str, message: str) -> None:
    """Let what is wrong be wrong."""


def said(body: Any, kind: str) -> None:
    """Do with a body what a call does, up to the files."""
    assert ACME is not None
    flow = ACME.named_flows["odd"]
    try:
        check_depth(body)
        of = None if kind == "create" else flow
        document = document_of(ACME, of, body, ignore)
        subject = Subject(ACME, FILES, frozenset(FILES))
        if kind == "create":
            create(subject, document)
        else:
            update(subject, {**document, "id": flow.id})
    except Refused:
        pass


@settings(max_examples=TIMES)
@given(BODIES)
def test_any_body_is_a_file_or_a_refusal(body: Any) -> None:
    said(body, "create")
    said(body, "update")


@settings(max_examples=TIMES)
@given(ODD, st.data())
def test_a_flow_with_one_strange_part_is_a_file_or_a_refusal(odd: Any, data: st.DataObject) -> None:
    """Somewhere in what was read stands something that nobody expects."""
    assert ACME is not None
    body: Any = flow_body(ACME, ACME.named_flows["odd"])
    here = body
    for _ in range(data.draw(st.integers(0, 5))):
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        inner = [key for key in keys if isinstance(here[key], dict | list) and here[key]]
        if not inner:
            break
        here = here[data.draw(st.sampled_from(inner))]
    keys = list(here) if isinstance(here, dict) else list(range(len(here)))
    here[data.draw(st.sampled_from(keys))] = odd

    said(body, "update")


def test_depth_is_bounded() -> None:
    deep: Any = []
    for _ in range(900 if THOROUGH else 100):
        deep = [deep]

    said({"steps": deep}, "update")
