"""The cross-site request check by Sec-Fetch-Site and Origin."""

from __future__ import annotations

import pytest

from flask_signet.origin import is_allowed

OWN = ("https://www.example.com",)
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

CASES = [
    ("POST from our own form", "POST", {"Sec-Fetch-Site": "same-origin"}, True),
    ("POST after a reload", "POST", {"Sec-Fetch-Site": "none"}, True),
    ("POST from another site", "POST", {"Sec-Fetch-Site": "cross-site"}, False),
    ("POST from a sister site", "POST", {"Sec-Fetch-Site": "same-site"}, False),
    ("POST by navigation from another site", "POST", {"Sec-Fetch-Site": "cross-site", **NAVIGATION}, False),
    ("POST with an unknown word", "POST", {"Sec-Fetch-Site": "elsewhere"}, False),
    ("POST with an empty word", "POST", {"Sec-Fetch-Site": ""}, False),
    (
        "cross-site wins over a right origin",
        "POST",
        {"Sec-Fetch-Site": "cross-site", "Origin": OWN[0]},
        False,
    ),
    ("old browser, our origin", "POST", {"Origin": OWN[0]}, True),
    ("old browser, other origin", "POST", {"Origin": "https://evil.example"}, False),
    ("old browser, other scheme", "POST", {"Origin": "http://www.example.com"}, False),
    ("old browser, other port", "POST", {"Origin": "https://www.example.com:8443"}, False),
    ("old browser, null origin", "POST", {"Origin": "null"}, False),
    ("old browser, origin as a prefix", "POST", {"Origin": "https://www.example.com.evil"}, False),
    ("no browser", "POST", {}, True),
    ("DELETE from another site", "DELETE", {"Sec-Fetch-Site": "cross-site"}, False),
    ("unknown method from another site", "PURGE", {"Sec-Fetch-Site": "cross-site"}, False),
    ("a link on another site", "GET", {"Sec-Fetch-Site": "cross-site", **NAVIGATION}, True),
    ("a link in a mail", "GET", {"Sec-Fetch-Site": "none", **NAVIGATION}, True),
    (
        "a picture on another site",
        "GET",
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        False,
    ),
    (
        "a frame on another site",
        "GET",
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        False,
    ),
    ("a script of a sister site", "GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, False),
    ("GET without a word", "GET", {}, True),
    ("HEAD without a word", "HEAD", {}, True),
]


@pytest.mark.parametrize(
    ("method", "headers", "allowed"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_headers_decide_whether_a_request_is_allowed(
    method: str, headers: dict[str, str], allowed: bool
) -> None:
    assert is_allowed(method, headers, OWN) is allowed
