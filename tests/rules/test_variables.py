from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import Value
from pointsman.rules.paths import MISSING
from pointsman.rules.variables import compile_variable, plain, text_of, typed_lead

SCOPE: dict[str, Any] = {
    "lead": {"company.name": "flat", "company": {"name": "nested", "size": 5}, "list": [1, [2]]},
    "crm": {"'7'": {"a": 1}, "7b": 2},
    "text": "abc",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("text", "abc"),
        ("lead.company.name", "flat"),
        ("lead.company.size", 5),
        ("lead.list.1.0", 2),
        ("lead.list.2", MISSING),
        ("lead.list.-1", MISSING),
        ("lead.list.999999999999", MISSING),
        ("crm.7.a", 1),
        ("crm.'7'.a", 1),
        ("crm.7b", 2),
        ("text.0", MISSING),
        ("text.upper", MISSING),
        ("nope.nope", MISSING),
    ],
)
def test_a_variable_is_looked_up_whole_before_it_is_in_parts(path: str, value: Any) -> None:
    assert compile_variable(path)(SCOPE) == value


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", "a b", "a.'x'", "a.{b}", "é", "a." * 40])
def test_what_is_no_variable_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a variable"):
        compile_variable(path)


def test_leads_are_typed_field_by_field_and_item_by_item() -> None:
    lead = {"age": "30", "phones": ["512-789-1111", "x"], "company": {"name": "A"}, "other": 1}

    typed = typed_lead(lead, {"age": "number", "phones": "phone", "company.name": "city"})

    assert typed["age"].normal == 30
    assert [phone.valid for phone in typed["phones"]] == [True, False]
    assert typed["company.name"].normal == "A"
    assert typed["other"] == 1
    assert plain(typed["phones"]) == ["5127891111", "x"]
    assert plain({"a": [typed["age"]]}) == {"a": [30]}
    with pytest.raises(ValueError, match="did you mean 'phone'"):
        typed_lead(lead, {"age": "fone"})


def test_values_have_a_plain_form_and_a_text() -> None:
    unread = Value("no number", float("nan"), valid=False)
    hidden = Value("123456789", "*********", valid=False, masked=True)

    assert (plain(unread), text_of(unread)) == ("no number", "no number")
    assert plain(hidden) == "*********"
    assert (plain(MISSING), text_of(MISSING), text_of(None)) == (None, "", "")
    assert text_of([1, True, "a"]) == "1,true,a"
