"""People made by SQL, as seeds and imports make them."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from signet_stack.postgres.cluster import Cluster
from tests.signet_stack.auth.conftest import Project, error, new_email

SEED = """
    insert into auth.users (
        instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data,
        raw_user_meta_data, created_at, updated_at, {tokens}
    ) values (
        '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', 'authenticated', %s,
        crypt('correct horse', gen_salt('bf', 4)), now(), '{{"provider": "email"}}', '{{}}',
        now(), now(), {values}
    ) returning id::text
"""
COLUMNS = ("confirmation_token", "recovery_token", "email_change_token_new", "email_change")


@pytest.fixture
def seed(cluster: Cluster, auth_database: str) -> Callable[..., tuple[str, str]]:
    """Return a function that inserts a user with '' in token columns; it returns the address and the id."""

    def insert(*columns: str) -> tuple[str, str]:
        email = new_email()
        statement = SEED.format(tokens=", ".join(columns), values=", ".join(["''"] * len(columns)))
        with psycopg.connect(cluster.dsn("postgres", auth_database)) as connection:
            row = connection.execute(statement.encode(), (email,)).fetchone()
        return email, row[0] if row else ""

    return insert


def test_a_password_that_a_seed_hashed_with_crypt_signs_in(
    project: Project, seed: Callable[..., tuple[str, str]]
) -> None:
    email, user_id = seed(*COLUMNS)
    assert project.sign_in(email, "correct horse")["user"]["id"] == user_id


@pytest.mark.parametrize("column", COLUMNS)
def test_null_in_a_token_column_is_the_hosted_error(
    project: Project, seed: Callable[..., tuple[str, str]], column: str
) -> None:
    email, _ = seed(*(name for name in COLUMNS if name != column))
    answer = project.post("/token?grant_type=password", {"email": email, "password": "correct horse"})
    assert error(answer) == (500, "unexpected_failure")
    assert answer.json()["msg"] == "Database error querying schema"
