from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "https://cert.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            "https://cert.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            True,
            {
                "type": None,
                "cert_id": "eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
                "is_masked": False,
                "is_web": False,
                "is_mobile": False,
                "is_facebook": False,
                "host": "cert.trustedform.com",
                "path": "/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            },
        ),
        (
            "https://CERT.trustedform.com/EB9FC4DD9BED9AD451A5648946CF4BF09B5BB947",
            "https://cert.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            True,
            {
                "type": None,
                "cert_id": "eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
                "is_masked": False,
                "is_web": False,
                "is_mobile": False,
                "is_facebook": False,
                "host": "cert.trustedform.com",
                "path": "/EB9FC4DD9BED9AD451A5648946CF4BF09B5BB947",
            },
        ),
        (
            "https://ping.trustedform.com/0.1JT7QUPI1s.fF0DNrov0zNUNVRCqDV5dw.E2eYOJ5-dnAgiX02-96FNQ",
            "https://ping.trustedform.com/0.1JT7QUPI1s.fF0DNrov0zNUNVRCqDV5dw.E2eYOJ5-dnAgiX02-96FNQ",
            True,
            {
                "type": None,
                "cert_id": "0.1JT7QUPI1s.fF0DNrov0zNUNVRCqDV5dw.E2eYOJ5-dnAgiX02-96FNQ",
                "is_masked": False,
                "is_web": False,
                "is_mobile": False,
                "is_facebook": False,
                "host": "ping.trustedform.com",
                "path": "/0.1JT7QUPI1s.fF0DNrov0zNUNVRCqDV5dw.E2eYOJ5-dnAgiX02-96FNQ",
            },
        ),
        (
            "https://cert.trustedform.com/11NgkzK_mroUbOD1-x66NigDliU1kdvbaCtLGvyja1K80vU1sKh9grlwP78v",
            "https://cert.trustedform.com/11NgkzK_mroUbOD1-x66NigDliU1kdvbaCtLGvyja1K80vU1sKh9grlwP78v",
            True,
            {
                "type": None,
                "cert_id": "11NgkzK_mroUbOD1-x66NigDliU1kdvbaCtLGvyja1K80vU1sKh9grlwP78v",
                "is_masked": False,
                "is_web": False,
                "is_mobile": False,
                "is_facebook": False,
                "host": "cert.trustedform.com",
                "path": "/11NgkzK_mroUbOD1-x66NigDliU1kdvbaCtLGvyja1K80vU1sKh9grlwP78v",
            },
        ),
        (
            "https://cert.staging.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            "https://cert.staging.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            True,
            {
                "type": None,
                "cert_id": "eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
                "is_masked": False,
                "is_web": False,
                "is_mobile": False,
                "is_facebook": False,
                "host": "cert.staging.trustedform.com",
                "path": "/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            },
        ),
        (
            "http://cert.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            "http://cert.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            False,
            {},
        ),
        (
            "https://cert.trustedform.com/asdfasdfasdf",
            "https://cert.trustedform.com/asdfasdfasdf",
            False,
            {},
        ),
        (
            "https://cert.trustedform.com.evil.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            "https://cert.trustedform.com.evil.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947",
            False,
            {},
        ),
        ("https://activeprospect.com", "https://activeprospect.com/", False, {}),
        ("two words", "two words", False, {}),
        ("", "", None, {}),
        ({"foo": 42}, "[object Object]", False, {}),
    ],
)
def test_certificates_of_the_hosts_of_trustedform_are_valid(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["trustedform_url"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
