"""Browsers and systems in words, from the User-Agents that they really send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.account.user_agents import BROWSERS, SYSTEMS, UNKNOWN_BROWSER, device_words

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X)"
CHROME = "Chrome/143.0.0.0 Safari/537.36"

SENT = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0": "Firefox on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0": "Firefox on Windows",
    "Mozilla/5.0 (Android 15; Mobile; rv:147.0) Gecko/147.0 Firefox/147.0": "Firefox on Android",
    f"{IPHONE} {WEBKIT} FxiOS/147.0 Mobile/15E148 Safari/605.1.15": "Firefox on iPhone",
    f"{WINDOWS} {BLINK} {CHROME}": "Chrome on Windows",
    f"{MAC} {BLINK} {CHROME}": "Chrome on Mac or iPad",
    f"{LINUX} {BLINK} HeadlessChrome/143.0.0.0 Safari/537.36": "Chrome on Linux",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} {CHROME}": "Chrome on ChromeOS",
    f"{ANDROID} {BLINK} Chrome/143.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    f"{IPAD} {WEBKIT} CriOS/143.0.7499.92 Mobile/15E148 Safari/604.1": "Chrome on iPad",
    f"{WINDOWS} {BLINK} {CHROME} Edg/143.0.0.0": "Edge on Windows",
    f"{ANDROID} {BLINK} Chrome/143.0.0.0 Mobile Safari/537.36 EdgA/143.0.0.0": "Edge on Android",
    f"{IPHONE} {WEBKIT} Version/18.0 EdgiOS/143.0.0.0 Mobile/15E148 Safari/605.1.15": "Edge on iPhone",
    f"{WINDOWS} {BLINK} {CHROME} OPR/125.0.0.0": "Opera on Windows",
    f"{ANDROID} {BLINK} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": (
        "Samsung Internet on Android"
    ),
    f"{LINUX} {BLINK} {CHROME} Vivaldi/7.7": "Vivaldi on Linux",
    f"{WINDOWS} {BLINK} Chrome/142.0.0.0 YaBrowser/25.12.0.0 Safari/537.36": "Yandex Browser on Windows",
    f"{MAC} {WEBKIT} Version/18.6 Safari/605.1.15 Ddg/18.6": "DuckDuckGo on Mac or iPad",
    f"{MAC} {WEBKIT} Version/18.6 Safari/605.1.15": "Safari on Mac or iPad",
    f"{IPHONE} {WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1": "Safari on iPhone",
    # A page inside another app says which system it runs on, and nothing about a browser.
    f"{IPHONE} {WEBKIT} Mobile/15E148": "Unknown browser on iPhone",
    "python-httpx/0.28.1": "Unknown browser",
    "curl/8.11.1": "Unknown browser",
    "": "Unknown browser",
}


@pytest.mark.parametrize(("user_agent", "words"), SENT.items())
def test_a_browser_is_called_by_its_name(user_agent: str, words: str) -> None:
    assert device_words(user_agent) == words


@given(st.text() | st.sampled_from([mark for mark, _ in BROWSERS + SYSTEMS]))
def test_nothing_of_what_was_sent_is_shown(text: str) -> None:
    browser, _, system = device_words(text).partition(" on ")
    assert browser in {UNKNOWN_BROWSER, *(name for _, name in BROWSERS)}
    assert system in {"", *(name for _, name in SYSTEMS)}
