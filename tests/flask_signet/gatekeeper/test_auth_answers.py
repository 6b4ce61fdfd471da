"""What each answer of Auth to a refresh means for the person whose session it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_signet.gatekeeper.auth_http import DEAD_CODES, Answer, retry_after, tokens_from
from flask_signet.gatekeeper.errors import (
    SESSION_END_WORDS,
    AuthMisconfigured,
    AuthUnavailable,
    GatekeeperError,
    SessionEnded,
)
from flask_signet.gatekeeper.tokens import SessionTokens

NOW = 1_700_000_000.0
PAIR = {"access_token": "a", "refresh_token": "r"}
EXPIRED = "Invalid Refresh Token: Session Expired"


def test_a_good_answer_gives_the_pair() -> None:
    assert tokens_from(Answer(200, {**PAIR, "user": {"id": "x"}}), NOW) == SessionTokens(
        "a", "r", {"id": "x"}
    )


@pytest.mark.parametrize(
    ("status", "code", "message", "reason"),
    [
        (400, "refresh_token_not_found", "", "ended_elsewhere"),
        (400, "refresh_token_already_used", "", "reused"),
        (400, "session_expired", EXPIRED, "timebox"),
        (400, "session_expired", f"{EXPIRED} (Inactivity)", "inactivity"),
        (400, "session_expired", f"{EXPIRED} (Revoked by Newer Login)", "newer_login"),
        (400, "session_expired", f"{EXPIRED} (Low AAL: User Needs MFA Verification)", "timebox"),
        (400, "session_not_found", "", "ended_elsewhere"),
        (403, "session_not_found", "", "ended_elsewhere"),
        (400, "user_banned", "", "banned"),
        (403, "user_banned", "", "banned"),
        (403, "user_not_found", "", "unknown_user"),
        (400, "validation_failed", "", "invalid"),
    ],
)
@pytest.mark.parametrize("shape", ["new", "old"])
def test_a_dead_session_is_ended_with_its_reason(
    status: int, code: str, message: str, reason: str, shape: str
) -> None:
    body: dict[str, Any] = {"code": code, "message": message}
    if shape == "old":
        body = {"code": status, "error_code": code, "msg": message}
    with pytest.raises(SessionEnded) as ended:
        tokens_from(Answer(status, body), NOW)
    assert ended.value.reason == reason
    assert ended.value.reason in SESSION_END_WORDS


def test_every_dead_code_has_words() -> None:
    assert set(DEAD_CODES.values()) <= SESSION_END_WORDS.keys()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(409, {"code": "conflict"}),
        Answer(429, {"code": "over_request_rate_limit"}),
        Answer(429, {}),
        Answer(400, {"code": "something_new"}),
        Answer(400, {}),
        Answer(404, {"message": "no Route matched"}),
        Answer(405, {}),
        Answer(422, {"code": "email_provider_disabled"}),
        Answer(403, {"code": "not_admin"}),
        Answer(401, {"code": "no_authorization"}),
        Answer(500, {"code": "unexpected_failure"}),
        Answer(500, {"code": "session_not_found"}),
        Answer(502, {}),
        Answer(503, {"code": "refresh_token_not_found"}),
        Answer(504, {"code": "request_timeout"}),
        Answer(302, {}),
        Answer(204, {}),
        Answer(200, {}),
        Answer(200, {"access_token": "a"}),
        Answer(200, {"access_token": 1, "refresh_token": None}),
        Answer(201, PAIR),
    ],
    ids=lambda answer: f"{answer.status}-{answer.body}",
)
def test_everything_unclear_keeps_the_session(answer: Answer) -> None:
    with pytest.raises(AuthUnavailable):
        tokens_from(answer, NOW)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("message", ["No API key found in request", "Invalid API key", None])
def test_a_gateway_that_refuses_our_key_is_a_configuration_error(status: int, message: str | None) -> None:
    with pytest.raises(AuthMisconfigured):
        tokens_from(Answer(status, {"message": message} if message else {}), NOW)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7),
        (" 7 ", 7),
        ("0", 1),
        ("99999", 60),
        ("9" * 5000, 60),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60),
        ("²", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_kept_within_bounds(
    header: str | None, seconds: int | None
) -> None:
    assert retry_after(header, NOW) == seconds


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["code", "error_code", "message", "msg", "access_token"]), JSON),
    st.none() | st.text(),
)
def test_any_answer_has_a_meaning(status: int, body: dict[str, Any], header: str | None) -> None:
    with pytest.raises(GatekeeperError):
        tokens_from(Answer(status, body, header), NOW)
