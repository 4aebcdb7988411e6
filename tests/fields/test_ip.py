from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "198.51.90.161",
            "198.51.90.161",
            True,
            {"is_ipv4": True, "ipv6_format": "ffff::c633:5aa1"},
        ),
        (
            "198.51.90.161/32",
            "198.51.90.161",
            True,
            {"is_ipv4": True, "ipv6_format": "ffff::c633:5aa1"},
        ),
        (
            "http://198.51.90.161:32",
            "198.51.90.161",
            True,
            {"is_ipv4": True, "ipv6_format": "ffff::c633:5aa1"},
        ),
        (
            "    198. 51. 90. 161     ",
            "198.51.90.161",
            True,
            {"is_ipv4": True, "ipv6_format": "ffff::c633:5aa1"},
        ),
        (
            "user:pw@1.2.3.4/path?x",
            "1.2.3.4",
            True,
            {"is_ipv4": True, "ipv6_format": "ffff::102:304"},
        ),
        ("127.0.0.1", "127.0.0.1", True, {"is_ipv4": True, "ipv6_format": "ffff::7f00:1"}),
        ("224.0.0.1", "224.0.0.1", True, {"is_ipv4": True, "ipv6_format": "ffff::e000:1"}),
        ("0.0.0.0", "0.0.0.0", True, {"is_ipv4": True, "ipv6_format": "ffff::"}),
        ("010.1.1.1", "8.1.1.1", True, {"is_ipv4": True, "ipv6_format": "ffff::801:101"}),
        (
            "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9",
            "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9",
            True,
            {"is_ipv4": False, "ipv6_format": "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9"},
        ),
        (
            "  http://[8faa:    230d:52ab:98f3:a2ea:    7735:a7b8:72e9]:32 ",
            "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9",
            True,
            {"is_ipv4": False, "ipv6_format": "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9"},
        ),
        (
            "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9:32",
            "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9",
            True,
            {"is_ipv4": False, "ipv6_format": "8faa:230d:52ab:98f3:a2ea:7735:a7b8:72e9"},
        ),
        (
            "[0000:0000:0000:0000:0000:0000:0000:0001]",
            "::1",
            True,
            {"is_ipv4": False, "ipv6_format": "::1"},
        ),
        (
            "2001:0DB8:0:0:1:0:0:1",
            "2001:db8::1:0:0:1",
            True,
            {"is_ipv4": False, "ipv6_format": "2001:db8::1:0:0:1"},
        ),
        ("::", "::", True, {"is_ipv4": False, "ipv6_format": "::"}),
        (
            "[ffff::186.25.192.233]",
            "ffff::ba19:c0e9",
            True,
            {"is_ipv4": False, "ipv6_format": "ffff::ba19:c0e9"},
        ),
        (
            "::ffff:186.25.192.233",
            "::ffff:ba19:c0e9",
            True,
            {"is_ipv4": False, "ipv6_format": "::ffff:ba19:c0e9"},
        ),
        ("0.0.0.1", "0.0.0.1", True, {"is_ipv4": True, "ipv6_format": "ffff::1"}),
        ("0.1.0.0", "0.1.0.0", True, {"is_ipv4": True, "ipv6_format": "ffff::1:0"}),
        ("256.4.5.6", "256.4.5.6", False, {}),
        ("1.2.3", "1.2.3", False, {}),
        ("1.2.3.4:99999", "1.2.3.4:99999", False, {}),
        ("fe80:2030:31:24", "fe80:2030:31:24", False, {}),
        ("56FE::2159:5BBC::6594", "56FE::2159:5BBC::6594", False, {}),
        ("::GG", "::GG", False, {}),
        ("fe80::1%eth0", "fe80::1%eth0", False, {}),
        ("https://google.com", "https://google.com", False, {}),
        ("", "", False, {}),
        (" ", " ", False, {}),
        ({"foo": 42}, "[object Object]", False, {}),
    ],
)
def test_all_around_an_address_is_dropped(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["ip"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)


@pytest.mark.parametrize("other", [0, 1, 9, 15, 16, 255])
def test_the_quick_way_reads_every_byte_as_the_long_one(other: int) -> None:
    """With a port, even a blank one, an address is taken apart and put together again."""
    for byte in range(256):
        for one in (f"{byte}.{other}.{other}.{byte}", f"{other}.{byte}.{byte}.{other}"):
            assert _told(one) == _told(f"{one}:"), one


@given(st.lists(st.from_regex(r"[0-9\u0661]{0,4}", fullmatch=True), min_size=3, max_size=5))
def test_the_quick_way_reads_no_other_dotted_text(parts: list[str]) -> None:
    """Octal bytes, bytes beyond 255, too many or foreign digits: judged as with a port."""
    text = ".".join(parts)
    normal, valid, attributes = _told(f"{text}:")

    assert _told(text) == (normal if valid else text, valid, attributes)


def _told(text: str) -> tuple[Any, ...]:
    value = field_types["ip"].value(text, NOW)
    assert value is not None
    return value.normal, value.valid, value.attributes
