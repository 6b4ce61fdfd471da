"""Refresh tokens of version 1: rows, parents, families."""

from __future__ import annotations

import pytest

from signet_stack.auth import refresh_grant
from tests.signet_stack.auth.conftest import Project, claims_of, error, refusal
from tests.signet_stack.auth.steps import chain


def test_within_the_interval_an_older_token_begins_a_branch(v1: Project) -> None:
    v1.set(security_refresh_token_reuse_interval=10)
    tokens = chain(v1, 3)
    branch = v1.refresh(tokens[0]).json()["refresh_token"]
    assert branch not in tokens
    assert v1.refresh(tokens[2]).status_code == 200
    assert v1.refresh(branch).status_code == 200


def test_the_interval_slides_with_each_use_of_the_older_token(v1: Project) -> None:
    v1.set(security_refresh_token_reuse_interval=10)
    old, _, current = chain(v1, 3)
    for _ in range(3):
        v1.clock.advance(9)
        assert v1.refresh(old).status_code == 200
        current = v1.refresh(current).json()["refresh_token"]  # the newest token has another parent again
    v1.clock.advance(11)
    used = (400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    assert refusal(v1.refresh(old)) == used


def test_what_misuse_has_revoked_is_forgiven_within_the_interval(v1: Project) -> None:
    """A quirk of the protocol: the revocation itself begins the interval of the token that was active."""
    v1.set(security_refresh_token_reuse_interval=10)
    tokens = chain(v1, 3)
    v1.clock.advance(20)
    assert error(v1.refresh(tokens[0])) == (400, "refresh_token_already_used")
    v1.clock.advance(9)
    assert v1.refresh(tokens[2]).status_code == 200


def test_inactivity_counts_from_the_last_use_of_the_token(v1: Project) -> None:
    v1.set(sessions_inactivity_timeout=60)
    (token,) = chain(v1, 1)
    later = "update auth.refresh_tokens set updated_at = updated_at + interval '50 seconds' where token = %s"
    v1.rows(later, token)
    v1.clock.advance(100)
    renewed = v1.refresh(token)
    assert renewed.status_code == 200
    v1.clock.advance(61)
    assert error(v1.refresh(renewed.json()["refresh_token"])) == (400, "session_expired")


def test_a_swap_is_noted_on_the_user(v1: Project) -> None:
    session = v1.sign_up()
    v1.clock.advance(5)
    renewed = v1.refresh(session["refresh_token"]).json()
    assert renewed["user"]["updated_at"] > session["user"]["updated_at"]


def test_a_token_that_stays_locked_is_a_conflict(v1: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh_grant, "MAX_SECONDS", 0.1)
    (token,) = chain(v1, 1)
    with v1.context.database.auth.connection() as connection:
        connection.execute("select from auth.refresh_tokens where token = %s for update", (token,))
        assert error(v1.refresh(token)) == (409, "conflict")


def test_without_rotation_reuse_revokes_nothing(v1: Project) -> None:
    v1.set(refresh_token_rotation_enabled=False)
    tokens = chain(v1, 3)
    assert error(v1.refresh(tokens[0])) == (400, "refresh_token_already_used")
    assert v1.refresh(tokens[2]).status_code == 200


def test_a_token_without_session_is_deleted(v1: Project) -> None:
    (token,) = chain(v1, 1)
    v1.rows("update auth.refresh_tokens set session_id = null where token = %s", token)
    words = "Invalid Refresh Token: No Valid Session Found"
    assert refusal(v1.refresh(token)) == (400, "session_not_found", words)
    assert error(v1.refresh(token)) == (400, "refresh_token_not_found")


def test_a_session_moves_to_version_2_at_a_refresh(v1: Project) -> None:
    (old,) = chain(v1, 1)
    v1.set(security_refresh_token_upgrade_percentage=100)
    stays = v1.refresh(old).json()["refresh_token"]
    assert len(stays) == 12  # new sessions are of version 1 still
    v1.set(security_refresh_token_algorithm_version=2)
    upgraded = v1.refresh(stays)
    token = upgraded.json()["refresh_token"]
    assert len(token) == 51
    assert upgraded.headers["sb-auth-refresh-token-counter"] == "0"
    assert v1.refresh(token).status_code == 200
    assert error(v1.refresh(stays)) == (400, "refresh_token_already_used")


def test_after_the_move_the_old_token_is_forgiven_within_the_interval_only(v1: Project) -> None:
    (old,) = chain(v1, 1)
    v1.set(security_refresh_token_algorithm_version=2, security_refresh_token_reuse_interval=10)
    v1.set(security_refresh_token_upgrade_percentage=100)
    first = v1.refresh(old).json()["refresh_token"]
    again = v1.refresh(old)
    assert again.headers["sb-auth-refresh-token-counter"] == "1"  # the same session goes on
    assert v1.refresh(first).json()["refresh_token"] == again.json()["refresh_token"]
    v1.clock.advance(11)
    assert error(v1.refresh(old)) == (400, "refresh_token_already_used")


def test_the_format_decides_not_the_setting(v1: Project) -> None:
    (token,) = chain(v1, 1)
    v1.set(security_refresh_token_algorithm_version=2)
    answer = v1.refresh(token)
    renewed = answer.json()["refresh_token"]
    assert (len(renewed), answer.headers["sb-auth-refresh-token-prefix"]) == (12, renewed[:5])
    assert claims_of(answer.json()["access_token"])["session_id"]
