"""`flask db prove`: people with sessions, expectations, places, exit codes, and what stays untouched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql

from signet_db import runner
from signet_db.cli import db
from signet_db.errors import FileRefused
from signet_db.files import find
from signet_db.lint import lint_files
from signet_db.prove import prove_copy, prove_files
from signet_db.prove.expectation import expect
from signet_db.prove.people import add_users, sign_in
from signet_db.prove.relations import read_catalogue
from signet_db.rehearsal import applied
from tests.database.conftest import ask
from tests.database.paths import MIGRATIONS

Write = Callable[[str, str], Path]
Prove = Callable[..., Result]

NOTES = """
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    title text not null check (title ~ '^[a-z]')
);
alter table public.notes enable row level security;
grant select, insert, update, delete on public.notes to authenticated;
"""
OWN = """
create policy "{0} own" on public.notes for {0} to authenticated using ((select auth.uid()) = user_id);
"""
READ_ALL = 'create policy "read all" on public.notes for select to authenticated using (true);\n'
CLUSTER = """
    select array_to_string(array(
        select r.rolname || r.rolconfig::text || r.rolcreatedb from pg_roles r order by 1), ' ')
    union all
    select array_to_string(array(select m::text from pg_auth_members m order by 1), ' ')
    union all
    select array_to_string(array(select s::text from pg_db_role_setting s order by 1), ' ')
"""


@pytest.fixture
def run(unchanging: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Prove:
    """Return a function that runs `flask db prove` on the folder."""
    monkeypatch.setenv("DATABASE_URL", unchanging)
    return lambda *arguments: CliRunner().invoke(db, ["prove", "--folder", str(folder), *arguments])


def test_our_own_migrations_are_proved(unchanging: str) -> None:
    proof = prove_files(unchanging, MIGRATIONS)
    assert proof.is_proved
    assert proof.not_tried == {}
    assert proof.cells["public.profiles", "select", "alice"] == "own+1"  # one profile is public
    assert proof.cells["public.profiles", "update", "zoe"] == "–"
    assert proof.cells["public.profiles", "select", "ended"] == "–"


def test_people_have_sessions_and_the_claims_of_a_token(unchanging: str) -> None:
    with applied(unchanging, (), "test") as rehearsal:
        connection = rehearsal.connection
        ids, emails = add_users(connection, "mk")
        people = sign_in(connection, ids, emails, {}, (), ())
        alive = {
            name
            for name in ("alice", "zoe", "ended", "anonymous", "aal1")
            if connection.execute(
                "select from auth.sessions where id = %s",
                (json.loads(people.named(name).claims)["session_id"],),
            ).rowcount
        }
        claims = json.loads(people.named("aal1").claims)
    assert alive == {"alice", "zoe", "anonymous", "aal1"}
    assert claims["aal"] == "aal1"
    assert claims["email"] == "alice.mk@example.com"
    assert {"amr", "app_metadata", "aud", "exp", "is_anonymous", "user_metadata"} <= claims.keys()
    assert json.loads(people.named("anonymous").claims)["is_anonymous"] is True


def test_a_leak_names_the_policy_with_file_and_line_and_exits_with_1(run: Prove, write: Write) -> None:
    write("1_notes.sql", NOTES + OWN.format("delete"))
    write("2_read.sql", f"-- everybody\n\n{READ_ALL}")
    result = run()
    assert result.exit_code == 1
    assert "zoe, who owns nothing and is a member of nothing, reads 3 rows of public.notes" in result.stdout
    assert 'Let in by: policy public.notes "read all"' in result.stdout
    assert "2_read.sql:3" in result.stdout
    assert "3 marked rows: 1 leak." in result.stdout
    (leak,) = json.loads(run("--json").stdout)["leaks"]
    assert (leak["file"], leak["line"], leak["operation"]) == ("2_read.sql", 3, "select")


def test_written_lines_say_what_is_open(run: Prove, write: Write) -> None:
    write("1_notes.sql", NOTES + "-- signet: everybody signed in reads public.notes\n" + READ_ALL)
    assert run().exit_code == 0


def test_a_condition_opens_the_rows_that_fulfil_it_only(unchanging: str, folder: Path, write: Write) -> None:
    published = "title = 'published'"
    line = f"-- signet: everybody signed in reads public.notes where {published}\n"
    write("1_notes.sql", f"{NOTES}{line}{OWN.format('select')}")
    policy = 'create policy "published" on public.notes for select to authenticated using ({});'
    path = write("2_open.sql", policy.format(published))
    assert prove_files(unchanging, folder).is_proved
    path.write_text(policy.format("title >= 'a'"))
    assert [leak.operation for leak in prove_files(unchanging, folder).leaks] == ["select"]


def test_rows_belong_to_the_column_that_is_written(unchanging: str, folder: Path, write: Write) -> None:
    """By inference the assignee owns the row too, because both refer to users."""
    table = NOTES.replace("title text", "assignee uuid references auth.users,\n    title text")
    both = 'create policy "both" on public.notes for select to authenticated\nusing ({});'
    path = write("1_notes.sql", table + both.format("(select auth.uid()) in (user_id, assignee)"))
    assert prove_files(unchanging, folder).is_proved
    path.write_text(f"-- signet: rows of public.notes belong to user_id\n{path.read_text()}")
    assert prove_files(unchanging, folder).is_proved


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rows of public.notes", "cannot be read"),
        ("rows of public.gone belong to user_id", "no table or view public.gone"),
        ("rows of public.notes belong to owner", "no column owner"),
        ("everybody reads public.gone", "no table or view public.gone"),
        ("everybody may read public.notes", "cannot be read"),
        ("everybody reads public.notes where is_public", "condition of this line cannot run"),
        ("members of public.notes by org_id", "No table holds both"),
    ],
)
def test_a_wrong_line_is_an_error_with_its_place(
    unchanging: str, folder: Path, write: Write, line: str, message: str
) -> None:
    write("1_notes.sql", f"{NOTES}-- signet: {line}\n{OWN.format('select')}")
    with pytest.raises(FileRefused, match=message) as caught:
        prove_files(unchanging, folder)
    assert caught.value.place is not None
    assert caught.value.place.line == NOTES.count("\n") + 1


def test_a_stale_line_is_an_error(run: Prove, write: Write) -> None:
    write("1_notes.sql", f"{NOTES}-- signet: everybody signed in reads public.notes\n{OWN.format('select')}")
    result = run()
    assert result.exit_code == 1
    assert "1_notes.sql:9: only owners read rows of public.notes" in result.stdout


def test_members_are_named_where_no_key_does(unchanging: str, folder: Path, write: Write) -> None:
    """Tenants, members and rows that refer to them by value only."""
    text = """
        create table public.teams (id uuid primary key, name text);
        create table public.team_members (team uuid, user_id uuid, note text);
        create table public.tasks (id uuid primary key default gen_random_uuid(), team uuid, title text);
        -- signet: members of public.teams by team
        -- signet: rows of public.tasks belong to team
    """
    write("1_teams.sql", text)
    migrations = find(folder)
    with applied(unchanging, migrations, "test") as rehearsal:
        catalogue = read_catalogue(rehearsal.connection)
        found = expect(catalogue, migrations).tables
    named = {table.name: found[table.oid] for table in catalogue.tables.values()}
    assert [tenancy.column for tenancy in named["tasks"].tenancies] == ["team"]


def test_without_a_control_nothing_is_proved(run: Prove, write: Write) -> None:
    """A table that not even owners read passes every test that expects no rows."""
    write(
        "1_notes.sql",
        NOTES + 'create policy "none" on public.notes for select to authenticated using (false);',
    )
    result = run()
    assert result.exit_code == 2
    assert "The proof proves nothing: no owner reached a single row of their own." in result.stdout


def test_what_could_not_be_tried_is_named_and_fails_when_strict(run: Prove, write: Write) -> None:
    write(
        "1_notes.sql",
        NOTES
        + OWN.format("select")
        + "create function public.charge(order_of jsonb) returns void language sql"
        " set search_path = '' as '';\ngrant execute on function public.charge(jsonb) to authenticated;",
    )
    loose, strict = run(), run("--strict")
    assert (loose.exit_code, strict.exit_code) == (0, 1)
    line = "Not tried: public.charge(jsonb): no argument of type jsonb could be made up."
    assert line in loose.stdout


def test_files_that_do_not_run_exit_with_2(run: Prove, write: Write) -> None:
    write("1_broken.sql", "selekt 1;")
    assert run().exit_code == 2


def test_a_trigger_on_auth_users_that_fails_is_explained(run: Prove, write: Write) -> None:
    write(
        "1_trigger.sql",
        "create function public.fail() returns trigger language plpgsql as"
        " $$ begin raise exception 'no more users'; end $$;\n"
        "create trigger fail before insert on auth.users for each row execute function public.fail();\n"
        + NOTES,
    )
    result = run()
    assert result.exit_code == 2
    assert "The people of the proof could not be made: no more users" in result.stderr


def test_neither_lint_nor_prove_changes_the_cluster(unchanging: str, folder: Path, write: Write) -> None:
    """Roles, memberships and role settings belong to all databases of the server."""
    write(
        "1_roles.sql",
        NOTES
        + OWN.format("select")
        + "create role reporting login;\nalter role reporting set statement_timeout = '1s';\n"
        "alter role authenticator set pgrst.db_schemas = 'public, api';\ngrant reporting to authenticator;\n"
        "alter role reporting rename to reports;",
    )
    before = ask(unchanging, CLUSTER)
    lint_files(unchanging, folder)
    prove_files(unchanging, folder)
    assert ask(unchanging, CLUSTER) == before


def test_a_role_that_another_database_made_is_in_nobodys_way(
    unchanging: str, folder: Path, write: Write
) -> None:
    """The live database has applied the file already, so the role exists on the server."""
    write("1_role.sql", "create role signet_test_role;\ngrant usage on schema public to signet_test_role;")
    with psycopg.connect(unchanging, autocommit=True) as connection:
        connection.execute("create role signet_test_role")
        try:
            lint_files(unchanging, folder)
            assert connection.execute("select from pg_roles where rolname = 'signet_test_role'").rowcount == 1
        finally:
            connection.execute("drop role signet_test_role")


def test_files_without_a_transaction_are_judged_in_one(unchanging: str, folder: Path, write: Write) -> None:
    write("1_notes.sql", NOTES + OWN.format("select"))
    write(
        "2_index.sql",
        "-- signet: no-transaction\ncreate index concurrently on public.notes (user_id);\nvacuum;",
    )
    found = {one.rule.id for one in lint_files(unchanging, folder).findings}
    assert "policy_column_unindexed" not in found
    with applied(unchanging, find(folder), "test") as rehearsal:
        assert [one.statement.words[0] for one in rehearsal.skipped] == ["vacuum"]


def test_a_copy_of_a_databases_schema_is_proved_and_the_database_stays(
    target: str, unchanging: str, folder: Path, write: Write
) -> None:
    write("1_notes.sql", NOTES + READ_ALL)
    runner.upgrade(target, folder)
    with psycopg.connect(target) as connection:
        connection.execute("create role signet_test_reader")
        connection.execute(sql.SQL("grant select on public.notes to signet_test_reader"))
        connection.execute('create policy "by hand" on public.notes for delete to authenticated using (true)')
    before = ask(target, "select count(*) from auth.users")
    try:
        proof = prove_copy(unchanging, target, find(folder))
    finally:
        with psycopg.connect(target) as connection:
            connection.execute("revoke all on public.notes from signet_test_reader")
            connection.execute("drop role signet_test_reader")
    assert {leak.operation: leak.place and leak.place.path.name for leak in proof.leaks} == {
        "select": "1_notes.sql",
        "delete": None,  # no file made it
    }
    assert ask(target, "select count(*) from auth.users") == before
