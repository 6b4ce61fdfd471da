"""Shared session cookies behave as those of @supabase/ssr 0.12; the numbers are those of its behaviours."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from flask_signet.gatekeeper.cookies import Reading, StoredSession
from flask_signet.gatekeeper.errors import SessionTooLarge
from flask_signet.gatekeeper.shared_cookies import SharedCookies, storage_key
from flask_signet.gatekeeper.tokens import SessionTokens
from tests.support.verified import CLAIMS

KEY = "sb-abcd-auth-token"
COOKIES = SharedCookies("https://www.example.com", "https://abcd.supabase.co")
USER = {"id": str(CLAIMS.user_id), "email": "alice@example.com", "user_metadata": {"name": "Аня 🙂"}}
TOKENS = SessionTokens("header.payload.signature", "refresh", USER)
SESSION = StoredSession(TOKENS, signed_in_at=0)
OTHER = StoredSession(SessionTokens("other", "other-refresh"), 0)
LONGER = StoredSession(SessionTokens("h." + "p" * 3000 + ".s", "refresh", USER), 0)
LONGEST = StoredSession(SessionTokens("h." + "q" * 4600 + ".s", "refresh", USER), 0)  # three chunks


def encode(document: Any) -> str:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return "base64-" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sent(prepared: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in prepared.items()}


def written(session: StoredSession, before: dict[str, list[str]]) -> dict[str, str]:
    """Return Set-Cookie lines by name; an expired one reads as "expired"."""
    response = Response()
    COOKIES.write(response, COOKIES.prepare(session, CLAIMS), before)
    lines = response.headers.getlist("Set-Cookie")
    return {line.split("=")[0]: "expired" if "Max-Age=0" in line else line for line in lines}


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://abcd.supabase.co", "sb-abcd-auth-token"),
        ("http://127.0.0.1:54321", "sb-127-auth-token"),
        ("http://localhost:54321", "sb-localhost-auth-token"),
        ("https://auth.example.com", "sb-auth-auth-token"),
        ("http://[::1]:54321", "sb-1-auth-token"),
    ],
)
def test_the_name_comes_from_the_first_label_of_the_api_host(url: str, key: str) -> None:
    assert storage_key(url) == key


def test_the_value_is_what_a_browser_client_expects() -> None:
    (value,) = COOKIES.prepare(SESSION, CLAIMS).values()
    encoded = value.removeprefix("base64-")
    document = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    assert document == {
        "access_token": "header.payload.signature",
        "token_type": "bearer",
        "expires_in": 3600,
        "expires_at": CLAIMS.expires_at,
        "refresh_token": "refresh",
        "user": USER,
    }


def test_attributes_are_those_of_the_original_and_secure_on_https() -> None:
    line = written(SESSION, {})[KEY]
    attributes = set(line.split("; ")[1:])
    assert attributes >= {"Secure", "Path=/", "SameSite=Lax", "Max-Age=34560000"}
    assert "HttpOnly" not in attributes, "a browser client has to read it"


def test_no_cookies_are_no_session() -> None:
    assert COOKIES.read({}) == Reading()
    assert COOKIES.read({"other": ["x"], "sb-other-auth-token": ["x"]}) == Reading()


def test_a_session_that_grew_moves_into_chunks() -> None:
    changes = written(LONGER, sent(COOKIES.prepare(SESSION, CLAIMS)))
    assert changes[KEY] == "expired"
    assert set(changes) == {KEY, f"{KEY}.0", f"{KEY}.1"}


def test_a_chunk_too_many_is_expired() -> None:
    before = sent(COOKIES.prepare(LONGEST, CLAIMS))
    assert set(before) == {f"{KEY}.0", f"{KEY}.1", f"{KEY}.2"}
    assert written(LONGER, before)[f"{KEY}.2"] == "expired"


def test_a_session_that_shrank_moves_back_into_one_cookie() -> None:
    changes = written(SESSION, sent(COOKIES.prepare(LONGER, CLAIMS)))
    assert changes[f"{KEY}.0"] == changes[f"{KEY}.1"] == "expired"
    assert changes[KEY] != "expired"


def test_a_stray_chunk_is_expired_too() -> None:
    assert written(SESSION, {f"{KEY}.5": ["x"]})[f"{KEY}.5"] == "expired"


@pytest.mark.parametrize("name", [f"{KEY}.01", f"{KEY}.x", f"{KEY}.", f"{KEY}x", f"{KEY}-code-verifier"])
def test_other_names_are_left_alone(name: str) -> None:
    assert set(written(SESSION, {name: ["x"]})) == {KEY}


def test_the_whole_cookie_wins_over_chunks() -> None:
    before = sent(COOKIES.prepare(SESSION, CLAIMS)) | {f"{KEY}.0": ["junk"]}
    assert COOKIES.read(before).session == SESSION


@pytest.mark.parametrize("gone", [0, 1])
def test_a_gap_in_the_chunks_is_no_session(gone: int) -> None:
    before = sent(COOKIES.prepare(LONGEST, CLAIMS))
    del before[f"{KEY}.{gone}"]
    assert COOKIES.read(before) == Reading(is_unreadable=True)


def test_chunks_of_two_generations_are_no_session() -> None:
    old = sent(COOKIES.prepare(LONGER, CLAIMS))
    new = sent(COOKIES.prepare(LONGEST, CLAIMS))
    mixed = {f"{KEY}.0": old[f"{KEY}.0"], f"{KEY}.1": new[f"{KEY}.1"]}
    assert COOKIES.read(mixed) == Reading(is_unreadable=True)


@pytest.mark.parametrize(
    "value",
    [
        "base64-!!!!",
        "base64-" + "A" * 5,
        "base64-",
        "base64-e30+/",
        encode(b"\xff\xfe"),
        encode(b"not json"),
        encode([]),
        encode("text"),
        encode(None),
        encode({}),
        encode({"access_token": "a"}),
        encode({"access_token": 1, "refresh_token": "r"}),
        encode(b"[" * 5000),
        "",
        "%ff",
        "%7B",
        "null",
        "plain",
    ],
    ids=repr,
)
def test_what_cannot_be_decoded_is_no_session(value: str) -> None:
    assert COOKIES.read({KEY: [value]}) == Reading(is_unreadable=True)


@pytest.mark.parametrize("quoting", [str, quote], ids=["plain", "percent_encoded"])
def test_raw_json_of_an_old_version_is_read(quoting: Any) -> None:
    text = quoting(json.dumps({"access_token": "a", "refresh_token": "r", "user": USER}))
    session = COOKIES.read({KEY: [text]}).session
    assert session is not None
    assert session.tokens == SessionTokens("a", "r", USER)


def test_an_unchanged_value_writes_nothing() -> None:
    for session in (SESSION, LONGER):
        assert written(session, sent(COOKIES.prepare(session, CLAIMS))) == {}


def test_clearing_expires_each_cookie_that_was_sent_once_and_sets_no_domain() -> None:
    response = Response()
    COOKIES.clear(response, {f"{KEY}.0": ["x"], f"{KEY}.1": ["x"]})
    lines = response.headers.getlist("Set-Cookie")
    assert [line.split("=")[0] for line in lines] == [f"{KEY}.0", f"{KEY}.1"]
    assert not any("Domain" in line for line in lines)
    response = Response()
    COOKIES.clear(response, {"other": ["x"]})
    assert response.headers.getlist("Set-Cookie") == []


@pytest.mark.parametrize("padding", range(8))
def test_text_of_many_bytes_survives_a_chunk_border(padding: int) -> None:
    user = {"user_metadata": {"name": "x" * padding + "Ж🙂" * 600}}
    session = StoredSession(SessionTokens("a.b.c", "r", user), 0)
    prepared = COOKIES.prepare(session, CLAIMS)
    assert len(prepared) > 1
    assert max(map(len, prepared.values())) <= 3180
    assert COOKIES.read(sent(prepared)).session == session


@given(st.dictionaries(st.sampled_from([KEY, f"{KEY}.0", f"{KEY}.1"]), st.lists(st.text(), min_size=1)))
def test_any_cookies_are_read_without_an_error(values: dict[str, list[str]]) -> None:
    COOKIES.read(values)


def test_two_cookies_of_one_name_are_two_sessions_in_their_order() -> None:
    old, new = COOKIES.prepare(OTHER, CLAIMS)[KEY], COOKIES.prepare(SESSION, CLAIMS)[KEY]
    assert COOKIES.read({KEY: [old, "junk", new]}).sessions == (OTHER, SESSION)


def test_an_old_whole_cookie_beside_new_chunks_is_a_second_session() -> None:
    both = {**sent(COOKIES.prepare(OTHER, CLAIMS)), **sent(COOKIES.prepare(LONGER, CLAIMS))}
    assert COOKIES.read(both).sessions == (OTHER, LONGER)


def test_old_and_new_chunks_of_different_lengths_are_two_sessions() -> None:
    longest, longer = COOKIES.prepare(LONGEST, CLAIMS), COOKIES.prepare(LONGER, CLAIMS)
    both = {name: [value for one in (longest, longer) if (value := one.get(name))] for name in longest}
    assert COOKIES.read(both).sessions == (LONGEST, LONGER)


def test_a_session_that_is_too_large_is_stored_without_the_user() -> None:
    user = {"user_metadata": {"biography": "x" * 5000}}
    prepared = COOKIES.prepare(StoredSession(SessionTokens("t" * 4000, "r", user), 0), CLAIMS)
    assert COOKIES.read(sent(prepared)).session == StoredSession(SessionTokens("t" * 4000, "r"), 0)
    with pytest.raises(SessionTooLarge):
        COOKIES.prepare(StoredSession(SessionTokens("t" * 8000, "r", user), 0), CLAIMS)
