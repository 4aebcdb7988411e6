from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "https://google.com/search?q=hi#results",
            "https://google.com/search?q=hi#results",
            True,
            {
                "protocol": "https",
                "host": "google.com",
                "port": "",
                "path": "/search",
                "query": "q=hi",
                "hash": "#results",
            },
        ),
        (
            "    HTTPS://Google.com/search?q=hi#results     ",
            "https://google.com/search?q=hi#results",
            True,
            {
                "protocol": "https",
                "host": "google.com",
                "port": "",
                "path": "/search",
                "query": "q=hi",
                "hash": "#results",
            },
        ),
        (
            "centennialbulb.org",
            "http://centennialbulb.org/",
            True,
            {
                "protocol": "http",
                "host": "centennialbulb.org",
                "port": "",
                "path": "/",
                "query": "",
                "hash": "",
            },
        ),
        (
            "localhost:3000",
            "http://localhost:3000/",
            True,
            {
                "protocol": "http",
                "host": "localhost:3000",
                "port": "3000",
                "path": "/",
                "query": "",
                "hash": "",
            },
        ),
        (
            "whatever",
            "http://whatever/",
            True,
            {
                "protocol": "http",
                "host": "whatever",
                "port": "",
                "path": "/",
                "query": "",
                "hash": "",
            },
        ),
        (
            "172.0.0.1",
            "http://172.0.0.1/",
            True,
            {
                "protocol": "http",
                "host": "172.0.0.1",
                "port": "",
                "path": "/",
                "query": "",
                "hash": "",
            },
        ),
        (
            "https://x:443/",
            "https://x/",
            True,
            {"protocol": "https", "host": "x", "port": "", "path": "/", "query": "", "hash": ""},
        ),
        (
            "http://user:pw@x:8080/a b",
            "http://user:pw@x:8080/a%20b",
            True,
            {
                "protocol": "http",
                "host": "x:8080",
                "port": "8080",
                "path": "/a%20b",
                "query": "",
                "hash": "",
            },
        ),
        (
            "ünï.com",
            "http://xn--n-nga1b.com/",
            True,
            {
                "protocol": "http",
                "host": "xn--n-nga1b.com",
                "port": "",
                "path": "/",
                "query": "",
                "hash": "",
            },
        ),
        (
            "http://[::1]/",
            "http://[::1]/",
            True,
            {"protocol": "http", "host": "[::1]", "port": "", "path": "/", "query": "", "hash": ""},
        ),
        (
            "http://a/b/../c",
            "http://a/c",
            True,
            {"protocol": "http", "host": "a", "port": "", "path": "/c", "query": "", "hash": ""},
        ),
        ("https://", "https://", False, {}),
        ("donkey://google.com", "donkey://google.com", False, {}),
        ("ftp://x.com", "ftp://x.com", False, {}),
        ("javascript:alert(1)", "javascript:alert(1)", False, {}),
        ("two words", "two words", False, {}),
        ("http://x:99999", "http://x:99999", False, {}),
        ("http://999.1.1.1", "http://999.1.1.1", False, {}),
        ("", "", False, {}),
        (" ", " ", False, {}),
        ({"foo": 42}, "[object Object]", False, {}),
    ],
)
def test_addresses_are_read_as_browsers_read_them(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["url"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
