"""Rules as they are written in the files of flows, from the schema to what they ask."""

from __future__ import annotations

from pathlib import Path

from trees import findings, write

FLOW = """\
name: Web
sources: [{key: site, name: Site}]
steps: [{type: pool, pool: inbound}]
fields: [dob, email]
acceptance_criteria:
  rule_set:
    op: and
    rules:
"""


def found(tmp_path: Path, *rules: str) -> list[str]:
    text = FLOW + "".join(f"      - {rule}\n" for rule in rules)
    return findings(write(tmp_path, {"flows/web.yaml": text}))


def test_a_length_of_time_is_a_text_or_an_object(tmp_path: Path) -> None:
    assert not found(
        tmp_path,
        "{lhv: lead.dob, op: is not within the last, rhv: 18 years}",
        "{lhv: lead.dob, op: is not within the last, rhv: {value: 18, interval: year}}",
        '{lhv: submission.timestamp, op: is within the last, rhv: {value: "2", interval: Hours}}',
    )


def test_what_asks_nothing_may_stand_there_as_nothing(tmp_path: Path) -> None:
    """A client of the API that fills every key in writes null, or an empty set."""
    assert not found(
        tmp_path,
        "{lhv: lead.email, op: is not blank, rhv: null, rule_set: {}}",
        "{lhv: lead.email, op: is not blank, rule_set: null}",
    )


def test_an_object_that_is_no_length_of_time_is_told(tmp_path: Path) -> None:
    told = found(
        tmp_path,
        "{lhv: lead.dob, op: is within the last, rhv: {value: 3, interval: fortnight}}",
        "{lhv: lead.dob, op: is within the last, rhv: {value: 3}}",
        "{lhv: lead.email, op: is equal to, rhv: {value: 3, interval: day}}",
    )

    places = [f"rules[{place}].rhv" for place in range(3)]
    assert [place in line for place, line in zip(places, told, strict=True)] == [True] * 3
    assert all("such as '30 days'" in line for line in told[:2])
    assert "not an object" in told[2]
