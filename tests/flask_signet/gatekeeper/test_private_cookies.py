"""Private session cookies: sealed, bound to their name, whole or nothing, and never a reason to fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response
from werkzeug.http import dump_cookie, parse_cookie

from flask_signet.gatekeeper.cookies import MAX_AGE, Reading, Sent, StoredSession
from flask_signet.gatekeeper.errors import SessionTooLarge
from flask_signet.gatekeeper.private_cookies import CookieCipher, PrivateCookies
from flask_signet.gatekeeper.tokens import SessionTokens
from tests.support.verified import CLAIMS

SITE = "http://127.0.0.1:8000"
NAME = "sb-8000"
SECRET = "a-secret-key-of-more-than-32-bytes-for-tests"
SESSION = StoredSession(
    SessionTokens("header.payload.signature", "refresh-token"), signed_in_at=1_700_000_000
)
LONG = StoredSession(SessionTokens("h." + "p" * 4000 + ".s", "refresh-token"), signed_in_at=1)
SESSION_OF_CHUNKS = StoredSession(SessionTokens("h." + "q" * 4000 + ".s", "refresh-token"), signed_in_at=2)


def cookies(secrets: tuple[str, ...] = (SECRET,), site: str = SITE) -> PrivateCookies:
    return PrivateCookies(site, CookieCipher(secrets))


def sent(prepared: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in prepared.items()}


def as_browser_sends(prepared: dict[str, str]) -> Sent:
    header = "; ".join(dump_cookie(name, value, path=None) for name, value in prepared.items())
    return parse_cookie(header).to_dict(flat=False)


def set_cookies(response: Response) -> list[str]:
    return response.headers.getlist("Set-Cookie")


@pytest.mark.parametrize("session", [SESSION, LONG], ids=["one_cookie", "chunks"])
def test_what_was_written_is_read_again(session: StoredSession) -> None:
    prepared = cookies().prepare(session, CLAIMS)
    assert cookies().read(as_browser_sends(prepared)) == Reading(session)


def test_a_response_carries_the_whole_cookie_with_every_attribute() -> None:
    response = Response()
    cookies().write(response, {NAME: "value"}, {})
    (line,) = set_cookies(response)
    attributes = set(line.split("; "))
    assert attributes >= {f"{NAME}=value", f"Max-Age={MAX_AGE}", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert "Secure" not in attributes
    assert not any(attribute.startswith("Domain") for attribute in attributes)


def test_on_https_the_cookie_is_bound_to_the_host_and_secure() -> None:
    site = cookies(site="https://www.example.com")
    prepared = site.prepare(SESSION, CLAIMS)
    assert set(prepared) == {"__Host-sb"}
    response = Response()
    site.write(response, prepared, {})
    (line,) = set_cookies(response)
    assert "; Secure" in line
    assert "; Path=/" in line
    assert "Domain" not in line


def test_two_apps_on_one_loopback_host_do_not_share_a_cookie() -> None:
    assert set(cookies(site="http://127.0.0.1:8001").prepare(SESSION, CLAIMS)) == {"sb-8001"}


def test_tokens_are_not_readable_in_the_cookie() -> None:
    (value,) = cookies().prepare(SESSION, CLAIMS).values()
    assert "refresh" not in value
    assert value != cookies().prepare(SESSION, CLAIMS)[NAME], (
        "the same session is sealed differently each time"
    )


def test_a_cookie_of_another_key_is_no_session() -> None:
    prepared = cookies(("another-secret-key-of-more-than-32-bytes",)).prepare(SESSION, CLAIMS)
    assert cookies().read(sent(prepared)) == Reading(is_unreadable=True)


def test_a_former_key_still_opens_and_asks_to_be_replaced() -> None:
    prepared = cookies().prepare(SESSION, CLAIMS)
    rotated = cookies(("a-new-secret-key-of-more-than-32-bytes-now", SECRET))
    assert rotated.read(sent(prepared)) == Reading(SESSION, is_outdated=True)


def test_a_value_sealed_under_another_name_is_no_session() -> None:
    (value,) = cookies(site="http://127.0.0.1:9999").prepare(SESSION, CLAIMS).values()
    assert cookies().read({NAME: [value]}) == Reading(is_unreadable=True)


@pytest.mark.parametrize("order", [0, 1])
def test_of_two_cookies_with_one_name_the_one_that_decrypts_is_read(order: int) -> None:
    values = ["a cookie of a sibling subdomain"]
    values.insert(order, cookies().prepare(SESSION, CLAIMS)[NAME])
    assert cookies().read({NAME: values}) == Reading(SESSION)


def test_two_sets_of_chunks_are_two_sessions() -> None:
    old, new = cookies().prepare(LONG, CLAIMS), cookies().prepare(SESSION_OF_CHUNKS, CLAIMS)
    both = {name: [old[name], new[name]] for name in old}
    assert cookies().read(both).sessions == (LONG, SESSION_OF_CHUNKS)


def test_with_a_domain_the_cookie_is_shared_by_its_subdomains() -> None:
    site = PrivateCookies("https://www.example.com", CookieCipher((SECRET,)), "example.com")
    prepared = site.prepare(SESSION, CLAIMS)
    assert set(prepared) == {"__Secure-sb"}, "browsers refuse __Host- with a domain"
    response = Response()
    site.write(response, prepared, {})
    (line,) = set_cookies(response)
    assert "Domain=example.com" in line.split("; ")
    assert "Secure" in line.split("; ")


def test_with_a_domain_a_cookie_from_before_is_expired_too() -> None:
    site = PrivateCookies("https://www.example.com", CookieCipher((SECRET,)), "example.com")
    response = Response()
    site.clear(response, {"__Secure-sb": ["old", "new"]})
    assert sorted("Domain=example.com" in line for line in set_cookies(response)) == [False, True]
    response = Response()
    site.write(response, {"__Secure-sb": "newest"}, {"__Secure-sb": ["old", "new"]})
    assert [line.partition(";")[0] for line in set_cookies(response)] == [
        "__Secure-sb=",
        "__Secure-sb=newest",
    ]


def test_chunks_of_two_generations_are_no_session() -> None:
    old, new = cookies().prepare(LONG, CLAIMS), cookies().prepare(LONG, CLAIMS)
    mixed = {f"{NAME}.0": [old[f"{NAME}.0"]], f"{NAME}.1": [new[f"{NAME}.1"]]}
    assert cookies().read(mixed) == Reading(is_unreadable=True)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_chunk_is_no_session(missing: int) -> None:
    prepared = cookies().prepare(LONG, CLAIMS)
    del prepared[f"{NAME}.{missing}"]
    assert cookies().read(sent(prepared)) == Reading(is_unreadable=True)


def test_the_layout_changes_without_leaving_anything_behind() -> None:
    long = cookies().prepare(LONG, CLAIMS)
    response = Response()
    cookies().write(response, cookies().prepare(SESSION, CLAIMS), {**sent(long), f"{NAME}.7": ["stray"]})
    expired = {line.split("=")[0] for line in set_cookies(response) if "Max-Age=0" in line}
    assert expired == {f"{NAME}.0", f"{NAME}.1", f"{NAME}.7"}
    response = Response()
    cookies().write(response, long, {NAME: ["old"]})
    assert [line.split("=")[0] for line in set_cookies(response)] == [NAME, f"{NAME}.0", f"{NAME}.1"]


@pytest.mark.parametrize(
    "name",
    [
        "__host-sb",
        "__HOST-SB",
        "__Secure-sb",
        "sb",
        "sb-443",
        "__Host-sb.",
        "__Host-sb.00",
        "__Host-sb-0",
        "x__Host-sb",
    ],
)
def test_a_name_that_browsers_do_not_guard_holds_no_session(name: str) -> None:
    """Browsers let only this host set ``__Host-``; a name that merely looks like it, anybody can set."""
    site = cookies(site="https://www.example.com")
    value = site.prepare(SESSION, CLAIMS)["__Host-sb"]
    assert site.read({name: [value]}).session is None
    assert site.read({name: ["x"], "__Host-sb": [value]}).session == SESSION


def test_clearing_expires_what_was_sent_and_nothing_else() -> None:
    response = Response()
    cookies().clear(response, {NAME: ["x"], "sb-8001": ["x"], "sb-80000": ["x"], f"{NAME}.x": ["x"]})
    assert [line.split("=")[0] for line in set_cookies(response)] == [NAME]
    response = Response()
    cookies().clear(response, {})
    assert set_cookies(response) == []


def test_tokens_that_no_browser_or_server_would_take_are_refused_before_writing() -> None:
    huge = StoredSession(SessionTokens("t" * 8000, "r"), 0)
    with pytest.raises(SessionTooLarge):
        cookies().prepare(huge, CLAIMS)


@pytest.mark.parametrize("session", [SESSION, LONG])
def test_no_cookie_exceeds_what_browsers_keep(session: StoredSession) -> None:
    for name, value in cookies().prepare(session, CLAIMS).items():
        assert len(name) + len(value) <= 4096


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b'["a"]', b'["a","b"]', b'["a","b","c"]', b"[1,2,3]", b'{"a":1}', b"\xff"],
)
def test_a_sealed_value_of_another_layout_is_no_session(content: bytes) -> None:
    value = CookieCipher((SECRET,)).encrypt(content, NAME)
    assert cookies().read({NAME: [value]}) == Reading(is_unreadable=True)


@given(st.dictionaries(st.sampled_from([NAME, f"{NAME}.0", f"{NAME}.1", f"{NAME}.2"]), st.lists(st.text())))
def test_any_cookies_are_read_without_an_error(values: dict[str, list[str]]) -> None:
    assert cookies().read(values).session is None


@given(st.data())
def test_a_changed_cookie_is_no_session(data: st.DataObject) -> None:
    fixed = PrivateCookies(SITE, CookieCipher((SECRET,), random_bytes=bytes))  # no randomness
    value = fixed.prepare(SESSION, CLAIMS)[NAME]
    position = data.draw(st.integers(0, len(value) - 2))  # the last character holds unused bits
    character = data.draw(st.sampled_from("ABCabc012-_").filter(lambda c: c != value[position]))
    changed = value[:position] + character + value[position + 1 :]
    assert cookies().read({NAME: [changed]}).session is None


def test_a_seal_holds_any_value() -> None:
    value = json.dumps(["🙂", None]).encode()
    assert CookieCipher((SECRET,)).decrypt(CookieCipher((SECRET,)).encrypt(value, "n"), "n") == (value, True)
