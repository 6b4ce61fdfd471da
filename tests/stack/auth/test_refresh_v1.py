"""Refresh tokens of version 1: rows, parents, families."""

from __future__ import annotations

import pytest

from tests.stack.auth.conftest import Project, claims_of, error
from tests.stack.auth.test_refresh import REUSE, chain


@pytest.fixture
def v1(project: Project) -> Project:
    """Return the project with refresh tokens of version 1 and no reuse interval."""
    project.set(security_refresh_token_algorithm_version=1, security_refresh_token_reuse_interval=0)
    return project


def test_a_refresh_spends_the_token_and_makes_a_child(v1: Project) -> None:
    old, new = chain(v1, 2)
    assert len(old) == len(new) == 12
    assert v1.rows("select revoked, parent from auth.refresh_tokens where token = %s", old) == [(True, None)]
    assert v1.rows("select revoked, parent from auth.refresh_tokens where token = %s", new) == [(False, old)]


def test_the_parent_of_the_active_token_gives_it_again_at_any_age(v1: Project) -> None:
    old, current = chain(v1, 2)
    v1.clock.advance(86_400)
    answer = v1.refresh(old)
    assert answer.json()["refresh_token"] == current
    assert answer.headers[REUSE] == "true"
    assert answer.headers["sb-auth-refresh-token-prefix"] == current[:5]


def test_an_older_token_revokes_the_family_and_keeps_the_session(v1: Project) -> None:
    tokens = chain(v1, 3)
    access = v1.refresh(tokens[1]).json()["access_token"]
    for token in tokens:
        assert error(v1.refresh(token)) == (400, "refresh_token_already_used")
    assert v1.get("/user", access).status_code == 200


def test_within_the_interval_an_older_token_begins_a_branch(v1: Project) -> None:
    v1.set(security_refresh_token_reuse_interval=10)
    tokens = chain(v1, 3)
    branch = v1.refresh(tokens[0]).json()["refresh_token"]
    assert branch not in tokens
    assert v1.refresh(tokens[2]).status_code == 200
    assert v1.refresh(branch).status_code == 200


def test_without_rotation_reuse_revokes_nothing(v1: Project) -> None:
    v1.set(refresh_token_rotation_enabled=False)
    tokens = chain(v1, 3)
    assert error(v1.refresh(tokens[0])) == (400, "refresh_token_already_used")
    assert v1.refresh(tokens[2]).status_code == 200


def test_a_token_without_session_is_deleted(v1: Project) -> None:
    (token,) = chain(v1, 1)
    v1.rows("update auth.refresh_tokens set session_id = null where token = %s", token)
    assert error(v1.refresh(token)) == (400, "session_not_found")
    assert error(v1.refresh(token)) == (400, "refresh_token_not_found")


def test_a_session_moves_to_version_2_at_a_refresh(v1: Project) -> None:
    v1.set(security_refresh_token_upgrade_percentage=100)
    (old,) = chain(v1, 1)
    upgraded = v1.refresh(old)
    token = upgraded.json()["refresh_token"]
    assert len(token) == 51
    assert upgraded.headers["sb-auth-refresh-token-counter"] == "0"
    assert v1.refresh(token).status_code == 200
    assert error(v1.refresh(old)) == (400, "refresh_token_already_used")


def test_the_format_decides_not_the_setting(v1: Project) -> None:
    (token,) = chain(v1, 1)
    v1.set(security_refresh_token_algorithm_version=2)
    answer = v1.refresh(token)
    assert len(answer.json()["refresh_token"]) == 12
    assert claims_of(answer.json()["access_token"])["session_id"]
