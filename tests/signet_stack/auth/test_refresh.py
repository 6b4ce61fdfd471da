"""POST /token?grant_type=refresh_token, version 2: counter, forgiveness, reuse, limits of a session."""

from __future__ import annotations

from datetime import UTC
from uuid import UUID

import pytest

from signet_stack.auth import refresh_grant
from signet_stack.auth import refresh_token_v2 as v2
from tests.signet_stack.auth.conftest import Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import REUSE, ban, chain

FORMAT = (400, "validation_failed", "Refresh token is not valid")
UNKNOWN = (400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")


def test_a_refresh_gives_other_tokens_of_the_same_session(project: Project) -> None:
    first = project.sign_up()
    project.clock.advance(5)
    answer = project.refresh(first["refresh_token"])
    second = answer.json()
    old, new = claims_of(first["access_token"]), claims_of(second["access_token"])
    assert answer.headers[REUSE] == "false"
    assert answer.headers["sb-auth-refresh-token-counter"] == "1"
    assert second["refresh_token"] != first["refresh_token"]
    assert new["iat"] == old["iat"] + 5
    assert (new["session_id"], new["amr"]) == (old["session_id"], old["amr"])
    assert "weak_password" not in second


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("", FORMAT),
        ("short", FORMAT),
        ("UPPERCASE123", FORMAT),
        ("abcdefghijkl", UNKNOWN),
        ("x" * 51, FORMAT),
        ("x" * 5000, FORMAT),
        ("AAARIjNEVUZ3iJmqu8zd7v8ApAEfUhaPfXeRdeXgNk2_RDTRe0M", UNKNOWN),
    ],
)
def test_tokens_that_nobody_has(project: Project, token: str, expected: tuple[int, str, str]) -> None:
    assert refusal(project.refresh(token)) == expected


def test_a_token_of_a_session_made_with_another_key_is_unknown(project: Project) -> None:
    session = project.sign_up()
    forged = v2.make_token(UUID(claims_of(session["access_token"])["session_id"]), 0, v2.new_key())
    assert len(forged) == len(session["refresh_token"])
    assert refusal(project.refresh(forged)) == UNKNOWN
    assert project.refresh(session["refresh_token"]).status_code == 200


def test_after_a_logout_or_a_deletion_the_token_is_unknown(project: Project) -> None:
    for end in ("delete from auth.sessions where user_id = %s", "delete from auth.users where id = %s"):
        session = project.sign_up()
        project.rows(end, session["user"]["id"])
        assert refusal(project.refresh(session["refresh_token"])) == UNKNOWN


def test_a_refresh_notes_when_and_from_where(project: Project) -> None:
    session = project.sign_up()
    project.clock.advance(5)
    project.post(
        "/token?grant_type=refresh_token",
        {"refresh_token": session["refresh_token"]},
        headers={"User-Agent": "A browser"},
    )
    ((at, agent, ip),) = project.rows(
        "select refreshed_at, user_agent, host(ip) from auth.sessions where user_id = %s",
        session["user"]["id"],
    )
    assert (at.replace(tzinfo=UTC), agent, ip) == (project.clock(), "A browser", "127.0.0.1")


def test_an_older_token_is_forgiven_within_the_interval_which_slides(project: Project) -> None:
    tokens = chain(project, 4)
    for _ in range(3):
        project.clock.advance(9)
        answer = project.refresh(tokens[0])
        assert answer.json()["refresh_token"] == tokens[-1]
        assert answer.headers[f"{REUSE}-cause"] == "concurrent-refresh"


def test_with_reuse_allowed_every_older_token_gives_the_current_one(project: Project) -> None:
    project.set(security_refresh_token_allow_reuse=True)
    tokens = chain(project, 4)
    project.clock.advance(999)
    answer = project.refresh(tokens[0])
    assert answer.json()["refresh_token"] == tokens[-1]
    assert answer.headers[f"{REUSE}-cause"] == "always-allow"


def test_a_counter_that_was_never_given_out_is_refused(project: Project) -> None:
    tokens = chain(project, 3)
    session_id = claims_of(project.refresh(tokens[-1]).json()["access_token"])["session_id"]
    project.rows("update auth.sessions set refresh_token_counter = 0 where id = %s", session_id)
    answer = project.refresh(tokens[-1])
    assert error(answer) == (400, "validation_failed")
    assert answer.json()["msg"] == "Invalid Refresh Token: Not Issued By This Server"


def test_a_session_that_stays_locked_is_a_conflict(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh_grant, "MAX_SECONDS", 0.1)
    session = project.sign_up()
    with project.context.database.auth.connection() as connection:
        connection.execute(
            "select from auth.sessions where id = %s for update",
            (claims_of(session["access_token"])["session_id"],),
        )
        words = "Too many concurrent token refresh requests on the same session or refresh token"
        assert refusal(project.refresh(session["refresh_token"])) == (409, "conflict", words)
    assert project.refresh(session["refresh_token"]).status_code == 200


def test_inactivity_counts_from_the_last_refresh_and_the_timebox_does_not(project: Project) -> None:
    project.set(sessions_timebox=150, sessions_inactivity_timeout=60)
    token = project.sign_up()["refresh_token"]
    for _ in range(3):
        project.clock.advance(50)
        answer = project.refresh(token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]
    project.clock.advance(1)
    assert error(project.refresh(token)) == (400, "session_expired")


def test_a_session_with_a_hard_end_is_over_after_it(project: Project) -> None:
    session = project.sign_up()
    session_id = claims_of(session["access_token"])["session_id"]
    project.rows("update auth.sessions set not_after = %s where id = %s", project.clock(), session_id)
    assert project.refresh(session["refresh_token"]).status_code == 200
    project.clock.advance(1)
    assert error(project.refresh(session["refresh_token"])) == (400, "session_expired")


def test_a_banned_user_cannot_refresh_even_when_the_session_was_kept(project: Project) -> None:
    session = project.sign_up()
    ban(project, session["user"]["email"])
    refused = project.refresh(session["refresh_token"])
    assert refusal(refused) == (400, "user_banned", "Invalid Refresh Token: User Banned")
    assert error(project.get("/user", session["access_token"])) == (403, "user_banned")


NOT_AFTER = "select not_after from auth.sessions where id = %s"


@pytest.mark.parametrize(
    ("settings", "seconds", "words"),
    [
        ({"sessions_timebox": 60}, 61, "Session Expired"),
        ({"sessions_inactivity_timeout": 60}, 61, "Session Expired (Inactivity)"),
    ],
)
def test_a_refused_session_is_closed_for_policies_too(
    project: Project, settings: dict[str, int], seconds: int, words: str
) -> None:
    """`not_after` is what a live-session policy reads; a second refusal names the first reason."""
    project.set(**settings)
    session = project.sign_up()
    session_id = claims_of(session["access_token"])["session_id"]
    assert project.rows(NOT_AFTER, session_id) == [(None,)]
    project.clock.advance(seconds)
    for _ in range(2):
        answer = project.refresh(session["refresh_token"])
        assert answer.json()["msg"] == f"Invalid Refresh Token: {words}"
        assert answer.headers["sb-auth-session-id"] == session_id
        assert answer.headers["sb-auth-user-id"] == session["user"]["id"]
        assert project.rows(NOT_AFTER, session_id) == [(project.clock(),)]


def test_a_newer_login_closes_the_older_session_at_once(project: Project) -> None:
    project.set(sessions_single_per_user=True)
    email = new_email()
    older = project.sign_up(email)
    project.clock.advance(1)
    newer = project.sign_in(email)
    older_id, newer_id = (claims_of(each["access_token"])["session_id"] for each in (older, newer))
    assert project.rows(NOT_AFTER, older_id) == [(project.clock(),)]
    assert project.rows(NOT_AFTER, newer_id) == [(None,)]
    project.clock.advance(1)
    for _ in range(2):
        words = project.refresh(older["refresh_token"]).json()["msg"]
        assert words == "Invalid Refresh Token: Session Expired (Revoked by Newer Login)"
    assert project.refresh(newer["refresh_token"]).status_code == 200
