"""What recipients are sent, by tables of what was measured of the original."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.recipients.kinds import kinds
from pointsman.recipients.requests import ACCEPT, Request

Options = dict[str, Any]
URL = "http://foo.example"


def request(kind: str, **options: Any) -> Request:
    return kinds[kind].build({"url": URL, **options})


def body(kind: str, option: str, value: Options, **others: Any) -> str:
    sent = request(kind, **{option: value}, **others).body
    assert sent is not None
    return sent.decode()


def test_a_request_has_address_method_headers_and_body() -> None:
    headers = {"Whatever": "foo", "Bar": "baz"}
    people = {"fname": "Mel", "lname": "Gibson"}

    as_json = request("json", json_property=people, header=headers)
    as_form = request("form", form_field=people, header=headers)
    as_query = request("query", parameter=people, header=headers)
    as_xml = request("xml", **{"xml_path.lead.fname": "Mel", "xml_path.lead.lname": "Gibson"})

    assert (as_json.method, as_json.url, as_json.body) == (
        "POST",
        URL,
        b'{"fname":"Mel","lname":"Gibson"}',
    )
    assert as_json.headers == {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": "32",
        "Accept": ACCEPT,
        **headers,
    }
    assert as_form.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert (as_form.method, as_form.body) == ("POST", b"fname=Mel&lname=Gibson")
    assert (as_query.method, as_query.url, as_query.body) == (
        "GET",
        f"{URL}?fname=Mel&lname=Gibson",
        None,
    )
    assert as_query.headers == {"Accept": ACCEPT, **headers}
    assert as_xml.headers == {
        "Content-Type": "text/xml",
        "Content-Length": "81",
        "Accept": ACCEPT,
    }
    assert as_xml.body == (
        b'<?xml version="1.0"?>\n<lead>\n  <fname>Mel</fname>\n  <lname>Gibson</lname>\n</lead>'
    )


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ({}, "{}"),
        ({"foo.bar.baz": "bip"}, '{"foo":{"bar":{"baz":"bip"}}}'),
        ({"foo.baz.0": "bip", "foo.baz.1": "bap"}, '{"foo":{"baz":["bip","bap"]}}'),
        ({"foo.baz": ["bip", "bap"]}, '{"foo":{"baz":["bip","bap"]}}'),
        ({"foo.0": "baz", "foo.1": None, "foo.2": "bip"}, '{"foo":["baz","bip"]}'),
        (
            {"0.foo.bar": "baz", "2.foo.bip": "bap", "2.foo.bar": "bip"},
            '[{"foo":{"bar":"baz"}},{"foo":{"bip":"bap","bar":"bip"}}]',
        ),
        ({"0.foo.bar": "baz", "bip": "bap"}, '{"0":{"foo":{"bar":"baz"}},"bip":"bap"}'),
        ({"foo.bar[what]": "x"}, '{"foo":{"bar[what]":"x"}}'),
        ({"foo": {"bar.baz": 1}, "foo.b": 2.0}, '{"foo":{"bar":{"baz":1},"b":2}}'),
        ({"a": True, "b": None, "c": 1.5, "d": "ü"}, '{"a":true,"b":null,"c":1.5,"d":"ü"}'),
        ({"a": float("nan"), "b": 2**70, "c": "\ud800"}, f'{{"a":null,"b":"{2**70}","c":"?"}}'),
    ],
)
def test_json_is_built_from_dotted_names(given_: Options, text: str) -> None:
    assert body("json", "json_property", given_) == text


def test_json_can_go_as_a_parameter_of_a_form_and_has_preferences() -> None:
    stuffed = request(
        "json",
        json_property={"a": 1},
        json_parameter="element",
        extra_parameter={"operation": "create", "n": 7},
    )
    preferences = request("json", **{"json_property.a": 1, "preferences.terms.t.isGranted": True})

    assert stuffed.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert stuffed.body == b"element=%7B%22a%22%3A1%7D&operation=create&n=7"
    assert preferences.body == b'{"a":1,"preferences":{"terms":{"t":{"isGranted":true}}}}'


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ({}, ""),
        ({"foo.bar": "bip bop"}, "foo.bar=bip%20bop"),
        ({"profile[what]": "x[y]"}, "profile%5Bwhat%5D=x%5By%5D"),
        ({"foo.0": "bip", "foo.4": "bap", "bar.z.2": 42}, "foo=bip&foo=bap&bar.z=42"),
        ({"foo.bar": ["bip", "bap"]}, "foo.bar=bip&foo.bar=bap"),
        ({"a": True, "b": None, "c": "Mêl", "d": "\ud800"}, "a=true&b=&c=M%C3%AAl&d=%3F"),
    ],
)
def test_forms_and_queries_repeat_names(given_: Options, text: str) -> None:
    assert body("form", "form_field", given_) == text
    assert request("query", parameter=given_).url == (f"{URL}?{text}" if text else URL)


def test_names_of_a_form_can_stay_as_they_are() -> None:
    fields = {"foo[bar]": 42, "foo[baz]": "zip[do]"}

    assert body("form", "form_field", fields, encode_form_field_names=False) == (
        "foo[bar]=42&foo[baz]=zip%5Bdo%5D"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.b/?x=1", "http://a.b/?x=1&n=2"),
        ("http://a.b/?", "http://a.b/?n=2"),
        ("http://a.b/?x=1&", "http://a.b/?x=1&n=2"),
        ("http://a.b/p#part", "http://a.b/p?n=2"),
    ],
)
def test_a_query_is_added_to_that_of_the_address(url: str, expected: str) -> None:
    assert kinds["query"].build({"url": url, "parameter.n": 2}).url == expected


XML = '<?xml version="1.0"?>'


@pytest.mark.parametrize(
    ("given_", "lines"),
    [
        ({}, [XML]),
        ({"n": "foo"}, [XML, "<n>foo</n>"]),
        (
            {"foo.bar.baz": "bip"},
            [XML, "<foo>", "  <bar>", "    <baz>bip</baz>", "  </bar>", "</foo>"],
        ),
        ({"foo.b.0": "x", "foo.b.2": "y"}, [XML, "<foo>", "  <b>x</b>", "  <b>y</b>", "</foo>"]),
        ({"foo.b": ["x", "y"]}, [XML, "<foo>", "  <b>x</b>", "  <b>y</b>", "</foo>"]),
        ({"foo.b@id": "1", "foo.b": "z"}, [XML, "<foo>", '  <b id="1">z</b>', "</foo>"]),
        ({"foo.b": "z", "foo.b@id": "1"}, [XML, "<foo>", '  <b id="1">z</b>', "</foo>"]),
        ({"foo.b.0.@id": 1, "foo.b.0.#text": "z"}, [XML, "<foo>", '  <b id="1">z</b>', "</foo>"]),
        ({"a.b": "<&>", "a@c": '"<'}, [XML, "<a c='\"&lt;'>", "  <b>&lt;&amp;&gt;</b>", "</a>"]),
        ({"a.b": "\x00\ud800x", "a.c": ""}, [XML, "<a>", "  <b>x</b>", "  <c/>", "</a>"]),
    ],
)
def test_xml_is_built_from_dotted_names(given_: Options, lines: list[str]) -> None:
    assert body("xml", "xml_path", given_) == "\n".join(lines)


def test_xml_can_go_as_a_parameter_of_a_form() -> None:
    sent = request("xml", **{"xml_path.a": "b"}, xml_parameter="data", extra_parameter={"t": "x"})

    assert sent.body == (b"data=%3C%3Fxml%20version%3D%221.0%22%3F%3E%0A%3Ca%3Eb%3C%2Fa%3E&t=x")


@pytest.mark.parametrize("kind", ["json", "form", "query", "xml", "soap", "default"])
def test_headers_and_credentials(kind: str) -> None:
    sent = request(
        kind,
        function="Add",
        basic_username="test",
        basic_password=1234,
        header={"Foo": ["bar", "baz"], "Empty": " ", "Bad": "a\r\nX: y", "content-type": "a/b"},
    )

    assert sent.headers["Authorization"] == "Basic dGVzdDoxMjM0"
    assert sent.headers["Foo"] == "bar, baz"
    assert "Empty" not in sent.headers
    assert sent.headers["Bad"] == "a X: y"
    assert [v for k, v in sent.headers.items() if k.lower() == "content-type"] == ["a/b"]


def test_diacritics_can_be_left_away() -> None:
    given_ = {"a": "Mêl Kronprinzstraße Łódź Œuvre", "b": ["Ö", 1, None]}

    assert body("json", "json_property", given_, send_ascii="true") == (
        '{"a":"Mel Kronprinzstrasse Lodz OEuvre","b":["O",1,null]}'
    )
    assert "ê" in body("json", "json_property", given_, send_ascii=False)


def test_redirects_and_timeouts() -> None:
    assert request("query").follow_redirects
    assert not request("query", follow_redirects="false").follow_redirects
    assert not request("form").follow_redirects
    assert request("form", follow_redirects=True).follow_redirects
    assert request("json").timeout is None
    assert request("json", timeout_seconds="12").timeout == 12
    assert request("json", timeout_seconds="soon").timeout is None


def test_soap_envelopes() -> None:
    sent = request(
        "soap",
        url="http://foo.example/ws.asmx?WSDL",
        function="AddLead",
        namespace="http://donkey/ws.asmx/",
        **{
            "arg.Lead.FirstName": "Bob & Co",
            "arg.Lead@Id": 42,
            "arg.Lead.bar.0": "bip",
            "arg.Lead.bar.2": "bap",
            "arg.Note": "<![CDATA[a & <b>]]>",
            "soap_header.Session.id": 88,
            "soap_header.Session@xmlns": "urn:foo",
        },
    )
    assert sent.body is not None
    text = sent.body.decode()

    assert sent.url == "http://foo.example/ws.asmx"
    assert sent.headers["SOAPAction"] == '"http://donkey/ws.asmx/AddLead"'
    assert 'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"' in text
    assert '<soap:Header><Session xmlns="urn:foo"><id>88</id></Session></soap:Header>' in text
    assert '<AddLead xmlns="http://donkey/ws.asmx/"><Lead Id="42">' in text
    assert "<FirstName>Bob &amp; Co</FirstName><bar>bip</bar><bar>bap</bar></Lead>" in text
    assert "<Note><![CDATA[a & <b>]]></Note></AddLead>" in text


def test_soap_versions_prefixes_and_security() -> None:
    newer = request(
        "soap", function="Add", version="1.2", namespace="urn:x", bearer_token="crunchy"
    )
    prefixed = request(
        "soap",
        function="Add",
        root_namespace_prefix="cal",
        root_xmlns_attribute_name="xmlns:cal",
        root_xmlns_attribute_value="http://d/",
    )
    plain = request("soap", function="Add", wss_username="bob", wss_password="sekret")
    signed = request(
        "soap", function="Add", wss_username="bob", wss_password="sekret", wss_digest_password=True
    )

    assert newer.headers["Content-Type"] == (
        'application/soap+xml; charset=utf-8; action="urn:x/Add"'
    )
    assert newer.headers["Authorization"] == "Bearer crunchy"
    assert b'"http://www.w3.org/2003/05/soap-envelope"' in (newer.body or b"")
    assert b'<cal:Add xmlns:cal="http://d/"></cal:Add>' in (prefixed.body or b"")
    assert b"#PasswordText" in (plain.body or b"")
    assert b">sekret</wsse:Password>" in (plain.body or b"")
    assert b"#PasswordDigest" in (signed.body or b"")
    assert b"sekret" not in (signed.body or b"")


def test_leads_go_to_other_flows_as_a_form_or_a_query() -> None:
    lead = {"first_name": "Joe", "email": "j@test.com", "tags": ["a", "b"], "none": None}
    sent = request("default", lead=lead, price=1.5)
    queried = kinds["default"].build(
        {
            "url": f"{URL}?first_name=Bobby&aff_id=123",
            "method": "get",
            "lead": lead,
            "default.custom.email": "custom@e.com",
            "lead.deeply.nested": "x",
        }
    )

    assert (sent.method, sent.url) == ("POST", f"{URL}/")
    assert sent.body == b"first_name=Joe&email=j%40test.com&tags=a&tags=b&none=&price=1.5"
    assert sent.headers["Accept"] == "application/json;q=0.9,text/xml;q=0.8,application/xml;q=0.7"
    assert queried.url == (
        f"{URL}/?first_name=Joe&aff_id=123&email=custom%40e.com&tags=a&tags=b&none="
        "&deeply.nested=x&price=0"
    )


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("json", {"url": ""}, "URL is required"),
        ("json", {"url": "donkeykong"}, "URL must be valid"),
        ("json", {"url": "ftp://a.b"}, "URL must be valid"),
        ("json", {"url": "http://"}, "URL must be valid"),
        ("json", {"url": "http://a b.c"}, "URL must be valid"),
        ("json", {"url": "http://a.b:99999"}, "URL must be valid"),
        ("json", {"url": "http://[::1"}, "URL must be valid"),
        ("json", {"url": "http://donkey.localhost"}, "URL must be public"),
        ("json", {"url": "http://169.254.169.254/latest"}, "URL must be public"),
        ("json", {"url": "http://10.0.0.1"}, "URL must be public"),
        ("json", {"url": "http://[::ffff:127.0.0.1]/"}, "URL must be public"),
        ("json", {"url": "http://2130706433/"}, "URL must be public"),
        ("json", {"url": "http://0x7f.1/"}, "URL must be public"),
        ("json", {"url": "http://127.1/"}, "URL must be public"),
        ("json", {"url": "http://8.8.8.8/"}, None),
        ("json", {"url": "https://crm.example:8443/leads?x=1"}, None),
        ("json", {"method": "HEAD"}, "Unsupported HTTP method - use POST, PUT, DELETE, PATCH"),
        ("json", {"method": "patch"}, None),
        ("xml", {"method": "DELETE"}, "Unsupported HTTP method - use POST, PUT"),
        ("default", {"method": "put"}, "Unsupported HTTP method PUT. Use GET or POST."),
        (
            "form",
            {"outcome_on_match": "donkey"},
            "Outcome on match must be 'success', 'failure', or 'error'",
        ),
        ("form", {"outcome_on_match": "Error"}, None),
        (
            "default",
            {"default_outcome": "donkey"},
            'default outcome must be "success", "failure" or "error"',
        ),
        ("json", {"header": {"Content-Type": "text/xml"}}, "Invalid Content-Type header value"),
        ("json", {"header.Content-Type": "application/json"}, None),
        ("form", {"header.Content-Type": "x-www-form-urlencoded"}, None),
        ("query", {"header.Content-Type": "foo"}, "Invalid Content-Type header value"),
        ("form", {"header.content-length": "10"}, "Content-Length header is not allowed"),
        ("form", {"header.Accept": "text/x"}, "Accept header is not allowed"),
        ("form", {"header.Host": "x"}, "Host header is not allowed"),
        ("form", {"header.A B": "x"}, "'A B' is no name of a header"),
        ("soap", {}, "Function is required"),
        ("soap", {"function": "donkey/kong"}, "Function must have valid name"),
        (
            "soap",
            {"function": "a", "version": "0"},
            "Must be valid SOAP version: 1.1 or 1.2",
        ),
        ("soap", {"function": "a", "version": "1.2"}, None),
        ("xml", {"xml_path.a b": "x"}, "'a b' is no name of an XML element"),
        ("xml", {"xml_path.a": 1, "xml_path.b": 2}, "XML paths must begin with the same element"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_sent(
    kind: str, options: Options, told: str | None
) -> None:
    assert kinds[kind].problem({"url": "http://foo.com", **options}) == told


def test_private_addresses_can_be_allowed() -> None:
    assert kinds["json"].problem({"url": "http://10.0.0.1"}, public=False) is None
    assert kinds["json"].problem({"url": "http://localhost:80"}, public=False) is None


NAMES = st.text(max_size=12) | st.sampled_from(
    [
        "url",
        "header",
        "header.X",
        "json_property.a.0",
        "form_field.a",
        "xml_path.a@b",
        "arg.x.y",
        "parameter.q",
        "lead",
        "lead.a",
        "default",
        "method",
        "function",
        "send_ascii",
        "soap_action",
        "namespace",
        "bearer_token",
        "soap_header.a",
    ]
)
VALUES = st.recursive(
    st.text(max_size=12) | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(kinds)), st.dictionaries(NAMES, VALUES, max_size=8))
def test_no_options_raise(kind: str, options: Options) -> None:
    told = kinds[kind].problem(options)
    sent = kinds[kind].build(options)

    assert told is None or told
    assert not any(sign in value for value in sent.headers.values() for sign in "\r\n\0")
