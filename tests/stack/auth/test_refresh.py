"""POST /token?grant_type=refresh_token, version 2: counter, forgiveness, reuse, limits of a session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stack.auth.conftest import Project, claims_of, error, new_email

REUSE = "sb-auth-refresh-token-reuse"


def chain(project: Project, length: int) -> list[str]:
    """Return refresh tokens of one session, each the successor of the one before."""
    tokens = [project.sign_up()["refresh_token"]]
    for _ in range(length - 1):
        project.clock.advance(1)
        tokens.append(project.refresh(tokens[-1]).json()["refresh_token"])
    return tokens


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
        ("", (400, "validation_failed")),
        ("short", (400, "validation_failed")),
        ("UPPERCASE123", (400, "validation_failed")),
        ("abcdefghijkl", (400, "refresh_token_not_found")),
        ("x" * 51, (400, "validation_failed")),
        ("AAARIjNEVUZ3iJmqu8zd7v8ApAEfUhaPfXeRdeXgNk2_RDTRe0M", (400, "refresh_token_not_found")),
    ],
)
def test_tokens_that_nobody_has(project: Project, token: str, expected: tuple[int, str]) -> None:
    assert error(project.refresh(token)) == expected


def test_the_token_before_the_current_one_is_forgiven_at_any_age(project: Project) -> None:
    old, current = chain(project, 2)
    project.clock.advance(86_400 * 30)
    answer = project.refresh(old)
    assert answer.json()["refresh_token"] == current
    assert (answer.headers[REUSE], answer.headers[f"{REUSE}-cause"]) == ("true", "fail-to-save")


def test_an_older_token_is_forgiven_within_the_interval_which_slides(project: Project) -> None:
    tokens = chain(project, 4)
    for _ in range(3):
        project.clock.advance(9)
        answer = project.refresh(tokens[0])
        assert answer.json()["refresh_token"] == tokens[-1]
        assert answer.headers[f"{REUSE}-cause"] == "concurrent-refresh"


def test_an_older_token_beyond_the_interval_ends_the_session(project: Project) -> None:
    tokens = chain(project, 3)
    access = project.refresh(tokens[-1]).json()["access_token"]
    project.clock.advance(11)
    answer = project.refresh(tokens[0])
    assert error(answer) == (400, "refresh_token_already_used")
    assert answer.headers["sb-auth-refresh-token-rotated"] == "true"
    assert error(project.refresh(tokens[-1])) == (400, "refresh_token_not_found")
    assert error(project.get("/user", access)) == (403, "session_not_found")


def test_without_rotation_reuse_ends_nothing(project: Project) -> None:
    project.set(refresh_token_rotation_enabled=False)
    tokens = chain(project, 3)
    project.clock.advance(11)
    assert error(project.refresh(tokens[0])) == (400, "refresh_token_already_used")
    assert project.refresh(tokens[-1]).status_code == 200


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


@pytest.mark.parametrize("version", [2, 1])
def test_a_hundred_refreshes_of_one_token_at_once_give_one_successor(project: Project, version: int) -> None:
    project.set(security_refresh_token_algorithm_version=version)
    session = project.sign_up()
    session_id = claims_of(session["access_token"])["session_id"]
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: project.refresh(session["refresh_token"]), range(100)))
    assert [answer.status_code for answer in answers] == [200] * 100
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    ((counter,),) = project.rows("select refresh_token_counter from auth.sessions where id = %s", session_id)
    ((tokens,),) = project.rows("select count(*) from auth.refresh_tokens where session_id = %s", session_id)
    assert (counter, tokens) == ((1, 0) if version == 2 else (None, 2))


def test_a_session_that_stays_locked_is_a_conflict(project: Project) -> None:
    session = project.sign_up()
    with project.context.database.auth.connection() as connection:
        connection.execute(
            "select from auth.sessions where id = %s for update",
            (claims_of(session["access_token"])["session_id"],),
        )
        assert error(project.refresh(session["refresh_token"])) == (409, "conflict")
    assert project.refresh(session["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("settings", "wait", "message"),
    [
        ({"sessions_timebox": 100}, 101, "Invalid Refresh Token: Session Expired"),
        (
            {"sessions_inactivity_timeout": "1m"},
            61,
            "Invalid Refresh Token: Session Expired (Inactivity)",
        ),
    ],
)
def test_limits_of_a_session(project: Project, settings: dict[str, Any], wait: float, message: str) -> None:
    project.set(**settings)
    session = project.sign_up()
    project.clock.advance(wait)
    answer = project.refresh(session["refresh_token"])
    assert error(answer) == (400, "session_expired")
    assert answer.json()["msg"] == message
    # Only refused, not ended: the access token goes on until it expires.
    assert project.get("/user", session["access_token"]).status_code == 200


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


def test_a_single_session_is_the_newest(project: Project) -> None:
    project.set(sessions_single_per_user=True)
    email = new_email()
    older = project.sign_up(email)
    project.clock.advance(1)
    newer = project.sign_in(email)
    answer = project.refresh(older["refresh_token"])
    assert error(answer) == (400, "session_expired")
    assert answer.json()["msg"] == "Invalid Refresh Token: Session Expired (Revoked by Newer Login)"
    assert project.refresh(newer["refresh_token"]).status_code == 200


def test_a_session_with_a_hard_end_is_over_after_it(project: Project) -> None:
    session = project.sign_up()
    session_id = claims_of(session["access_token"])["session_id"]
    project.rows("update auth.sessions set not_after = %s where id = %s", project.clock(), session_id)
    assert project.refresh(session["refresh_token"]).status_code == 200
    project.clock.advance(1)
    assert error(project.refresh(session["refresh_token"])) == (400, "session_expired")


def test_a_banned_user_cannot_refresh_even_when_the_session_was_kept(project: Project) -> None:
    session = project.sign_up()
    project.rows(
        "update auth.users set banned_until = %s + interval '1 hour' where id = %s",
        project.clock(),
        session["user"]["id"],
    )
    assert error(project.refresh(session["refresh_token"])) == (400, "user_banned")
    assert error(project.get("/user", session["access_token"])) == (403, "user_banned")
