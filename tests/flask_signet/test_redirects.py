"""`next` targets: what an attacker may write leads home, what this app serves is followed."""

from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Map, Rule

from flask_signet.redirects import HOME, MAX_LENGTH, is_local_path, safe_next

SITE = "https://www.example.com"
URLS = Map(
    [
        Rule("/", endpoint="pages.home"),
        Rule("/healthz", endpoint="pages.healthz"),
        Rule("/profile", endpoint="profiles.show"),
        Rule("/profile/delete", endpoint="profiles.delete", methods=["POST"]),
        Rule("/people", endpoint="profiles.people"),
        Rule("/notes/<name>", endpoint="notes.show"),
        Rule("/folder/", endpoint="notes.folder"),
        Rule("/login", endpoint="auth.login"),
        Rule("/logout", endpoint="auth.logout", methods=["POST"]),
        Rule("/static/<path:filename>", endpoint="static"),
    ]
).bind("www.example.com")

ATTACKS = {
    "two slashes": "//evil",
    "three slashes": "///evil",
    "four slashes": "////evil",
    "slash backslash": "/\\evil",
    "two backslashes": "\\\\evil",
    "slash backslash slash": "/\\/evil",
    "backslash slash": "\\/evil",
    "encoded tab": "/%09/evil",
    "tab": "/\t/evil",
    "line feed": "/\n/evil",
    "header splitting": "/\r\nSet-Cookie:a=b",
    "encoded header splitting": "/%0d%0aSet-Cookie:%20a=b",
    "scheme without slashes": "https:evil",
    "scheme with one slash": "https:/evil",
    "absolute": "https://evil",
    "absolute in capitals": "HTTPS://evil",
    "leading blank": " //evil",
    "leading NUL": "\0//evil",
    "leading SOH": "\x01https://evil",
    "script": "javascript:alert(1)",
    "script in mixed case": "JaVaScRiPt:alert(1)",
    "script with tab": "java\tscript:alert(1)",
    "data address": "data:text/html,x",
    "user part": "http://app@evil/",
    "user and password": "http://app:pw@evil",
    "user part without scheme": "//app@evil",
    "encoded parent": "//evil/%2f..",
    "parent then two slashes": "/..//evil",
    "dot then two slashes": "/.//evil",
    "folder, parent, two slashes": "/a/..//evil",
    "full-width dot": "//evil．example",  # noqa: RUF001 - the look-alike is the attack
    "fraction slash": "/⁄/evil",  # noqa: RUF001
    "full-width slashes": "／／evil",  # noqa: RUF001
    "IPv6 host": "//[::1]",
    "backslash before at": "//evil\\@app",
    "broken bracket": "http://[",
    "slashes and tab": "///\t/evil",
    "only a query": "?next=//evil",
    "only a fragment": "#//evil",
    "relative": "profile",
    "empty": "",
    "nested sign-in pages": "/login?next=/login?next=//evil",
    "sign-out": "/logout",
    "5,000 characters": "/" + "a" * 4999,
    "semicolon": "/profile;@evil",
}

MORE_ATTACKS = {
    "doubly encoded slash": "/%252fevil",
    "doubly encoded backslash": "/%255cevil",
    "encoded parent folder": "/%2e%2e/profile",
    "doubly encoded parent folder": "/%252e%252e/profile",
    "the site's name as a prefix": f"{SITE}.evil/profile",
    "the site's name, then a user part": f"{SITE}@evil/profile",
    "the site's name, then two slashes": f"{SITE}//evil",
    "another port of the site": f"{SITE}:8443/profile",
    "a page that only takes posts": "/profile/delete",
    "a page that is not there": "/nothing",
    "a static file": "/static/style.css",
    "the probe": "/healthz",
    "a redirect of the router": "/folder",
    "line separator": "/\u2028/evil",
    "encoded line separator": "/%E2%80%A8/evil",
    "encoded full-width slashes": "/%EF%BC%8F%EF%BC%8Fevil",
    "encoded NUL before slashes": "/%00//evil",
    "delete": "/\x7f/evil",
    "encoded header splitting behind a page": "/profile%0d%0aLocation:%20//evil",
    "blank behind a page": "/profile //evil",
    "line feed in the query": "/people?q=%0a//evil",
    "two slashes behind a decoded question mark": "/people%3Fq=//evil",
    "two slashes in the fragment": "/profile#//evil",
    "parent folder in a parameter": "/profile/..;/evil",
    "sign-in page in capitals": "/LOGIN",
    "sign-in page with a slash": "/login/",
    "encoded sign-in page": "/%6cogin",
    "doubly encoded sign-in page": "/%256cogin",
    "user part behind a dot": "/.@evil",
    "port behind a slash": "/:443/evil",
    "IPv6 behind a slash": "/[::1]",
    "another scheme's host": f"{SITE.replace('https', 'http')}/profile",
    "the site in capitals, then a user part": f"{SITE.upper()}@evil/",
    "one character too many": "/notes/" + "a" * (MAX_LENGTH - 6),
}

PAGES = [
    "/",
    "/profile",
    "/people?page=2",
    "/notes/a%20b",
    "/notes/a.b",
    "/profile#edit",
    "/people?q=.",
    "/people?q=//evil",
    "/people?u=https://evil.example/a%2f%2fb",
    "/people?q=a\\b",
]


@pytest.mark.parametrize(
    "payload", [*ATTACKS.values(), *MORE_ATTACKS.values()], ids=[*ATTACKS, *MORE_ATTACKS]
)
def test_an_attack_leads_home(payload: str) -> None:
    assert safe_next(payload, URLS, SITE) == HOME


def test_the_list_of_attacks_is_whole() -> None:
    assert len(ATTACKS) == 45


@pytest.mark.parametrize("target", PAGES)
def test_a_page_of_this_app_is_followed(target: str) -> None:
    assert safe_next(target, URLS) == target


@pytest.mark.parametrize("target", ["/profile", "/people?page=2", "/"])
def test_the_sites_own_address_may_stand_in_front(target: str) -> None:
    assert safe_next(f"{SITE}{target}", URLS, SITE) == target


def test_a_missing_target_leads_home() -> None:
    assert safe_next(None, URLS) == HOME


def test_the_longest_target_is_followed() -> None:
    target = "/notes/" + "a" * (MAX_LENGTH - 7)
    assert safe_next(target, URLS) == target


@given(st.text(alphabet="/\\.:@?#%;&= \t\r\n\x00\x0059abcdefFELprofile2", max_size=40))
def test_whatever_is_written_a_browser_stays_here(text: str) -> None:
    """Python's joining and splitting of addresses is the second opinion, after 0, 1 and 2 decodings."""
    if not is_local_path(text):
        return
    for decoded in (text, unquote(text), unquote(unquote(text))):
        joined = urlsplit(urljoin(f"{SITE}/login", decoded))
        assert (joined.scheme, joined.netloc) == ("https", "www.example.com")
        assert decoded.startswith("/")
        assert not decoded.startswith(("//", "/\\"))


@given(st.text(max_size=600))
def test_no_text_raises(text: str) -> None:
    assert safe_next(text, URLS, SITE).startswith("/")
