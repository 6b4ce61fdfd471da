"""The pytest plugin: databases, callers, the table of policies, sessions and mails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import httpx
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_signet import Gatekeeper, current_identity
from flask_signet.testing.clients import User
from flask_signet.testing.plugin import AsUser, SignIn
from flask_signet.testing.policies import PolicyMatrix
from signet_stack.api_clients import Mailbox
from signet_stack.handle import LocalStack

OWN = "select * from public.profiles where user_id = %(me)s"
INSERT = "insert into public.profiles (display_name) values ('New')"


@pytest.fixture
def app(supabase_stack: LocalStack) -> Flask:
    app = Flask(__name__)
    app.config.update(
        SUPABASE_URL=supabase_stack.url,
        SUPABASE_PUBLISHABLE_KEY=supabase_stack.publishable_key,
        SITE_URL="http://127.0.0.1:8000",
        SECRET_KEY="a-secret-key-of-more-than-32-bytes-for-tests",
        GATEKEEPER_LOGIN_ENDPOINT="login",
    )
    Gatekeeper(app)

    @app.get("/")
    def home() -> str:
        identity = current_identity()
        assert identity is not None
        return identity.email

    app.add_url_rule("/login", "login", lambda: "")
    return app


def test_a_database_has_the_migrations_and_is_not_the_next_tests(
    supabase_stack: LocalStack, supabase_database: str, as_user: AsUser
) -> None:
    with as_user("alice") as alice:
        alice.execute(INSERT)
        assert alice.execute(OWN, {"me": alice.id}).rowcount == 1
    another = supabase_stack.new_database()
    with psycopg.connect(another) as connection:
        assert connection.execute("select from public.profiles").rowcount == 0
    supabase_stack.drop_database(another)


def test_a_block_is_committed_and_rolled_back_by_an_exception(as_user: AsUser) -> None:
    with as_user("alice") as alice:
        alice.execute(INSERT)
    with suppress(ZeroDivisionError), as_user("alice") as alice:
        alice.execute("delete from public.profiles")
        _ = 1 / 0
    with as_user("alice") as again:
        assert again.id == alice.id
        assert again.execute("select from public.profiles").rowcount == 1


def test_callers_have_roles_and_sessions_of_their_own(as_user: AsUser, as_nobody: AsUser) -> None:
    with as_user("alice") as alice:
        alice.execute(INSERT)
    with as_user("bob") as bob:
        assert bob.id != alice.id
        assert bob.execute("select from public.profiles").rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_nobody() as nobody:
        nobody.execute("select from public.profiles")


def test_a_matrix_passes_when_every_cell_is_right(policy_matrix: PolicyMatrix) -> None:
    policy_matrix.check(
        {
            INSERT: {"alice": 1, "bob": 1, "anonymous": "42501", "service": "23502"},
            "insert into public.profiles (user_id) values (%(alice)s)": {"alice": 1, "bob": "42501"},
            OWN: {"alice": 0, "service": 0},
        }
    )


def test_a_matrix_names_each_cell_that_differs(policy_matrix: PolicyMatrix) -> None:
    with pytest.raises(AssertionError) as differing:
        policy_matrix.check({OWN: {"alice": 1, "anonymous": "42501", "bob": "42501"}})
    message = str(differing.value)
    assert "alice: expected 1 row(s), got 0 row(s)" in message
    assert "bob: expected SQLSTATE 42501, got 0 row(s)" in message
    assert "anonymous" not in message


def test_a_client_has_a_real_session(app: Flask, signed_in_client: FlaskClient) -> None:
    assert app.test_client().get("/").status_code == 303
    page = signed_in_client.get("/")
    assert page.status_code == 200
    assert page.text.startswith("user-")
    assert signed_in_client.get("/", base_url="http://127.0.0.1:8000").status_code == 200


def test_several_people_sign_in(sign_in: SignIn, new_user: Callable[..., User]) -> None:
    first, second = new_user(), new_user(user_metadata={"name": "Second"})
    assert sign_in(first).get("/").text == first.email
    assert sign_in(second).get("/").text == second.email


def test_mails_are_read_by_address(
    supabase_stack: LocalStack, mailbox: Mailbox, new_user: Callable[..., User]
) -> None:
    user = new_user()
    assert mailbox.mails_to(user.email) == []
    httpx.post(
        f"{supabase_stack.url}/auth/v1/recover",
        headers={"apikey": supabase_stack.publishable_key},
        json={"email": user.email},
    ).raise_for_status()
    mail = mailbox.latest(user.email)
    assert (mail.kind, mail.to) == ("recovery", user.email)
    assert len(mail.code) == 6
