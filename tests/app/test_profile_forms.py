"""Addresses of pictures: https only, and nothing that two readers would take apart differently."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.profiles.forms import is_picture_address


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/me.png",
        "https://example.com:8443/a/b.jpg?size=80&crop=1",
        "https://xn--bcher-kva.example/%C3%BC.png",
        "https://[2001:db8::1]/me.png",
    ],
)
def test_an_https_address_is_one(text: str) -> None:
    assert is_picture_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com/me.png",
        "//example.com/me.png",
        "example.com/me.png",
        "/me.png",
        "https:",
        "https://",
        "https:///me.png",
        "https:example.com/me.png",
        "https://user@example.com/me.png",
        "https://user:password@example.com/me.png",
        "https://example.com:port/me.png",
        "https://[::1/me.png",
        "https://example.com/me png",
        "https://example.com\\@evil.example/",
        'https://example.com/"onerror="alert(1)',
        "https://example.com/<script>",
        "https://bücher.example/me.png",
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "blob:https://example.com/1",
        "file:///etc/passwd",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_picture_address(text)


@given(st.text(alphabet="https:/\\@[]#?.%&'\"<> abc123\t\n", max_size=40))
def test_what_passes_is_an_https_url_with_a_host(text: str) -> None:
    if is_picture_address(text):
        parts = urlsplit(text)
        assert parts.scheme == "https"
        assert parts.hostname
        assert parts.username is None
