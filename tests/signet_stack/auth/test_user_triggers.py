"""What triggers on auth.users see: one INSERT with the final values on every path that makes a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.signet_stack.auth.conftest import API_VERSION, PASSWORD, Project, error, new_email
from tests.signet_stack.auth.steps import created, waiting

DATA = {"full_name": "Ada Lovelace", "nested": {"a": [1]}}
# What later statements of the same request change; everything else stands in the INSERT.
LATER = {
    "confirmation_sent_at",
    "confirmed_at",
    "email_confirmed_at",
    "invited_at",
    "last_sign_in_at",
    "raw_user_meta_data",
    "recovery_sent_at",
    "updated_at",
}

RECORD = """
    create table public.seen (
        number bigint generated always as identity, timing text, operation text, row_data jsonb
    );
    grant all on public.seen to supabase_auth_admin;
    create function public.record() returns trigger language plpgsql security definer as $$
    begin
        insert into public.seen (timing, operation, row_data) values (tg_when, tg_op, to_jsonb(new));
        return new;
    end $$;
    create trigger a_record before insert or update on auth.users
        for each row execute function public.record();
    create trigger z_record after insert or update on auth.users
        for each row execute function public.record();
"""
FORGET = """
    drop trigger a_record on auth.users; drop trigger z_record on auth.users;
    drop function public.record(); drop table public.seen;
"""
Make = Callable[[Project, str], Any]


def sign_up(project: Project, email: str) -> Any:
    return project.post("/signup", {"email": email, "password": PASSWORD, "data": DATA})


def sign_up_unconfirmed(project: Project, email: str) -> Any:
    project.set(mailer_autoconfirm=False)
    return sign_up(project, email)


def one_time_password(project: Project, email: str) -> Any:
    return project.post("/otp", {"email": email, "data": DATA})


def invitation(project: Project, email: str) -> Any:
    return project.admin("POST", "/invite", {"email": email, "data": DATA})


def link(kind: str) -> Make:
    def make(project: Project, email: str) -> Any:
        body = {"type": kind, "email": email, "password": PASSWORD, "data": DATA}
        return project.admin("POST", "/admin/generate_link", body)

    return make


def administrator(project: Project, email: str) -> Any:
    body = {"email": email, "email_confirm": True, "user_metadata": DATA, "app_metadata": {"plan": "pro"}}
    return project.admin("POST", "/admin/users", body)


PATHS: dict[str, tuple[Make, bool]] = {  # whether the metadata also has what identities say
    "sign-up": (sign_up, True),
    "sign-up to be confirmed": (sign_up_unconfirmed, True),
    "one-time password": (one_time_password, True),
    "invitation": (invitation, False),
    "link: signup": (link("signup"), False),
    "link: invite": (link("invite"), False),
    "link: magiclink": (link("magiclink"), False),
    "administrator": (administrator, False),
}


@pytest.fixture
def recorded(project: Project, superuser_sql: Callable[[str], None]) -> Iterator[Project]:
    """Return the project with triggers that record what they see."""
    superuser_sql(RECORD)
    yield project
    superuser_sql(FORGET)


def seen(project: Project, email: str, operation: str = "INSERT") -> list[tuple[str, dict[str, Any]]]:
    """Return timing and row of the calls of the triggers for an address, in their order."""
    rows = project.rows(
        "select timing, row_data from public.seen where row_data ->> 'email' = %s and operation = %s"
        " order by number",
        email,
        operation,
    )
    return [(timing, row) for timing, row in rows]


@pytest.mark.parametrize("path", PATHS)
def test_triggers_see_one_insert_with_the_final_values(recorded: Project, path: str) -> None:
    make, has_claims = PATHS[path]
    email = new_email()
    answer = make(recorded, email)
    assert answer.status_code == 200, answer.text
    (before, first), (after, second) = seen(recorded, email)
    assert (before, after) == ("BEFORE", "AFTER")
    generated = {"confirmed_at"}
    assert {k: v for k, v in first.items() if k not in generated} == {
        k: v for k, v in second.items() if k not in generated
    }
    claims = {"sub": second["id"], "email": email, "phone_verified": False}
    metadata = second["raw_user_meta_data"]
    metadata.pop("email_verified", None)
    assert metadata == (DATA | claims if has_claims else DATA)
    assert (second["aud"], second["role"]) == ("authenticated", "authenticated")
    assert second["raw_app_meta_data"]["provider"] == "email"
    ((stored,),) = recorded.rows("select to_jsonb(u) from auth.users u where email = %s", email)
    changed = {name for name in stored if stored[name] != second[name]}
    assert changed <= LATER
    assert {**stored["raw_user_meta_data"], "email_verified": None} == {
        **second["raw_user_meta_data"],
        "email_verified": None,
    }


def test_a_confirmation_is_an_update_of_its_own(recorded: Project) -> None:
    """Triggers that wait for `email_confirmed_at` fire under autoconfirm, too."""
    email = new_email()
    recorded.sign_up(email)
    assert all(row["email_confirmed_at"] is None for _, row in seen(recorded, email))
    updates = seen(recorded, email, "UPDATE")
    assert [timing for timing, row in updates if row["email_confirmed_at"]][:2] == ["BEFORE", "AFTER"]


@pytest.mark.parametrize(
    "body",
    [
        "new.raw_user_meta_data := new.raw_user_meta_data || '{\"added\": 1}'; return new;",
        "new.raw_app_meta_data := new.raw_app_meta_data || '{\"added\": 1}'; return new;",
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_what_a_before_trigger_adds_stays(
    project: Project, superuser_sql: Callable[[str], None], path: str, body: str
) -> None:
    superuser_sql(
        f"create function public.add() returns trigger language plpgsql as $$ begin {body} end $$;"
        " create trigger add before insert on auth.users for each row execute function public.add()"
    )
    email = new_email()
    try:
        assert PATHS[path][0](project, email).status_code == 200
    finally:
        superuser_sql("drop trigger add on auth.users; drop function public.add()")
    ((user, app),) = project.rows(
        "select raw_user_meta_data, raw_app_meta_data from auth.users where email = %s", email
    )
    assert {**user, **app}["added"] == 1
    assert user["full_name"] == DATA["full_name"]


def test_what_an_after_trigger_changes_stays(project: Project, superuser_sql: Callable[[str], None]) -> None:
    superuser_sql(
        "create function public.add() returns trigger language plpgsql security definer as $$ begin"
        ' update auth.users set raw_app_meta_data = raw_app_meta_data || \'{"plan": "free"}\','
        " raw_user_meta_data = raw_user_meta_data || '{\"late\": true}' where id = new.id;"
        " return null; end $$;"
        " create trigger add after insert on auth.users for each row execute function public.add()"
    )
    try:
        user = project.sign_up()["user"]
    finally:
        superuser_sql("drop trigger add on auth.users; drop function public.add()")
    assert user["app_metadata"]["plan"] == "free"
    assert user["user_metadata"]["late"] is True
    assert user["user_metadata"]["email_verified"] is True


def test_a_change_of_address_leaves_the_metadata_alone(project: Project) -> None:
    user = created(project, email_confirm=True, user_metadata=DATA)
    moved = project.admin("PUT", f"/admin/users/{user['id']}", {"email": new_email()}).json()
    assert moved["user_metadata"] == user["user_metadata"]
    assert moved["identities"][0]["identity_data"]["email"] == moved["email"]


def test_a_change_by_an_administrator_keeps_the_audience(project: Project) -> None:
    user = created(project, email_confirm=True, password=PASSWORD)
    changed = project.admin("PUT", f"/admin/users/{user['id']}", {"aud": "elsewhere"})
    assert (changed.status_code, changed.json()["aud"]) == (200, "authenticated")
    assert project.sign_in(user["email"])["user"]["id"] == user["id"]


def test_a_new_password_voids_the_waiting_time_of_the_next_mail(project: Project) -> None:
    email = new_email()
    token = project.sign_up(email)["access_token"]
    assert project.post("/recover", {"email": email}).status_code == 200
    assert error(project.post("/recover", {"email": email})) == (429, "over_email_send_rate_limit")
    assert project.put("/user", {"password": "another password"}, token).status_code == 200
    assert project.post("/recover", {"email": email}).status_code == 200


SENTENCES: dict[str, tuple[str, Make, str]] = {
    "sign-up": ("insert", sign_up, "Database error saving new user"),
    "administrator": ("insert", administrator, "Database error creating new user"),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_failing_trigger_answers_with_the_hosted_sentence_and_a_log_line(
    project: Project, superuser_sql: Callable[[str], None], caplog: pytest.LogCaptureFixture, case: str
) -> None:
    operation, make, sentence = SENTENCES[case]
    superuser_sql(
        "create function public.fail() returns trigger language plpgsql as"
        " $$ begin perform 1 / 0; return new; end $$;"
        f" create trigger fail before {operation} on auth.users for each row execute function public.fail()"
    )
    try:
        answer = make(project, new_email())
    finally:
        superuser_sql("drop trigger fail on auth.users; drop function public.fail()")
    assert error(answer) == (500, "unexpected_failure")
    assert answer.json()["msg"] == sentence
    assert answer.json()["error_id"] == answer.headers["sb-request-id"]
    assert answer.headers["sb-request-id"] in caplog.text
    assert "division by zero" in caplog.text


@pytest.mark.parametrize("path", ["administrator", "confirmation"])
def test_a_failing_trigger_on_other_statements_has_their_sentences(
    project: Project, superuser_sql: Callable[[str], None], path: str
) -> None:
    email, mail = waiting(project)
    ((user_id,),) = project.rows("select id from auth.users where email = %s", email)
    operation = "delete" if path == "administrator" else "update"
    superuser_sql(
        "create function public.fail() returns trigger language plpgsql as"
        " $$ begin perform 1 / 0; return old; end $$;"
        f" create trigger fail before {operation} on auth.users for each row execute function public.fail()"
    )
    try:
        if path == "administrator":
            answer = project.admin("DELETE", f"/admin/users/{user_id}", headers=API_VERSION)
        else:
            body = {"type": "signup", "token_hash": mail["token_hash"]}
            answer = project.post("/verify", body, headers=API_VERSION)
    finally:
        superuser_sql("drop trigger fail on auth.users; drop function public.fail()")
    sentence = "Database error deleting user" if path == "administrator" else "Database error updating user"
    assert answer.status_code == 500
    assert answer.json() == {"code": "unexpected_failure", "message": sentence}


def test_a_row_that_the_hosted_service_cannot_read_is_refused_in_its_words(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    """Seeds that leave the token columns null work nowhere; the log names the columns."""
    email = new_email()
    project.rows(
        "insert into auth.users (instance_id, id, aud, role, email, created_at, updated_at)"
        " values (%s, gen_random_uuid(), 'authenticated', 'authenticated', %s, now(), now())",
        "00000000-0000-0000-0000-000000000000",
        email,
    )
    answer = project.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    assert error(answer) == (500, "unexpected_failure")
    assert answer.json()["msg"] == "Database error querying schema"
    assert "confirmation_token" in caplog.text
    listed = project.admin("GET", f"/admin/users?filter={email}")
    assert listed.json()["msg"] == "Database error finding users"
    project.rows("delete from auth.users where email = %s", email)
