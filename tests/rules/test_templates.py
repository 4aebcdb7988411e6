"""Templates of flows: what they become, and that a lead's data is never more than data."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.rules.templates import FlowTemplate, compile_flow_template
from pointsman.rules.templates.helpers import LIMIT
from pointsman.rules.variables import plain, text_of, typed_lead

LEAD = {
    "first_name": "Michael",
    "phone_1": "(512) 789-1111 x5",
    "phones": ["512-789-1111", "512-789-2222"],
    "company.name": "Acme & <Sons>",
    "age": "30",
    "vip": "yes",
    "not_vip": "no",
    "dob": "6/24/2015",
    "postal_code": "H3Z 2Y7",
    "amount": "no number",
    "tags": ["a", "b"],
    "empty": "",
    "hash": "#John#Doe#Smith",
    "evil": '{{lead.first_name}} {{math "1+1"}} {{#if x}}',
}
TYPES = {
    "phone_1": "phone",
    "phones": "phone",
    "age": "number",
    "vip": "boolean",
    "not_vip": "boolean",
    "dob": "dob",
    "amount": "number",
}
SCOPE: dict[str, Any] = {
    "lead": typed_lead(LEAD, TYPES),
    "submission": {"timestamp": "2015-06-24T17:24:49.060Z", "ip": "8.8.8.8"},
    "source": {"name": "Vendor"},
    "random": 37,
    "price": 1.5,
    "suppressionlist": {"is_duplicate": False},
    "my_crm": {"lead": {"id": "x1"}, "'42'": {"code": "ok"}, "items": [{"n": 1}, {"n": 2}]},
}


def compiled(text: str) -> FlowTemplate:
    problems: list[str] = []
    template = compile_flow_template(text, lambda _path, message: problems.append(message))
    assert not problems
    return template


def render(text: str, scope: dict[str, Any] | None = None) -> Any:
    return plain(compiled(text).render(SCOPE if scope is None else scope))


def problem(text: str) -> str:
    problems: list[tuple[Any, str]] = []
    template = compile_flow_template(text, lambda *told: problems.append(told), ("steps", 0))
    assert template.render(SCOPE) == ""
    ((path, message),) = problems
    assert path == ("steps", 0)
    return message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("no placeholder } {", "no placeholder } {"),
        ("Hi {{lead.first_name}}!", "Hi Michael!"),
        ("{{lead.first_name}} {{ lead.age }}", "Michael 30"),
        ("{{lead.phone_1}}", "5127891111x5"),
        ("{{lead.phone_1.area}}", "512"),
        ("{{lead.phone_1.raw}}", "(512) 789-1111 x5"),
        ("{{lead.phone_1.valid}}", True),
        ("{{lead.phones.1.line}}", "2222"),
        ("{{lead.phones}}", ["5127891111", "5127892222"]),
        ("{{lead.company.name}}", "Acme & <Sons>"),
        ("{{{lead.company.name}}}", "Acme & <Sons>"),
        ("{{lead.age}}", 30),
        ("{{ lead.age }}", 30),
        (" {{lead.age}}", " 30"),
        ("{{lead.vip}}", True),
        ("{{lead.vip}}.", "true."),
        ("{{lead.amount}}", "no number"),
        ("{{lead.tags}}", ["a", "b"]),
        ("{{lead.tags}}!", "a,b!"),
        ("{{lead.tags.1}}", "b"),
        ("{{lead.tags.[1]}}", "b"),
        ("{{lead.tags[1]}}", "b"),
        ("{{my_crm.lead.id}}", "x1"),
        ("{{my_crm.'42'.code}}", "ok"),
        ("{{my_crm.42.code}}", "ok"),
        ("{{my_crm.items.0.n}}", 1),
        ("{{my_crm.items.9.n}}", ""),
        ("{{random}}", 37),
        ("{{price}}", 1.5),
        ("{{suppressionlist.is_duplicate}}", False),
        ("{{lead.nope}}", ""),
        ("{{nope.nope.nope}}", ""),
        ("[{{lead.nope}}]", "[]"),
        ("{{lead.first_name.nope}}", ""),
        (r"\{{lead.age}}", "{{lead.age}}"),
        ("a{{! a comment }}b{{!-- one with }} in it --}}c", "abc"),
        ("a {{~lead.age~}} b", "a30b"),
        ("{{true}}", True),
        ("{{7}}", 7),
        ('{{"text"}}', "text"),
    ],
)
def test_variables_are_put_in(text: str, value: Any) -> None:
    assert render(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{#if lead.vip}}yes{{else}}no{{/if}}", "yes"),
        ("{{#if lead.not_vip}}yes{{else}}no{{/if}}", "no"),
        ("{{#if lead.nope}}yes{{/if}}", ""),
        ("{{#if lead.empty}}1{{else if lead.age}}{{lead.age}}{{else}}3{{/if}}!", "30!"),
        ("{{#unless lead.nope}}none{{/unless}}", "none"),
        ("{{#if lead.tags}}{{#if lead.empty}}a{{else}}b{{/if}}{{^}}c{{/if}}", "b"),
        ("{{#if 0}}a{{else}}b{{/if}}", "b"),
        ("{{#if (lowercase lead.empty)}}a{{else}}b{{/if}}", "b"),
    ],
)
def test_conditions_ask_whether_there_is_something(text: str, value: str) -> None:
    assert render(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a\n{{#if lead.age}}\nb\n{{/if}}\nc", "a\nb\nc"),
        ("{{#if lead.nope}}\nb\n{{else}}\nd\n{{/if}}\nc", "d\nc"),
        ("  {{#if lead.age}}  \n  b\n  {{/if}}  \nc", "  b\nc"),
        ("{{#if lead.age}}\r\nb\r\n{{/if}}\r\nc", "b\r\nc"),
        ("a\n{{! a comment }}\nb\n{{!-- another --}}", "a\nb\n"),
        ("a {{#if lead.age}} b {{/if}} c", "a  b  c"),
        ("{{#if lead.age}}{{#if lead.age}}\nb{{/if}}\n{{/if}}", "\nb\n"),
        ("{{lead.age}}\n{{lead.age}}\n", "30\n30\n"),
        ("\\\\{{lead.age}} \\{{lead.age}}", "\\30 {{lead.age}}"),
        ("{{this.lead.age}}", "30"),
    ],
)
def test_a_tag_alone_on_its_line_takes_the_line_with_it(text: str, value: str) -> None:
    assert compiled(text).text({"lead": {"age": 30}}) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{lowercase lead.first_name}}", "michael"),
        ("{{uppercase lead.first_name}}", "MICHAEL"),
        ("{{uppercase lead.nope}}", ""),
        ("{{uppercase lead.age}}", "30"),
        ("{{uppercase (substring lead.first_name start=1 end=2)}}x", "MIx"),
        ('{{substring lead.first_name start="3"}}', "chael"),
        ('{{substring lead.first_name start="2" end="4"}}', "ich"),
        ('{{substring lead.first_name start="1" end="99"}}', "Michael"),
        ('{{substring lead.first_name start="99"}}', ""),
        ('{{substring lead.first_name start="-5" end="2"}}', "Mi"),
        ('{{substring lead.first_name start="3" end="1"}}', ""),
        ("{{substring lead.first_name start=lead.nope end=2}}", "Mi"),
        ('{{substring lead.phone_1.line start="3"}}', "11"),
        ('{{replace lead.first_name pattern="Mi" replace="At"}}', "Atchael"),
        ('{{replace lead.phone_1.raw pattern="1" replace=""}}', "(52) 789- x5"),
        ('{{replace lead.first_name pattern="." replace=""}}', "Michael"),
        ('{{replace lead.first_name pattern="regexp(h.{3})" replace="ke"}}', "Micke"),
        ('{{replace lead.first_name pattern="regexp([aeiou])" replace="<$&>"}}', "M<i>ch<a><e>l"),
        ('{{replace "a@b.c" pattern="regexp(^(.).*(@.*))" replace="$1**$2$$$3"}}', "a**@b.c$$3"),
        ('{{replace lead.first_name pattern="regexp(^M(?=i))" replace="N"}}', "Nichael"),
        ("{{replace lead.first_name pattern=lead.tags.0 replace='A'}}", "MichAel"),
        ('{{extract "Order #12345, #6" pattern="#(\\d+)"}}', "12345 6"),
        ('{{extract lead.first_name pattern="[aeiou]"}}', "i a e"),
        ('{{extract lead.first_name pattern="z"}}', ""),
        ('{{extract lead.hash pattern="(?<=#)(\\w+)(?=#)"}}', "John Doe"),
        ('{{extract lead.hash pattern="(?<=#)(\\\\w+)(?=#)"}}', "John Doe"),
        ('{{replace lead.first_name pattern="regexp(\\\\w)" replace="x"}}', "xxxxxxx"),
        ('{{extract "aaa" pattern="a(?=a)"}}', "a a"),
        ("{{&lead.first_name}}", "Michael"),
    ],
)
def test_helpers_of_text(text: str, value: str) -> None:
    assert render(text) == value


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("begins '{{lead.age' and does not end it", "{{lead.age"),
        ("does not end it", '{{lowercase "x}}'),
        ("unknown helper 'upercase'; did you mean 'uppercase'?", "{{upercase lead.x}}"),
        ("gives 'uppercase' nothing to work on", "{{uppercase}}"),
        ("nothing in it", "a {{}} b"),
        ("unknown block '{{#each}}'", "{{#each lead.tags}}{{/each}}"),
        ("not closed by '{{/if}}'", "{{#if lead.x}}a"),
        ("not open there", "a{{/if}}"),
        ("outside of '{{#if}}'", "{{else}}"),
        ("two '{{else}}'", "{{#if a}}{{else}}{{else}}{{/if}}"),
        ("cannot be read at '> 10'", "{{#if lead.x > 10}}a{{/if}}"),
        ("use rules for comparisons", "{{#if lead.x lead.y}}a{{/if}}"),
        ("of nothing", "{{#if}}a{{/if}}"),
        ("is not a variable", "{{lead..x}}"),
        ("is not a variable", "{{lead.[a b]}}"),
        ("has no option 'fromat'; did you mean 'format'?", '{{format lead.x fromat="0"}}'),
        ("does not know the time zone 'X/Y'", '{{format lead.x timezone="X/Y"}}'),
        ("does not know the locale 'xx'", '{{format lead.x locale="xx"}}'),
        ("a whole number as start, not 'two'", '{{substring lead.x start="two"}}'),
        ('needs pattern="…"', "{{extract lead.x}}"),
        ("takes one value, not 2", "{{uppercase lead.x lead.y}}"),
        ("cannot be read: missing )", '{{extract lead.x pattern="("}}'),
        ("lookaround is not supported", '{{extract lead.x pattern="a(?!b)"}}'),
        ("looks behind for 'a+'", '{{extract lead.x pattern="(?<=a+)b"}}'),
        ("expects a value, not its end", '{{math "1 +"}}'),
        ("unknown function 'foo'", '{{math "foo(1)"}}'),
        ("expression as text in quotes", "{{math lead.x}}"),
        ("does not know the encoding 'rot13'", '{{md5 lead.x encoding="rot13"}}'),
        ("needs something to hash", '{{md5 salt="x"}}'),
        ("value after an option", '{{md5 lead.x salt="y" lead.z}}'),
        ("gives 'salt=' no value", "{{md5 lead.x salt=}}"),
        ("'(' that is not closed", "{{uppercase (lowercase lead.x}}"),
        ("')' without", "{{uppercase lead.x)}}"),
        ("more than 16 deep", "{{#if a}}" * 20 + "{{/if}}" * 20),
        ("more than 16 deep", "{{" + "uppercase (" * 20 + "lead.x" + ")" * 20 + "}}"),
        ("longer than 64 KiB", "{{lead.x}}" * 7_000),
        ("more than 500 helpers", "{{uppercase lead.x}}" * 501),
        ("more than 500 helpers", "{{#if (md5 lead.x)}}{{/if}}" * 501),
        ("a whirlpool counts as 100", "{{whirlpool lead.x}}" * 6),
    ],
)
def test_what_is_wrong_is_reported_when_a_template_is_compiled(message: str, text: str) -> None:
    told = problem(text)

    assert message in told
    assert told.startswith("the template ")


def test_a_template_says_what_it_asks_for() -> None:
    text = (
        "{{lead.a}} {{#if lead.b}}{{uppercase (lowercase lead.c)}}{{/if}} {{md5 lead.a salt=x.y}}"
    )

    assert compiled(text).variables == ("lead.a", "lead.b", "lead.c", "x.y")
    assert compiled("plain").constant == "plain"


HOSTILE = [
    "{{lead.first_name}}",
    "{{__class__}}",
    "{{{{lead.first_name}}}}",
    "{{#if 1}}x{{/if}}",
    "${7*7} {% raw %} <%= 1 %> {0.__class__}",
    "}}{{",
]


@pytest.mark.parametrize("evil", HOSTILE)
def test_values_of_a_lead_are_never_evaluated(evil: str) -> None:
    """D9: braces in what a lead brings stay braces, also after a helper put them together."""
    scope = {"lead": {"x": evil, "open": "{{", "close": "}}"}}

    assert render("{{lead.x}}", scope) == evil
    assert render("a{{lead.x}}{{lead.x}}b", scope) == f"a{evil}{evil}b"
    assert render("{{lead.open}}lead.x{{lead.close}}", scope) == "{{lead.x}}"
    assert render('{{replace lead.x pattern="q" replace=lead.open}}', scope) == evil
    assert render('{{replace "q" pattern="regexp(q)" replace=lead.x}}', scope).replace(
        "$", ""
    ) == evil.replace("$", "")


@pytest.mark.parametrize(
    "path",
    [
        "lead.__class__",
        "lead.first_name.__class__.__mro__.1.__subclasses__",
        "lead.phone_1.__class__",
        "lead.phone_1.__init__.__globals__",
        "lead.phone_1.attributes",
        "lead.tags.__len__",
        "lead.tags.append",
        "lead.items",
        "lead.get",
        "__builtins__",
        "constructor.constructor",
        "lead.__proto__",
    ],
)
def test_no_attribute_of_any_object_is_reached(path: str) -> None:
    """D9: there is no way from a template to Python's objects."""
    assert render(f"{{{{{path}}}}}") == ""
    assert render(f"[{{{{uppercase {path}}}}}]") == "[]"
    assert render(f'{{{{math "{path} + 1"}}}}') is None


@given(st.text() | st.sampled_from(HOSTILE), st.text())
def test_any_value_comes_out_as_it_went_in(value: str, other: str) -> None:
    scope = {"lead": {"x": value, "y": other}}

    assert render("{{lead.x}}", scope) == value
    assert compiled("<{{lead.x}}|{{lead.y}}>").text(scope) == f"<{value}|{other}>"


PIECES = st.sampled_from(
    ["{{", "}}", "{{{", "}}}", "#if ", "/if", "else", "lead.x", "lead.", "(", ")", '"', "'", "=",
     "start", "format", "math", "md5 ", "uppercase ", " ", "[", "]", "~", "!", "--", "1", "\\", "é"]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(st.lists(PIECES, max_size=20).map("".join) | st.text(), ANYTHING)
def test_no_template_raises(text: str, value: Any) -> None:
    told: list[str] = []
    template = compile_flow_template(text, lambda _path, message: told.append(message))

    assert isinstance(template.text({"lead": {"x": value}}), str)
    assert "{{" in text or template.constant == text
    assert len(told) <= 1


HELPERS = [
    "{{uppercase lead.x}}",
    '{{substring lead.x start=lead.x end="5"}}',
    '{{replace lead.x pattern="a" replace=lead.x}}',
    '{{replace lead.x pattern=lead.x replace="b"}}',
    '{{replace lead.x pattern="regexp((a)|b*)" replace=lead.x}}',
    '{{extract lead.x pattern="(?<=a)(b*)(?=c)"}}',
    '{{format lead.x format="0,0.00a"}}',
    '{{format lead.x format="$0[.]00 o%" dataType="Number"}}',
    '{{format lead.x format="LLLL w gggg z" timezone=lead.x locale=lead.x}}',
    '{{format lead.x format=lead.x operator="add" months=lead.x days=lead.x}}',
    '{{math "lead.x ^ lead.x + lead.x! % sqrt lead.x" format="0.0"}}',
    '{{math "lead.x > 1 and lead.x == lead.x ? lead.x || 1 : roundTo(lead.x, lead.x)"}}',
    "{{md5 lead.x salt=lead.x}}",
]


@given(st.sampled_from(HELPERS), ANYTHING | st.text("0123456789-.T:Z abc", max_size=24))
def test_no_value_makes_a_helper_raise(text: str, value: Any) -> None:
    told = compiled(text).render({"lead": {"x": value}})

    assert len(text_of(told)) <= LIMIT


@pytest.mark.parametrize(
    "text",
    [
        '{{replace lead.long pattern="a" replace=lead.long}}',
        '{{replace lead.long pattern="regexp(a)" replace=lead.long}}',
        '{{extract lead.long pattern="(a+)+$|(a|a)*b"}}',
        '{{extract lead.long pattern="(?<=a)a(?=a)"}}',
        '{{replace lead.long pattern="regexp((a|aa)+!)" replace=""}}',
        "{{lead.long}}" * 40,
        '{{extract lead.long pattern="a*b"}}' * 500,
        '{{math "171! ^ 171! ^ lead.age"}}',
        '{{math "((((((9^9)^9)^9)^9)^9)^9)"}}',
        '{{format lead.long format="0,0"}}',
        "{{whirlpool lead.long}}",
        '{{format lead.age format="' + "0" * 190 + '"}}',
    ],
)
def test_time_and_size_are_bounded(text: str) -> None:
    """Whatever a lead holds and an author writes, a template ends soon and is never huge."""
    scope = {"lead": {"long": "a" * 64_000, "age": 9e99}}
    template = compiled(text)
    began = time.process_time()

    assert len(template.text(scope)) <= LIMIT
    assert time.process_time() - began < 1
