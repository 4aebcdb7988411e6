from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.http.parameters import Misposted, Posted, read_parameters

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
XML = "application/xml"


def posted(raw: bytes | None, media: str = FORM, query: str = "", *, ping: bool = False) -> Posted:
    return read_parameters(query, raw, media, ping=ping)


FORMS: list[tuple[bytes, dict[str, Any]]] = [
    (b"a=1&b=two+words", {"a": "1", "b": "two words"}),
    (b"a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
    (b"company.name=Ada%26Co&company.size=3", {"company": {"name": "Ada&Co", "size": "3"}}),
    (b"phone.0=1&phone.1=2", {"phone": ["1", "2"]}),
    (b"a=2&a.b=1", {"a": "2"}),
    (b"a.b=1&a=2", {"a": "2"}),
    (b"a.b=1&a.b.c=2", {"a": {"b": "1"}}),
    (b"a[b]=1", {"a[b]": "1"}),
    (b"a=&b", {"a": "", "b": ""}),
    (b"a=1&&b=2", {"a": "1", "b": "2"}),
    (b"  \r\n", {}),
    (b" a=1\r\n", {"a": "1"}),
    (b"a.0=x&a.2=y", {"a": ["x", None, "y"]}),
    (b"a.0=x&a.9999=y", {"a": ["x", "y"]}),
    (b"a=Ren%E9e", {"a": "Ren\ufffde"}),
    (b"a=Ren\xe9e", {"a": "Ren\ufffde"}),
]


@pytest.mark.parametrize(("raw", "expected"), FORMS)
def test_a_form_nests_dotted_names_and_gathers_repeated_ones(
    raw: bytes, expected: dict[str, Any]
) -> None:
    assert posted(raw) == expected


@given(st.text("ab=&;.ä \t\x00"))
def test_what_has_nothing_to_decode_is_read_as_all_else_is(query: str) -> None:
    expected: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        expected.setdefault(name, []).append(value)

    found = posted(None, "", query)

    assert list(found) == list(expected)
    assert {name: [one] if isinstance(one, str) else one for name, one in found.items()} == expected


def test_an_empty_parameter_breaks_a_form_with_dotted_names() -> None:
    with pytest.raises(Misposted, match="Unable to parse body -- ") as refused:
        posted(b"a.b=1&&c=2")
    assert refused.value.status == HTTPStatus.BAD_REQUEST


JSONS: list[tuple[bytes, dict[str, Any]]] = [
    (b'{"a": 1, "b": {"c": [1, true, null]}}', {"a": 1, "b": {"c": [1, True, None]}}),
    (b'{"a": "two\nlines\tand a tab"}', {"a": "twolinesand a tab"}),
    (b"[]", {}),
    (b'"text"', {}),
    (b"", {}),
    (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    (b'{"a": "Ren\xe9e"}', {"a": "Ren\ufffde"}),
]


@pytest.mark.parametrize(("raw", "expected"), JSONS)
def test_json_is_read_and_mended(raw: bytes, expected: dict[str, Any]) -> None:
    assert posted(raw, "application/json; charset=utf-8") == expected


@pytest.mark.parametrize(
    ("raw", "media"), [(b"a=Ren%E9e&b=%80", FORM), (b'{"a": "Ren\xe9e", "b": "\x80"}', JSON)]
)
def test_a_body_may_be_written_in_another_charset(raw: bytes, media: str) -> None:
    assert posted(raw, f'{media}; charset="windows-1252"; x=y') == {"a": "Ren\xe9e", "b": "\u20ac"}
    for unknown in ("nonsense", "idna", "hex", "utf-16"):
        assert "\ufffd" in posted(raw, f"{media}; charset={unknown}")["a"]


XMLS: list[tuple[bytes, dict[str, Any]]] = [
    (b"<lead><a>1</a><b/></lead>", {"a": "1", "b": ""}),
    (b"<lead><a>1</a><a>2</a></lead>", {"a": ["1", "2"]}),
    (
        b'<lead id="7"><name kind="full">Ada</name></lead>',
        {"id": "7", "name": {"kind": "full", "_": "Ada"}},
    ),
    (b"<lead><company><name>A &amp; B</name></company></lead>", {"company": {"name": "A & B"}}),
    (b"<lead>only text</lead>", {}),
    (b"<lead><a> x </a><b>\n</b></lead>", {"a": " x ", "b": "\n"}),
    (b"<lead><a>1<b>2</b>3</a></lead>", {"a": {"b": "2", "_": "13"}}),
    (b"<lead>\n <a><b>2</b>\n</a>\n</lead>", {"a": {"b": "2"}}),
]


@pytest.mark.parametrize("media", [XML, "text/xml; charset=utf-8"])
@pytest.mark.parametrize(("raw", "expected"), XMLS)
def test_xml_drops_its_root_and_keeps_attributes(
    raw: bytes, expected: dict[str, Any], media: str
) -> None:
    assert posted(raw, media) == expected


HOSTILE = [
    b"<a",
    b"not xml",
    b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    b"<a>" * 100 + b"</a>" * 100,
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
]


@pytest.mark.parametrize("raw", HOSTILE)
def test_xml_that_is_broken_or_hostile_is_refused(raw: bytes) -> None:
    with pytest.raises(Misposted, match="Body does not contain XML or XML is unparseable -- "):
        posted(raw, XML)


def test_the_query_stays_flat_and_wins_over_the_body() -> None:
    found = posted(b'{"a": 1, "b": 2}', JSON, "a=query&c.d=flat&e&f=1&f=2")
    assert found == {"a": "query", "b": 2, "c.d": "flat", "e": "", "f": ["1", "2"]}


def test_of_a_list_the_query_replaces_the_first_values() -> None:
    assert posted(b'{"a": ["x", "y", "z"]}', JSON, "a=1&a=2") == {"a": ["1", "2", "z"]}
    assert posted(b'{"a": ["x", "y", "z"]}', JSON, "a=1") == {"a": "1"}


def test_without_a_body_the_query_alone_counts() -> None:
    assert posted(None, "", "a=1") == {"a": "1"}


def test_a_body_needs_a_type_that_is_known() -> None:
    with pytest.raises(Misposted, match=r"^Content-Type header is required$") as missing:
        posted(b"a=1", "")
    assert missing.value.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    for media in ("multipart/form-data", "text/plain", "text/json"):
        with pytest.raises(Misposted, match="MIME type in Content-Type header") as unknown:
            posted(b"a=1", media)
        assert unknown.value.status == HTTPStatus.NOT_ACCEPTABLE


def test_a_redirect_is_taken_from_the_query_and_stays_a_parameter() -> None:
    found = posted(b"redir_url=ignored", FORM, "redir_url=https://a.example/x&redir_url=second")
    assert found.redirect == "https://a.example/x"
    assert found["redir_url"] == ["https://a.example/x", "second"]
    assert posted(b"redir_url=https://a.example", FORM).redirect is None


def test_a_redirect_is_judged_before_the_body() -> None:
    with pytest.raises(Misposted, match=r"^Invalid redir_url$"):
        posted(b"a=1", "text/plain", "redir_url=/relative")


@pytest.mark.parametrize(
    "bad", ["/relative", "ftp://a.example", "javascript:alert(1)", "", "https://", "https://a%0ab"]
)
def test_a_redirect_that_is_no_address_of_the_web_is_refused(bad: str) -> None:
    with pytest.raises(Misposted, match=r"^Invalid redir_url$"):
        posted(None, "", f"redir_url={bad}")


def test_trusted_forms_names_become_the_fields_and_those_of_pings_count_for_pings() -> None:
    raw = b"XXTrustedFormCertUrl=cert&xxTrustedFormPingUrl=pinged"
    assert posted(raw) == {"trustedform_cert_url": "cert"}
    assert posted(raw, ping=True) == {"trustedform_cert_url": "pinged"}


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"trustedform_cert_url=own&xxTrustedFormCertUrl=cert", "cert"),
        (b"xxTrustedFormCertUrl=cert&trustedform_cert_url=own", "cert"),
        (b"xxTrustedFormCertUrl=&trustedform_cert_url=own", "own"),
        (b"xxTrustedFormPingUrl=&trustedform_cert_url=own", "own"),
        (b"xxTrustedFormCertUrl=", None),
    ],
)
def test_what_trusted_forms_script_has_written_wins(raw: bytes, found: str | None) -> None:
    assert posted(raw, ping=True).get("trustedform_cert_url") == found


@given(
    raw=st.binary(max_size=200) | st.text('a.b&=[]{}<>/"0 +%', max_size=60).map(str.encode),
    media=st.sampled_from([FORM, JSON, XML, "text/xml", "", "x/y"]),
    query=st.text(max_size=40),
)
def test_whatever_is_sent_is_read_or_refused(raw: bytes, media: str, query: str) -> None:
    status = 0
    try:
        orjson.dumps(dict(posted(raw, media, query.encode(errors="replace").decode())))
    except Misposted as refused:
        status = refused.status
    assert status in {0, 400, 406, 415}
