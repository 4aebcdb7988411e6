"""What answers mean, by tables of what was measured of the original."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.recipients.kinds import kinds

Options = dict[str, Any]

COOKIE = "Session_id=678; path=/; domain=.fizzbuzz.com; secure; httpOnly"
FIRST_COOKIE = "Session_id=123; path=/; domain=.fizzbuzz.com; secure; httpOnly"


def read(
    options: Options, body: str | None, kind: str = "text/plain", status: int = 200
) -> dict[str, Any]:
    encoded = None if body is None else body.encode()
    return kinds["json"].read(options, status, {"Content-Type": kind}, encoded).event()


def of_json(options: Options, value: Any) -> dict[str, Any]:
    return read(options, json.dumps(value, indent=2), "application/json; charset=utf-8")


def of_xml(options: Options, inside: str) -> dict[str, Any]:
    return read(options, f'<?xml version="1.0"?>\n{inside}', "text/xml")


def of_html(options: Options, inside: str) -> dict[str, Any]:
    return read(options, f"<html><body>{inside}</body></html>", "text/html")


SEARCH = [
    ({}, "success"),
    ({"outcome_on_match": "failure"}, "failure"),
    ({"outcome_on_match": "error"}, "error"),
    ({"outcome_search_term": None, "outcome_on_match": None}, "success"),
    ({"outcome_search_term": "foo"}, "success"),
    ({"outcome_search_term": "FOO"}, "success"),
    ({"outcome_search_term": "bip"}, "failure"),
    ({"outcome_search_term": "bip", "outcome_on_match": "failure"}, "success"),
    ({"outcome_search_term": "bip", "outcome_on_match": "error"}, "success"),
    ({"outcome_search_term": "foo", "outcome_on_match": "failure"}, "failure"),
    ({"outcome_search_term": "foo", "outcome_on_match": "error"}, "error"),
    ({"outcome_search_term": "[a-z]{3}foo[a-z]{3}"}, "success"),
    ({"outcome_search_term": "/[a-z]{3}foo[a-z]{3}/"}, "success"),
    ({"outcome_search_term": "/[/"}, "failure"),
    ({"outcome_search_term": "["}, "failure"),
]


@pytest.mark.parametrize(("options", "outcome"), SEARCH)
def test_a_term_is_searched_in_the_whole_body(options: Options, outcome: str) -> None:
    assert of_json(options, {"barfoobaz": 1})["outcome"] == outcome
    assert of_xml(options, "<barfoobaz>1</barfoobaz>")["outcome"] == outcome
    assert of_html(options, "<barfoobaz>1</barfoobaz>")["outcome"] == outcome
    assert read(options, "barfoobaz")["outcome"] == outcome


@pytest.mark.parametrize(
    ("term", "path", "outcome"),
    [
        ("foo", "baz.bip", "success"),
        ("bip", "baz.bip", "failure"),
        ("elsewhere", "baz.bip", "failure"),
        ("[a-z]{3}foo[a-z]{3}", "baz.bip", "success"),
        ("/[/", "baz.bip", "failure"),
        ("foo", "baz.nope", "failure"),
        ("foo", "baz.*", "success"),
        ("bip", "baz", "success"),
        ("true", "ok", "success"),
        ("true", "baz.bip", "failure"),
        ("7", "list.1", "success"),
    ],
)
def test_a_term_is_searched_at_a_path_of_json(term: str, path: str, outcome: str) -> None:
    options = {"outcome_search_term": term, "outcome_search_path": path}
    body = {"x": "elsewhere", "baz": {"bip": "barFOObaz"}, "ok": True, "list": [1, 7]}

    assert of_json(options, body)["outcome"] == outcome


@pytest.mark.parametrize(
    ("term", "path", "outcome"),
    [
        ("foo", "/baz/bip/text()", "success"),
        ("foo", "/baz/bip", "success"),
        ("foo", "/baz", "success"),
        ("foo", "baz/bip/text()", "success"),
        ("bip", "/baz/bip/text()", "failure"),
        ("foo", "/y/bip/text()", "failure"),
        ("foo", "//bip[@id='1']", "success"),
        ("true", "boolean(/baz/bip)", "success"),
        ("foo", "[[[[", "failure"),
        ("foo", "//*[//*[//*[//*]]]", "failure"),
    ],
)
def test_a_term_is_searched_at_an_xpath(term: str, path: str, outcome: str) -> None:
    options = {"outcome_search_term": term, "outcome_search_path": path}

    assert of_xml(options, "<baz><bip id='1'>barFOObaz</bip></baz>")["outcome"] == outcome


@pytest.mark.parametrize(
    ("body", "term", "path", "outcome"),
    [
        ("<div>foo</div>", "foo", "div", "success"),
        ("<div><span>foo</span></foo>", "foo", "div span", "success"),
        ('<div id="bar">foo</div>', "foo", 'div[id="bar"]', "success"),
        ("<div>bar</div><div>foo</div>", "foo", "div", "success"),
        ("<div>bar</div>", "foo", "div", "failure"),
        ('<div id="one">bar</div><div id="b">foo</div>', "foo", 'div[id="one"]', "failure"),
        ('<div id="bar">foo</div>', '/id="[a-z]+">foo</', "body", "success"),
        ("<div>FOO</div>", "foo", "div", "success"),
        ("<dibaz</div>", "foo", "div", "failure"),
        ("<div>foo</div>", "foo", ":::", "failure"),
        ('<div id="m" why="foo"></div>', "foo", "#m @why", "success"),
    ],
)
def test_a_term_is_searched_at_a_selector(body: str, term: str, path: str, outcome: str) -> None:
    options = {"outcome_search_term": term, "outcome_search_path": path}

    assert of_html(options, body) == {"outcome": outcome, "price": 0}


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("baz.bip", {"baz": {"bip": " the reason text! "}}, "the reason text!"),
        ("baz.bip", {"baz": {"bip": ""}}, None),
        ("baz.bip", {"baz": {"bip": "    "}}, None),
        ("baz.bip", {"baz": {"bip": ["the reason text!", "another"]}}, "another, the reason text!"),
        ("baz.bip.1", {"baz": {"bip": ["the reason text!", "another"]}}, "another"),
        ("array.0.bip", [{"bip": "in an array"}], "in an array"),
        ("baz.*.details", {"baz": {"foo": {"details": "bad data"}}}, "bad data"),
        ("a.*.b.*.c", {"a": {"x": {"b": {"y": {"c": "deep"}}}}}, "deep"),
        ("errors.*", {"errors": {"b": "two", "a": "one"}}, "one, two"),
        ("baz.baz.baz", {"baz": {"bip": "foo"}}, None),
        ("baz", {"baz": {"bip": "foo"}}, None),
        ("code", {"code": 42}, "42"),
        ("code", {"code": None}, None),
        ("'42'.why", {"42": {"why": "a number"}}, "a number"),
        ("42.why", {"42": {"why": "a number"}}, "a number"),
    ],
)
def test_reasons_are_read_from_json(path: str, body: Any, reason: str | None) -> None:
    assert of_json({"reason_path": path}, body).get("reason") == reason
    default = of_json({"reason_path": path, "default_reason": "just because"}, body)["reason"]
    assert default == (reason or "just because")


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/baz/bip/text()", "<baz><bip>the reason!</bip></baz>", "the reason!"),
        ("/baz/bip/text()", "<baz><bip><![CDATA[of <CDATA>]]></bip></baz>", "of <CDATA>"),
        ("/baz/bip", "<baz><bip>of an <b>element</b></bip></baz>", "of an element"),
        ("/baz/bip/@why", '<baz><bip why="of an attribute"/></baz>', "of an attribute"),
        ("//bip/text()", "<baz><bip>two</bip><bip>one</bip></baz>", "one, two"),
        ("string(//bip)", "<baz><bip>told</bip></baz>", "told"),
        ("count(//bip)", "<baz><bip/><bip/></baz>", "2"),
        ("/s:a/s:b", '<s:a xmlns:s="urn:x"><s:b>named</s:b></s:a>', "named"),
        ("/baz/bip/text()", "<baz><bip>    </bip></baz>", None),
        ("/baz/nope", "<baz/>", None),
        ("[[[[[  ", "<baz/>", None),
        ("document('/etc/passwd')", "<baz/>", None),
        ("unknown:f(//x)", "<baz/>", None),
    ],
)
def test_reasons_are_read_from_xml(path: str, body: str, reason: str | None) -> None:
    assert of_xml({"reason_path": path}, body).get("reason") == reason


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ('div[id="m"]', '<div>bar</div><div id="m">just because</div>', "just because"),
        ("#m @reason", '<div id="m" reason="of an attribute"></div>', "of an attribute"),
        ("div.m", '<div class="m">two</div><div class="m">one</div>', "one, two"),
        ("div.m", '<div class="m">   </div>', None),
        ("div.nope", "<div>x</div>", None),
        ("#nope @why", "<div>x</div>", None),
    ],
)
def test_reasons_are_read_from_html(path: str, body: str, reason: str | None) -> None:
    assert of_html({"reason_path": path}, body).get("reason") == reason


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("[a-z]+:(.*)", "bad:the reason text!", "the reason text!"),
        ("/[a-z]+:(.*)/", "bad:the reason text!", "the reason text!"),
        ("why [a-z]+", "WHY not", "WHY not"),
        ("[a-z]+:(.*)", "bad:   ", None),
        ("whatever:(.*)", "bad:the reason text!", None),
        ("(", "bad", None),
    ],
)
def test_reasons_are_read_from_text(path: str, body: str, reason: str | None) -> None:
    assert read({"reason_path": path}, body).get("reason") == reason


def test_a_body_that_is_not_what_it_says_is_searched_as_text() -> None:
    told = '{"err":1,"message":"PhoneNumber is a required field."}'
    pattern = {"reason_path": '"message":"([^"]+)"'}
    missing = "PhoneNumber is a required field."

    for kind in ("text/html; charset=UTF-8", "text/xml", "plain/text", "text/plain", ""):
        assert read(pattern, told, kind) == {"outcome": "success", "reason": missing, "price": 0}
    assert read({"outcome_search_term": "bar"}, "<a>bar</a>", "application/json") == {
        "outcome": "success",
        "price": 0,
    }


def test_the_content_type_can_be_overridden() -> None:
    options = {
        "outcome_search_term": "success",
        "response_content_type_override": "application/json",
        "reason_path": "message",
    }

    told = read(options, '{"err":1,"message":"A field."}', "text/html", 422)

    assert told == {
        "outcome": "failure",
        "err": 1,
        "message": "A field.",
        "reason": "A field.",
        "price": 0,
    }


@pytest.mark.parametrize("status", [500, 502, 599])
def test_a_server_error_is_an_error_and_nothing_is_read(status: int) -> None:
    told = read({"outcome_search_term": "oh", "default_reason": "x"}, "oh no!", status=status)

    assert told == {"outcome": "error", "reason": "Server error"}


def test_other_statuses_are_no_error_by_themselves() -> None:
    assert read({}, "oh no!", status=400)["outcome"] == "success"
    assert read({"outcome_search_term": "ok"}, "oh no!", status=404)["outcome"] == "failure"


def test_prices_are_read_as_text_or_fall_back() -> None:
    assert of_json({"price_path": "baz.*.cost"}, {"baz": {"x": {"cost": 1.5}}})["price"] == "1.5"
    assert of_json({"price_path": "price"}, {"price": 18})["price"] == "18"
    assert of_xml({"price_path": "bar/cost/text()"}, "<bar><cost>1.5</cost></bar>")["price"] == (
        "1.5"
    )
    assert of_html({"price_path": "div.c"}, '<div class="c">1.5</div>')["price"] == "1.5"
    text = read({"price_path": r"/cost=([0-9]\.[0-9])/"}, "foo&cost=1.5")
    assert text == {"outcome": "success", "price": "1.5"}
    assert of_json({"price_path": "price", "fallback_price": "3"}, {})["price"] == "3"
    assert of_json({"price_path": "price"}, {"price": ""})["price"] == 0


def test_the_body_is_appended() -> None:
    assert of_json({}, [{"foo": "foo"}, {"bar": 1}]) == {
        "outcome": "success",
        "price": 0,
        "array": [{"foo": "foo"}, {"bar": 1}],
    }
    assert of_json({}, {"0": {"foo": "x"}, "42": [1]}) == {
        "outcome": "success",
        "price": 0,
        "'0'": {"foo": "x"},
        "'42'": [1],
    }
    assert of_xml({}, "<baz><bip>a</bip><bip>b</bip><c/><d k='v'>t</d></baz>") == {
        "outcome": "success",
        "price": 0,
        "baz": {"bip": ["a", "b"], "c": "", "d": {"k": "v", "_": "t"}},
    }
    assert of_json({}, {"outcome": "x", "reason": "y", "price": 9}) == {
        "outcome": "success",
        "price": 0,
    }
    assert read({}, '"text"', "application/json") == {"outcome": "success", "price": 0}


@pytest.mark.parametrize("body", [None, "", "   "])
@pytest.mark.parametrize("kind", ["application/json", "text/xml", "text/html", "", "image/png"])
def test_no_body_is_a_success_if_nothing_is_searched(body: str | None, kind: str) -> None:
    assert read({}, body, kind) == {"outcome": "success", "price": 0}
    assert read({"outcome_search_term": "ok"}, body, kind)["outcome"] == "failure"


def test_captures_references_and_cookies_are_added() -> None:
    captures = {"bad": "/bad: (.*)$/m", "capture.why": "why: (.*)", "wrong": "/bad: (.*/x"}
    options = {"outcome_on_match": "failure", "capture": captures, "capture.why": captures["bad"]}
    assert read(options, "bad: the reason!\nwhy: x") == {
        "outcome": "failure",
        "bad": "the reason!",
        "capture.why": "x",
        "why": "the reason!",
        "price": 0,
    }
    assert of_html({"capture.n": "matched (.*) records"}, "matched 42 records.")["n"] == "42"
    assert of_json({"reference_path": "ids"}, {"ids": [7, "8"]})["reference"] == ["7", "8"]
    assert "reference" not in of_json({"reference_path": "nope"}, {})


@pytest.mark.parametrize(
    ("term", "cookies", "kept"),
    [
        (None, [COOKIE], None),
        ("login_info", [COOKIE], None),
        ("domain=.x[0-9]{7}", [COOKIE], None),
        ("session_id", COOKIE, COOKIE),
        ("SESSION_ID", [COOKIE], COOKIE),
        ("session.*domain=.fizzbuzz", [COOKIE, FIRST_COOKIE], FIRST_COOKIE),
    ],
)
def test_the_first_cookie_that_a_term_finds_is_kept(term: Any, cookies: Any, kept: Any) -> None:
    told = kinds["form"].read({"cookie_search_term": term}, 200, {"set-cookie": cookies}, None)

    assert told.event().get("cookie") == kept


def test_xml_has_no_entities_and_reads_no_files() -> None:
    """A DOCTYPE alone is harmless; one that defines entities makes the answer plain text."""
    harmless = read({}, '<!DOCTYPE r SYSTEM "http://x/y.dtd"><r><a>1</a></r>', "text/xml")
    laughs = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><r>&b;</r>'
    file = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'

    assert harmless["r"] == {"a": "1"}
    for body in (laughs, file):
        assert read({"reason_path": "//r/text()"}, body, "text/xml") == {
            "outcome": "success",
            "price": 0,
        }


def test_hostile_answers_are_read_within_a_moment() -> None:
    bodies = [
        ("application/json", "[" * 60_000),
        ("application/json", '{"a":' * 900 + "1" + "}" * 900),
        ("text/xml", "<a>" * 20_000),
        ("text/xml", "<a>" + "<b/>" * 15_000 + "</a>"),
        ("text/html", "<div>" * 12_000),
        ("text/plain", "a" * 64_000),
    ]
    options = {
        "outcome_search_term": "(a+)+$!",
        "outcome_search_path": "//*[count(//*) > 3]",
        "reason_path": "a.*.*.*.*.*",
        "price_path": "(x?){400}y",
        "capture.c": "((a*)*)*b",
    }
    began = time.perf_counter()

    for kind, body in bodies:
        read(options, body, kind)

    assert time.perf_counter() - began < 3


NAMES = [
    "outcome_search_term",
    "outcome_search_path",
    "outcome_on_match",
    "reason_path",
    "default_reason",
    "price_path",
    "fallback_price",
    "reference_path",
    "capture.x",
    "cookie_search_term",
    "response_content_type_override",
    "default_outcome",
]
SCRAPS = st.text() | st.sampled_from(
    ["//a", "a.*", "#x @y", "/(a/", "/a(b)?/im", "a[1]", "*", "'1'", "string(//a)", "div > a"]
)
BODIES = st.binary(max_size=200) | st.sampled_from(
    [b'{"a":[1,{"b":null}]}', b"<a b='c'>d<e/></a>", b"<html><a>x", b"\xff\xfe<", b"[]", b"<?xml?>"]
)
TYPES = st.sampled_from(
    ["application/json", "text/xml;charset=utf-16", "text/html; charset=punycode", "", "a/b+xml"]
)


@given(
    st.sampled_from(sorted(kinds)),
    st.dictionaries(st.sampled_from(NAMES), SCRAPS | st.integers() | st.none() | st.booleans()),
    st.integers(100, 599),
    TYPES,
    BODIES | st.none(),
)
def test_no_answer_raises(
    kind: str, options: Options, status: int, content_type: str, body: bytes | None
) -> None:
    headers = {"content-type": content_type, "Set-Cookie": ["a=b", "c"]}

    told = kinds[kind].read(options, status, headers, body)

    assert told.outcome in ("success", "failure", "error")
    json.dumps(told.event())


SOAP = """<?xml version="1.0"?><soap:Envelope
 xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
 <AddLeadResponse xmlns="http://x/"><AddLeadResult><Result>true</Result>
 <Message>some message</Message><Cost>1.5</Cost><Empty/><Multi><Foo>2</Foo><Foo>1</Foo></Multi>
 </AddLeadResult></AddLeadResponse></soap:Body></soap:Envelope>"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"outcome": "success", "price": 0}),
        (
            {"outcome_search_term": "SOME", "outcome_search_path": "AddLeadResult.Message"},
            {"outcome": "success", "price": 0},
        ),
        (
            {"outcome_search_term": "some", "outcome_search_path": "AddLeadResult.Result"},
            {"outcome": "failure", "price": 0},
        ),
        (
            {"outcome_search_term": "no", "reason_path": "AddLeadResult.Multi.Foo"},
            {"outcome": "failure", "reason": "1, 2", "price": 0},
        ),
        ({"price_path": "AddLeadResult.Cost"}, {"outcome": "success", "price": "1.5"}),
        ({"outcome_search_term": "x", "outcome_search_path": "0"}, {"outcome": "failure"}),
    ],
)
def test_soap_results_are_read_by_dotted_paths(options: Options, expected: Options) -> None:
    told = kinds["soap"].read(options, 200, {"Content-Type": "text/xml"}, SOAP.encode()).event()

    assert told["AddLeadResult"]["Multi"] == {"Foo": ["2", "1"]}
    assert told.items() >= expected.items()


def test_a_soap_result_that_is_xml_as_text_is_opened() -> None:
    body = SOAP.replace("<Result>true</Result>", "<R>&lt;Response&gt;1&lt;/Response&gt;</R>")
    inner = "<AddLeadResult>&lt;R&gt;&lt;L&gt;5&lt;/L&gt;&lt;/R&gt;</AddLeadResult>"
    start, end = body.index("<AddLeadResult>"), body.index("</AddLeadResponse>")

    told = kinds["soap"].read({}, 200, {}, (body[:start] + inner + body[end:]).encode())

    assert told.appended == {"AddLeadResult": {"R": {"L": "5"}}}


FAILED = (
    "<result><outcome>failure</outcome><reason>no</reason><lead><id>1</id></lead>"
    "<price>1.5</price></result>"
)
STANDARD = [
    ({}, "application/json", '{"id":42}', {"outcome": "error", "reason": "Unrecognized response"}),
    ({"default_outcome": "success"}, "application/json", '{"id":42}', {"outcome": "success"}),
    (
        {},
        "application/json",
        '{"id":42,"reason":"Big bada boom"}',
        {"outcome": "error", "reason": "Big bada boom"},
    ),
    (
        {},
        "application/json",
        '{"message":"Flow is disabled"}',
        {"outcome": "error", "reason": "Flow is disabled"},
    ),
    (
        {},
        "application/json",
        '{"outcome":"success","reason":"","lead":{"id":"1"},"price":1.5}',
        {"outcome": "success", "lead": {"id": "1"}, "price": 1.5},
    ),
    (
        {},
        "text/xml",
        FAILED,
        {"outcome": "failure", "reason": "no", "lead": {"id": "1"}, "price": "1.5"},
    ),
    (
        {},
        "text/xml",
        "<status>Error</status><reason>x</reason>",
        {"outcome": "error", "reason": "Unrecognized response"},
    ),
    (
        {},
        "",
        '{"outcome":"success"}',
        {"outcome": "error", "reason": "No Content-Type specified in server response"},
    ),
]


@pytest.mark.parametrize(("options", "kind", "body", "expected"), STANDARD)
def test_the_answers_of_other_flows_are_read(
    options: Options, kind: str, body: str, expected: Options
) -> None:
    headers = {"Content-Type": kind} if kind else {}

    assert kinds["default"].read(options, 200, headers, body.encode()).event() == expected
