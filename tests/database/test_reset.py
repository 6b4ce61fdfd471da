"""A reset rebuilds the database from the files; a refused file changes nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from signet_db import history, reset, runner
from signet_db.errors import MigrationFailed
from signet_db.runner import Event, Warned, ignore
from tests.database.conftest import ask

Write = Callable[[str, str], Path]

ROLE = f"editor_{secrets.token_hex(4)}"  # roles belong to the server, which other tests use too
EVERYTHING = f"""
    create role {ROLE};
    grant {ROLE} to postgres with inherit true, set true;
    create schema _internal create table hidden (a int);
    create schema cron;
    create table cron.job (a int);
    grant create on schema public to {ROLE};
    create schema theirs authorization {ROLE};
    create function extensions.twice(a int) returns int language sql as 'select 2 * a';
    create type extensions.mood as enum ('sad');
    select lo_from_bytea(0, 'large');
    create extension pg_trgm with schema extensions;
    create table notes (a int);
    create publication things for table notes;
    create materialized view sums as select sum(a) from notes;
    create collation german from "C";
    create text search configuration plain (copy = simple);
    create statistics notes_a on (a + 1), (a + 2) from notes;
    create aggregate total (int) (sfunc = int4pl, stype = int);
    create operator === (leftarg = int, rightarg = int, function = int4eq);
    create domain short as text check (length(value) < 9);
    create function stamp() returns trigger language plpgsql as 'begin return new; end';
    create trigger on_user after insert on auth.users for each row execute function stamp();
"""


@pytest.fixture
def everything(target: str, folder: Path, write: Write) -> Iterator[str]:
    """Return a database in which a migration has made an object of every kind that a reset drops."""
    write("1_everything.sql", EVERYTHING)
    runner.upgrade(target, folder)
    yield target
    for path in folder.iterdir():
        path.unlink()
    reset.reset(target, folder, ignore)


def test_a_reset_drops_every_kind_of_object_and_builds_it_again(everything: str, folder: Path) -> None:
    """Twice, so that nothing of the first run is in the way of the second."""
    for _ in range(2):
        assert len(reset.reset(everything, folder, ignore)) == 1
    assert ask(everything, "select count(*) from pg_largeobject_metadata") == [(1,)]


def test_a_reset_leaves_nothing_that_the_files_no_longer_make(
    everything: str, folder: Path, write: Write
) -> None:
    write("1_everything.sql", "create table only_this ();")
    reset.reset(everything, folder, ignore)
    assert [schema for (schema,) in ask(everything, SCHEMAS)] == ["public", "supabase_migrations"]
    assert ask(everything, f"select from pg_roles where rolname = '{ROLE}'") == []
    assert ask(everything, "select from pg_largeobject_metadata") == []
    assert ask(everything, "select from pg_proc where proname in ('twice', 'stamp', 'similarity')") == []
    assert ask(everything, "select relname from pg_class where relnamespace = 'public'::regnamespace") == [
        ("only_this",)
    ]


SCHEMAS = """
    select nspname from pg_namespace
    where nspowner in ('postgres'::regrole, 'pg_database_owner'::regrole) and nspname <> 'extensions'
    order by 1
"""


def test_a_refused_file_leaves_the_database_as_it_was(everything: str, folder: Path, write: Write) -> None:
    with psycopg.connect(everything) as connection:
        connection.execute("insert into notes values (1)")
        before = history.read(connection)
    write("2_wrong.sql", "create table two ();\nselect b from notes;")
    with pytest.raises(MigrationFailed) as caught:
        reset.reset(everything, folder, ignore)
    assert caught.value.place is not None
    assert (caught.value.place.path.name, caught.value.place.line) == ("2_wrong.sql", 2)
    assert caught.value.kept == "Nothing was changed: the database is as it was before the reset."
    assert caught.value.hint == "Correct the file, then run  flask db reset"
    assert ask(everything, "select a from notes") == [(1,)]
    assert ask(everything, f"select rolname from pg_roles where rolname = '{ROLE}'") == [(ROLE,)]
    with psycopg.connect(everything) as connection:
        assert history.read(connection) == before


def test_rows_in_the_tables_of_auth_are_kept_and_named(target: str, folder: Path, write: Write) -> None:
    """A migration that inserts an account is refused the second time; the hint names the way out."""
    user = uuid4()
    write("1_one.sql", f"create table one (); insert into auth.users (id) values ('{user}');")
    runner.upgrade(target, folder)
    with pytest.raises(MigrationFailed) as caught:
        reset.reset(target, folder, ignore)
    assert caught.value.sqlstate == "23505"
    assert "flask local reset" in caught.value.hint
    assert ask(target, "select to_regclass('one') is not null") == [(True,)]
    write("1_one.sql", f"insert into auth.users (id) values ('{user}') on conflict do nothing;")
    reset.reset(target, folder, ignore)
    assert ask(target, "select id from auth.users") == [(user,)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("create table one (a int);", "-- signet: no-transaction\ncreate index concurrently on one (a);"),
        ("create type mood as enum ('sad');", "-- signet: as-written\nbegin; create table two (); commit;"),
        (
            "create table one (a int primary key, b int references one deferrable initially deferred);"
            " insert into one values (1, 1);",
            "alter table one add c int;",
        ),
    ],
    ids=["no-transaction", "as-written", "pending trigger events"],
)
def test_files_that_cannot_share_a_transaction_are_tried_first(
    target: str, folder: Path, write: Write, first: str, second: str
) -> None:
    write("1_one.sql", first)
    write("2_two.sql", second)
    for _ in range(2):
        assert len(reset.reset(target, folder, ignore)) == 2
    write("3_three.sql", "select 1;\nselekt 2;")
    before = ask(target, "select version from supabase_migrations.schema_migrations")
    with pytest.raises(MigrationFailed) as caught:
        reset.reset(target, folder, ignore)
    assert caught.value.kept.startswith("Nothing was changed")
    assert ask(target, "select version from supabase_migrations.schema_migrations") == before


def test_a_role_that_another_database_needs_stays_with_a_warning(
    target: str, unchanging: str, folder: Path, write: Write
) -> None:
    role = f"shared_{secrets.token_hex(4)}"
    write("1_one.sql", f"create role {role};")
    runner.upgrade(target, folder)
    name = sql.Identifier(role)
    with psycopg.connect(unchanging) as other:
        other.execute(sql.SQL("grant create on schema public to {}").format(name))
    write("1_one.sql", "select 1;")
    events: list[Event] = []
    try:
        reset.reset(target, folder, events.append)
    finally:
        with psycopg.connect(unchanging) as other:
            other.execute(sql.SQL("grant {} to current_user").format(name))
            other.execute(sql.SQL("drop owned by {}").format(name))
            other.execute(sql.SQL("drop role {}").format(name))
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert f"The role {role} stays" in warning.message
    assert "flask local reset" in warning.hint


def test_a_role_that_no_migration_made_stays(target: str, folder: Path, write: Write) -> None:
    """Roles belong to the server: another database's may be anybody's."""
    role = f"elsewhere_{secrets.token_hex(4)}"
    write("1_one.sql", "create table one ();")
    runner.upgrade(target, folder)
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        reset.reset(target, folder, ignore)
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def test_what_the_platform_brings_along_is_nobodys_to_drop(target: str, folder: Path) -> None:
    """A reset of a database without migrations changes neither objects nor roles nor default privileges."""
    state = """
        select classid::regclass::text, objid::text from pg_shdepend where dbid = (
            select oid from pg_database where datname = current_database())
        union all select 'role', rolname from pg_roles
        union all select 'default', pg_default_acl::text from pg_default_acl
        union all select 'policy', oid::text from pg_policy
        union all select 'public', nspacl::text from pg_namespace where nspname = 'public'
        order by 1, 2
    """
    reset.reset(target, folder, ignore)  # makes the history
    before = ask(target, state)
    reset.reset(target, folder, ignore)
    after = ask(target, state)
    made = {"pg_class", "pg_namespace"}  # the history's own tables are made anew
    assert [row for row in after if row[0] not in made] == [row for row in before if row[0] not in made]
    assert len(after) == len(before)


def test_policies_and_publications_on_the_services_tables_are_built_again(
    target: str, folder: Path, write: Write
) -> None:
    """Their tables stay, and with them what a migration added there, unless the reset drops it."""
    text = """
        create function public.greet() returns trigger language plpgsql as 'begin return new; end';
        create trigger greet after insert on auth.users for each row execute function public.greet();
        create policy "Anyone reads" on storage.objects for select using (true);
        create policy "Anyone listens" on realtime.messages for select to authenticated using (true);
        create table public.watched (id int primary key);
        alter publication supabase_realtime add table public.watched;
        create extension http with schema extensions;
        create extension vector;
    """
    write("1_one.sql", text)
    runner.upgrade(target, folder)
    events: list[Event] = []
    for _ in range(2):
        reset.reset(target, folder, events.append)
    assert not [event for event in events if isinstance(event, Warned)]
    write("1_one.sql", "drop publication supabase_realtime; create publication supabase_realtime;")
    reset.reset(target, folder, ignore)
    tables = "array['storage.objects', 'realtime.messages']::regclass[]"
    policies = f"select polname from pg_policy where polrelid = any ({tables})"
    assert ask(target, policies) == []
    assert ask(target, "select tgname from pg_trigger where tgname = 'greet'") == []
    write("1_one.sql", text)
    reset.reset(target, folder, ignore)
    tables = "select tablename from pg_publication_tables where pubname = 'supabase_realtime'"
    assert ask(target, tables) == [("watched",)]
