from __future__ import annotations

import pytest

from pointsman.http.outcomes import acceptable, content, respond
from pointsman.http.parameters import Misposted

LEAD = "5fd4371e940df5a34a3888b2"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
ACCEPTED = [
    (None, "application/json"),
    ("", "application/json"),
    ("*/*", "application/json"),
    ("application/*", "application/json"),
    ("application/xml", "application/xml"),
    ("text/xml", "text/xml"),
    ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
    ("application/json;q=0.1, application/xml;q=0.9", "application/xml"),
    ("text/html, application/json", "application/json"),
    ("application/json;q=0, */*", "application/xml"),
    (BROWSER, "application/xml"),
    ("APPLICATION/XML", "application/xml"),
    ("application/json, text/xml", "text/xml"),
    ("application/xml, */*", "application/xml"),
    ("text/xml;q=0.1, */*", "application/json"),
    ("text/html, *; q=.2", "application/json"),
    ("application/json;q=high", "application/json"),
]


@pytest.mark.parametrize(("accept", "media"), ACCEPTED)
def test_the_answer_takes_the_form_that_is_wanted_most(accept: str | None, media: str) -> None:
    assert acceptable(accept) == media


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "image/png", "nonsense", ";;,"])
def test_what_cannot_be_made_is_refused(accept: str) -> None:
    with pytest.raises(Misposted, match="Not capable of generating content") as refused:
        acceptable(accept)
    assert refused.value.status == 406


def test_json_has_its_keys_in_order_and_no_reason_where_there_is_none() -> None:
    accepted = respond(content("success", None, 0, LEAD), "application/json", 201, None)
    assert accepted.body == f'{{"outcome":"success","lead":{{"id":"{LEAD}"}},"price":0}}'.encode()
    ping = respond(content("failure", "no bid", 0, None), "application/json", 200, None)
    assert ping.body == b'{"outcome":"failure","reason":"no bid","price":0}'


def test_xml_is_indented_and_escaped_and_holds_no_character_that_xml_forbids() -> None:
    told = content("failure", "a < b & \x00 c > d\r", 1.5, "5fd4371e940df5a34a3888b2")
    answered = respond(told, "text/xml", 201, None)
    assert answered.headers["Content-Type"] == "text/xml"
    assert answered.body == (
        b'<?xml version="1.0"?>\n<result>\n  <outcome>failure</outcome>\n'
        b"  <reason>a &lt; b &amp;  c &gt; d&#xD;</reason>\n"
        b"  <lead>\n    <id>5fd4371e940df5a34a3888b2</id>\n  </lead>\n"
        b"  <price>1.5</price>\n</result>"
    )


def test_a_form_is_flat() -> None:
    told = content("success", None, 2, "5fd4371e940df5a34a3888b2")
    answered = respond(told, "application/x-www-form-urlencoded", 201, None)
    assert answered.body == b"outcome=success&lead.id=5fd4371e940df5a34a3888b2&price=2"


def test_a_redirect_has_the_same_body() -> None:
    answered = respond(
        content("success", None, 0, None), "application/json", 200, "https://a.example/"
    )
    assert (answered.status, answered.headers["Location"]) == (303, "https://a.example/")
    assert answered.body == b'{"outcome":"success","price":0}'
