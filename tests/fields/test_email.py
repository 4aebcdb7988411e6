from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.fields.mailbox import mailbox
from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "user@domain.com",
            "user@domain.com",
            True,
            {
                "user": "user",
                "domain": "domain.com",
                "host": "domain",
                "tld": "com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "User@Domain.Com",
            "user@domain.com",
            True,
            {
                "user": "User",
                "domain": "Domain.Com",
                "host": "Domain",
                "tld": "Com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            " user@domain.com ",
            "user@domain.com",
            True,
            {
                "user": "user",
                "domain": "domain.com",
                "host": "domain",
                "tld": "com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "p. j. butter@gmail.com",
            "p.j.butter@gmail.com",
            True,
            {
                "user": "p.j.butter",
                "domain": "gmail.com",
                "host": "gmail",
                "tld": "com",
                "is_free": True,
                "is_disposable": False,
            },
        ),
        (
            "peace_carols@hotmail. Co",
            "peace_carols@hotmail.co",
            True,
            {
                "user": "peace_carols",
                "domain": "hotmail.Co",
                "host": "hotmail",
                "tld": "Co",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "a.b+c@mail.example.co.uk",
            "a.b+c@mail.example.co.uk",
            True,
            {
                "user": "a.b+c",
                "domain": "mail.example.co.uk",
                "host": "mail.example.co",
                "tld": "uk",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "Ada <ada@Example.com>",
            "ada@example.com",
            True,
            {
                "user": "ada",
                "domain": "Example.com",
                "host": "Example",
                "tld": "com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            '"Lovelace, Ada" <ada@example.com>',
            "ada@example.com",
            True,
            {
                "user": "ada",
                "domain": "example.com",
                "host": "example",
                "tld": "com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "ada@example.com (work)",
            "ada@example.com",
            True,
            {
                "user": "ada",
                "domain": "example.com",
                "host": "example",
                "tld": "com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "sales: a@b.c, d@e.f;",
            "a@b.c",
            True,
            {
                "user": "a",
                "domain": "b.c",
                "host": "b",
                "tld": "c",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            '"ada l"@x.com',
            '"ada l"@x.com',
            True,
            {
                "user": '"ada l"',
                "domain": "x.com",
                "host": "x",
                "tld": "com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "root@localhost",
            "root@localhost",
            True,
            {
                "user": "root",
                "domain": "localhost",
                "host": "localhost",
                "tld": "localhost",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "a@[1.2.3.4]",
            "a@[1.2.3.4]",
            True,
            {
                "user": "a",
                "domain": "[1.2.3.4]",
                "host": "[1.2.3",
                "tld": "4]",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        (
            "x@mailinator.com",
            "x@mailinator.com",
            True,
            {
                "user": "x",
                "domain": "mailinator.com",
                "host": "mailinator",
                "tld": "com",
                "is_free": True,
                "is_disposable": True,
            },
        ),
        (
            "x@sub.mailinator.com",
            "x@sub.mailinator.com",
            True,
            {
                "user": "x",
                "domain": "sub.mailinator.com",
                "host": "sub.mailinator",
                "tld": "com",
                "is_free": True,
                "is_disposable": True,
            },
        ),
        (
            "a@GMAIL.com",
            "a@gmail.com",
            True,
            {
                "user": "a",
                "domain": "GMAIL.com",
                "host": "GMAIL",
                "tld": "com",
                "is_free": False,
                "is_disposable": False,
            },
        ),
        ("Asdf", "Asdf", False, {}),
        ("a@b@c", "a@b@c", False, {}),
        ("a..b@c.d", "a..b@c.d", False, {}),
        ("a@b..c", "a@b..c", False, {}),
        ("@b.c", "@b.c", False, {}),
        ("a@", "a@", False, {}),
        ("John Doe john@x.com", "John Doe john@x.com", False, {}),
        ("mailto:a@b.c", "mailto:a@b.c", False, {}),
        ("ü@x.com", "ü@x.com", False, {}),
        ("a@ü.com", "a@ü.com", False, {}),
        ("a@b.c <d@e.f>", "a@b.c <d@e.f>", False, {}),
        ("", "", False, {}),
        (5, "5", False, {}),
        ({"foo": 42}, "[object Object]", False, {}),
    ],
)
def test_addresses_are_compared_without_regard_to_case(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["email"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)


@pytest.mark.parametrize(
    ("posted", "free", "disposable"),
    [
        ("ADA@GMAIL.COM", True, False),
        ("ada@gmail.COM", True, False),
        ("ada@YAHOO.CO.UK", True, False),
        ("ada@Gmail.com", False, False),
        ("ada@sub.gmail.com", True, False),
        ("ADA@MAILINATOR.NET", True, True),
        ("ada@MAILINATOR.com", False, False),
    ],
)
def test_a_provider_is_known_in_any_case_but_before_a_small_com(
    posted: str, free: bool, disposable: bool
) -> None:
    value = field_types["email"].value(posted, NOW)

    assert value is not None
    assert (value.attributes["is_free"], value.attributes["is_disposable"]) == (free, disposable)


@given(st.text("aZ0.@ \t'+<>(\"", max_size=12) | st.from_regex(r"[ \t]*[aB.+]+@[aB.+]+[ \t]*"))
def test_the_quick_way_reads_plain_addresses_as_the_grammar_does(text: str) -> None:
    value = field_types["email"].value(text, NOW)
    read = mailbox(text)

    assert value is not None
    assert value.valid is (read is not None)
    if read:
        assert (value.attributes["user"], value.attributes["domain"]) == read
        assert value.normal == "@".join(read).lower()
