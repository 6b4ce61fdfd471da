"""Verify tells what became of a database since the last upgrade: by hand, or by another tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db import history, runner, snapshot
from signet_db.cli import db
from signet_db.comparison import State
from signet_db.errors import MigrationFailed
from signet_db.files import find
from signet_db.runner import Applied, Event
from signet_db.verification import Verification, save_baseline, verification_lines, verify
from signet_stack.postgres.cluster import Cluster
from tests.database.conftest import ask
from tests.database.paths import MIGRATIONS

Write = Callable[[str, str], Path]


def by_hand(target: str, statement: str) -> None:
    with psycopg.connect(target) as connection:
        connection.execute(statement.encode())


def drift(found: Verification) -> list[str] | None:
    """Return the objects that differ."""
    return None if found.drift is None else [one.object for one in found.drift]


def test_our_own_migrations_are_sound(cluster: Cluster, migrated_database: str) -> None:
    found = verify(cluster.dsn("postgres", migrated_database), MIGRATIONS)
    assert found.is_sound
    assert drift(found) == []
    ours = find(MIGRATIONS)
    allowed = sum(directive.name == "allow" for one in ours for directive in one.directives)
    assert verification_lines(found) == [
        "History",
        f"  {len(ours)} applied, 0 pending",
        "Rules",
        f"  0 errors, 0 warnings, 0 notes, {allowed} allowed",
        "Drift",
        f"  none since {ours[-1].version}",
    ]


@pytest.mark.parametrize(
    ("statement", "objects"),
    [
        ("alter table public.profiles no force row level security", ["table public.profiles"]),
        ("alter table public.profiles disable row level security", ["table public.profiles"]),
        ("grant select on public.profiles to anon", ["grants on relation public.profiles"]),
        ("grant select (id) on public.profiles to anon", ["grants on column public.profiles.id"]),
        ("grant create on schema public to authenticated", ["grants on schema public"]),
        (
            'drop policy "People delete their own profile" on public.profiles',
            ['policy "People delete their own profile" on public.profiles'],
        ),
        (
            'alter policy "People delete their own profile" on public.profiles using (true)',
            ['policy "People delete their own profile" on public.profiles'],
        ),
        (
            "create or replace function private.session_is_live() returns boolean language sql stable"
            " security definer set search_path = '' as 'select true'",
            ["function private.session_is_live()"],
        ),
        (
            "grant execute on function private.session_is_live() to anon",
            ["grants on function private.session_is_live()"],
        ),
        (
            "alter table public.profiles disable trigger stamp_profile",
            ["trigger stamp_profile on public.profiles"],
        ),
        (
            "alter table public.profiles alter is_public set default true",
            ["column public.profiles.is_public"],
        ),
        ("alter table public.profiles alter user_id drop not null", ["column public.profiles.user_id"]),
        ("drop index public.profiles_public_idx", ["index profiles_public_idx on public.profiles"]),
        (
            "alter table public.profiles drop constraint profiles_avatar_url_check",
            ["constraint public.profiles profiles_avatar_url_check"],
        ),
        ("create view public.v as select 1 as one", ["view public.v"]),
        ("create type public.mood as enum ('good', 'bad')", ["type public.mood"]),
        ("create domain public.short as text check (length(value) < 9)", ["type public.short"]),
        ("create type public.pair as (a int, b int)", ["type public.pair"]),
        ("create sequence public.numbers", ["sequence public.numbers"]),
        (
            "alter default privileges in schema public grant select on tables to anon",
            ["grants on new tables public by postgres"],
        ),
        (
            "create function public.f() returns trigger language plpgsql as 'begin return new; end';"
            "create trigger t after insert on auth.users for each row execute function public.f()",
            ["function public.f()", "trigger t on auth.users"],
        ),
        ("comment on table public.profiles is 'other words'", []),
        ("create extension pg_trgm schema public", []),
    ],
)
def test_a_change_by_hand_is_found(
    migrated: Connection[TupleRow], statement: str, objects: list[str]
) -> None:
    before = snapshot.take(migrated)
    migrated.execute(statement.encode())
    assert [one.object for one in snapshot.differences(before, snapshot.take(migrated))] == objects


def test_drift_makes_a_database_unsound_until_it_is_accepted(target: str) -> None:
    """Compared with what the upgrade kept, and then with what was accepted."""
    runner.upgrade(target, MIGRATIONS)
    before = verify(target, MIGRATIONS)
    assert (drift(before), before.is_sound) == ([], True)
    by_hand(target, "create schema other")
    found = verify(target, MIGRATIONS)
    assert (drift(found), found.is_sound) == (["grants on schema other"], False)
    save_baseline(target, lambda holder: None)
    after = verify(target, MIGRATIONS)
    assert (drift(after), after.is_sound) == ([], True)


def test_a_history_of_another_tool_is_not_compared(target: str, folder: Path, write: Write) -> None:
    """Its changes are meant to be there, and we do not know them."""
    write("1_one.sql", "create schema one;")
    runner.upgrade(target, folder)
    write("2_two.sql", "create schema two;")
    by_hand(
        target,
        "create schema two; insert into supabase_migrations.schema_migrations (version, name, statements)"
        " values ('2', 'two', array['create schema two'])",
    )
    found = verify(target, folder)
    assert drift(found) is None
    assert found.is_sound
    assert "not compared: another tool changed the history after 1" in "\n".join(verification_lines(found))


def test_the_catalogue_is_kept_when_a_later_file_fails(target: str, folder: Path, write: Write) -> None:
    write("1_one.sql", "create schema one;")
    path = write("2_two.sql", "select x;")
    with pytest.raises(MigrationFailed):
        runner.upgrade(target, folder)
    path.unlink()
    assert drift(verify(target, folder)) == []


def test_a_kill_after_the_last_commit_loses_no_snapshot(target: str, folder: Path, write: Write) -> None:
    """Snapshot and history row are written by one transaction."""
    write("1_one.sql", "create schema one;")
    write("2_two.sql", "create schema two;")
    runner.upgrade(target, folder)
    same = """
        select count(*) from supabase_migrations.signet_catalogue c
        join supabase_migrations.schema_migrations h on h.version = c.version and h.xmin = c.xmin
    """
    assert ask(target, same) == [(1,)]


def test_a_kill_between_two_files_is_not_another_tool(target: str, folder: Path, write: Write) -> None:
    write("1_one.sql", "create schema one;")
    runner.upgrade(target, folder)
    write("2_two.sql", "create schema two;")
    with psycopg.connect(target) as connection:  # as it is after the second of three files
        connection.execute("create schema two")
        history.record(connection, find(folder)[1])
    lines = verification_lines(verify(target, folder))
    assert "  not compared: the upgrade after 1 did not finish" in lines


def test_an_interrupt_between_two_files_leaves_a_snapshot_of_the_first(
    target: str, folder: Path, write: Write
) -> None:
    write("1_one.sql", "create schema one;")
    two = write("2_two.sql", "create schema two;")

    def end_after_the_first(event: Event) -> None:
        if isinstance(event, Applied):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.upgrade(target, folder, end_after_the_first)
    two.unlink()
    assert drift(verify(target, folder)) == []
    by_hand(target, "create function one.f() returns int language sql as 'select 1'")
    assert drift(verify(target, folder)) == ["function one.f()"]


def test_edited_and_missing_files_are_conflicts(target: str, folder: Path, write: Write) -> None:
    one = write("1_one.sql", "create schema one;")
    two = write("2_two.sql", "create schema two;")
    runner.upgrade(target, folder)
    one.write_text("create schema uno;")
    two.unlink()
    found = verify(target, folder)
    assert [entry.state for entry in found.conflicts] == [State.EDITED, State.MISSING]
    assert not found.is_sound
    assert "  ! 1 one: edited after it was applied" in verification_lines(found)
    assert verification_lines(found)[-1] == "Next: flask db status"


def test_the_last_line_is_the_next_step_and_the_only_one(target: str, folder: Path, write: Write) -> None:
    """Also where nothing but a rule is broken."""
    write("1_one.sql", "create table one (id int primary key);")
    runner.upgrade(target, folder)
    lines = verification_lines(verify(target, folder))
    assert [line for line in lines if "Next:" in line] == lines[-1:]
    assert lines[-1].endswith("-- signet: allow rls_disabled on public.one: why")


def test_the_command_fails_until_the_database_is_sound(
    target: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", target)
    write("1_one.sql", "create schema one;")
    runner.upgrade(target, folder)
    by_hand(target, "create function one.f() returns int language sql as 'select 1'")
    arguments = ["verify", "--folder", str(folder)]
    before = CliRunner().invoke(db, [*arguments, "--json"])
    assert before.exit_code == 1
    found = json.loads(before.stdout)
    assert found["is_sound"] is False
    assert [one["object"] for one in found["drift"]] == ["function one.f()"]
    assert found["drift"][0]["before"] is None
    shown = CliRunner().invoke(db, arguments)
    assert "  ! new      function one.f()" in shown.stdout
    assert "--baseline" in shown.stdout.splitlines()[-1]
    accepted = CliRunner().invoke(db, [*arguments, "--baseline"])
    assert accepted.exit_code == 0
