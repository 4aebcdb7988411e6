"""Every file in ``bad/`` is refused with exactly the lines in the ``.txt`` beside it.

A file is called ``<kind>-<what is wrong>.yaml``; a line reads ``LINE:COLUMN: PLACE: MESSAGE``, and
the names of what can be added are left open, as in ``<operators>``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pointsman.config.documents import checked
from pointsman.config.faults import Fault
from pointsman.config.schema import composed
from pointsman.fields.types import field_types
from pointsman.plugin import actions
from pointsman.rules.operators import operators

REGISTRIES: dict[str, Iterable[str]] = {
    "field types": field_types,
    "operators": operators,
    "actions": actions,
}
BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def line(fault: Fault) -> str:
    place = f"{fault.pointer}: " if fault.pointer else ""
    return f"{fault.line}:{fault.column}: {place}{fault.message}"


@pytest.mark.parametrize("file", BAD, ids=[file.stem for file in BAD])
def test_every_finding_has_its_place_what_was_expected_and_the_nearest_name(file: Path) -> None:
    text = file.with_suffix(".txt").read_text(encoding="utf-8")
    for hole, registry in REGISTRIES.items():
        text = text.replace(f"<{hole}>", ", ".join(sorted(registry)))
    text = text.replace("<keys of a pool>", ", ".join(composed("pool")["properties"]))
    root = composed("organization")["properties"]
    member = root["members"]["items"]
    member = composed("organization")["$defs"].get("member", member)["properties"]
    text = text.replace("<keys of a member>", ", ".join(member))
    text = text.replace("<keys of an organization>", ", ".join(root))
    options = actions["webhook"].schema()["properties"]
    text = text.replace("<options of webhook>", ", ".join(options))
    flow = composed("flow")
    text = text.replace("<keys of a flow>", ", ".join(flow["properties"]))
    text = text.replace("<keys of a source>", ", ".join(flow["$defs"]["source"]["properties"]))

    document = checked(file.stem.partition("-")[0], file.read_bytes())

    found = sorted(document.faults, key=lambda f: (f.line, f.column, f.pointer, f.message))
    assert [line(fault) for fault in found] == text.splitlines()
    assert document.data is None


def test_no_secret_is_repeated_in_a_finding() -> None:
    for file in BAD:
        for secret in ("pm_k_secret", "99887766", "11223344"):
            assert secret not in file.with_suffix(".txt").read_text(encoding="utf-8")
