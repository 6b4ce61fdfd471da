"""An upgrade applies each file wholly or not at all, and says exactly what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from signet_db import files, history, runner
from signet_db.comparison import State
from signet_db.errors import (
    DatabaseUnreachable,
    FileRefused,
    HistoryConflict,
    MigrationError,
    MigrationFailed,
)
from signet_db.runner import Applied, Applying, Event, Noticed, Waiting, Warned
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from tests.database.conftest import ask
from tests.support.patience import HANG_SECONDS

Write = Callable[[str, str], Path]
HISTORY = "select version, name, statements from supabase_migrations.schema_migrations order by version"


def tables(target: str) -> set[object]:
    """Return the names of the tables in schema public."""
    return {row[0] for row in ask(target, "select tablename from pg_tables where schemaname = 'public'")}


def test_applies_files_in_order_and_records_them_as_supabase_does(
    target: str, folder: Path, write: Write
) -> None:
    """The history holds version, name and the statements without their semicolons."""
    write("20260101000000_one.sql", "-- first\ncreate table one (a int); -- said\ncreate index on one (a);\n")
    write("20260102000000_two.sql", "create table two (b int);")
    events: list[Event] = []
    applied = runner.upgrade(target, folder, events.append)
    assert [one.migration.name for one in applied] == ["one", "two"]
    assert [type(event) for event in events] == [Applying, Applied, Applying, Applied]
    assert tables(target) == {"one", "two"}
    assert ask(target, HISTORY) == [
        ("20260101000000", "one", ["-- first\ncreate table one (a int)", "-- said\ncreate index on one (a)"]),
        ("20260102000000", "two", ["create table two (b int)"]),
    ]


def test_a_second_upgrade_has_nothing_to_do(target: str, folder: Path, write: Write) -> None:
    write("20260101000000_one.sql", "create table one ();")
    assert len(runner.upgrade(target, folder)) == 1
    assert runner.upgrade(target, folder) == ()


def test_a_failed_file_leaves_nothing_and_stops_the_run(target: str, folder: Path, write: Write) -> None:
    """What the file made is gone, the file before stays, the file after is not tried."""
    write("20260101000000_one.sql", "create table one (owner uuid);")
    write("20260102000000_two.sql", "create table two ();\nselect 1,\n    ownr from one;\n")
    write("20260103000000_three.sql", "create table three ();")
    with pytest.raises(MigrationFailed) as caught:
        runner.upgrade(target, folder)
    error = caught.value
    assert (error.sqlstate, error.message) == ("42703", 'column "ownr" does not exist')
    assert error.place is not None
    assert (error.place.path.name, error.place.line) == ("20260102000000_two.sql", 3)
    assert error.place.excerpt() == ("    ownr from one;", "    ^")
    assert any("one.owner" in detail for detail in error.details)
    assert "1 earlier file is applied" in error.kept
    assert tables(target) == {"one"}
    assert [row[0] for row in ask(target, HISTORY)] == ["20260101000000"]


@pytest.mark.parametrize(
    ("text", "sqlstate", "line"),
    [
        (
            "create table t (a int unique);\ninsert into t values (1);\n\ninsert into t\nvalues (1);",
            "23505",
            4,
        ),
        ("select 1;\ndo $$ begin\n  raise exception 'no';\nend $$;", "P0001", 2),
        ("create table t (a int);\n\nselekt 1;", "42601", 3),
        ("-- äöü 漢字\ncreate table t (a int); select 'ä', x from t;", "42703", 2),
        ("create table t (a int);\r\n\r\nselect x from t;\r\n", "42703", 3),
        ("\ufeff-- mark\nselect x;", "42703", 2),
        (
            "create table t (a int primary key, b int references t deferrable initially deferred);\n"
            "insert into t values (1, 2);\n",
            "23503",
            2,
        ),
        ("select 1;\nvacuum;", "25001", 2),
    ],
    ids=[
        "constraint",
        "in-a-body",
        "syntax",
        "wide-characters",
        "crlf",
        "byte-order-mark",
        "deferred",
        "vacuum",
    ],
)
def test_the_line_of_the_failure_is_found(
    unchanging: str, folder: Path, write: Write, text: str, sqlstate: str, line: int
) -> None:
    """Also where the server gives no position, and where bytes and characters differ."""
    write("20260101000000_one.sql", text)
    with pytest.raises(MigrationFailed) as caught:
        runner.upgrade(unchanging, folder)
    assert caught.value.place is not None
    assert (caught.value.sqlstate, caught.value.place.line) == (sqlstate, line)
    assert tables(unchanging) == set()
    assert ask(unchanging, HISTORY) == []


REMEDIES = {
    "25001": ("create index concurrently on kept (a);", "put it into a file of its own"),
    "55P03": ("set lock_timeout = '1ms'; lock table kept;", "Another session holds a lock"),
    "55P04": ("alter type mood add value 'glad'; select 'glad'::mood;", "split the file in two"),
    "42501": ("alter table auth.users add column a int;", "auth and storage belong to the services"),
    "42P07": ("create table kept ();", "flask db repair 2 --applied"),
    "57014": ("set statement_timeout = '1ms'; select pg_sleep(1);", "set statement_timeout = 0"),
    "0A000": ("create extension made_up;", "local stack does not: docs/local-stack.md#extensions"),
    "3F000": ("create table pgmq.keys ();", "local stack does not: docs/local-stack.md#schemas"),
    "42704": ("create policy a on kept to supabase_unknown;", "docs/local-stack.md#roles"),
    "42703": ("select b from kept;", "Correct the file, then run  flask db upgrade"),
}


def test_a_call_of_an_extension_that_only_hosted_projects_have_names_its_section(
    target: str, folder: Path, write: Write
) -> None:
    write("1_one.sql", "create extension http;\nselect http_get('https://example.com');")
    with pytest.raises(MigrationFailed) as caught:
        runner.upgrade(target, folder)
    assert "docs/local-stack.md#extensions" in caught.value.hint


def test_each_frequent_failure_has_its_own_next_step(target: str, folder: Path, write: Write) -> None:
    write("1_one.sql", "create table kept (a int); create type mood as enum ('sad');")
    runner.upgrade(target, folder)
    with psycopg.connect(target) as other:
        other.execute("select from kept")  # and keeps reading it
        for sqlstate, (text, step) in REMEDIES.items():
            write("2_two.sql", text)
            with pytest.raises(MigrationFailed) as caught:
                runner.upgrade(target, folder)
            assert (caught.value.sqlstate, step in caught.value.hint) == (sqlstate, True)
            assert caught.value.kept == "Nothing from this file was kept."


def test_a_history_of_an_older_cli_is_read_and_completed(target: str, folder: Path, write: Write) -> None:
    """Its table had the versions alone; the columns that are missing are added, its rows stay as they are."""
    with psycopg.connect(target) as cli:
        cli.execute("create schema supabase_migrations")
        cli.execute("create table supabase_migrations.schema_migrations (version text not null primary key)")
        cli.execute("insert into supabase_migrations.schema_migrations values ('1')")
    write("1_one.sql", "create table one ();")
    write("2_two.sql", "create table two ();")
    assert [entry.state for entry in runner.status(target, folder)] == [State.APPLIED, State.PENDING]
    runner.upgrade(target, folder)
    assert tables(target) == {"two"}
    assert ask(target, HISTORY) == [("1", None, None), ("2", "two", ["create table two ()"])]


def test_settings_and_role_of_one_file_do_not_reach_the_next(target: str, folder: Path, write: Write) -> None:
    """And a file that changes the role is recorded all the same."""
    write(
        "20260101000000_one.sql",
        "set search_path = pg_catalog; grant create on schema public to anon; set role anon;",
    )
    write("20260102000000_two.sql", "create table two ();")
    runner.upgrade(target, folder)
    assert ask(target, "select tableowner from pg_tables where tablename = 'two'") == [("postgres",)]
    assert len(ask(target, HISTORY)) == 2


def test_whom_a_superuser_becomes_does_not_reach_the_next_file(
    cluster: Cluster, fresh_database: str, folder: Path, write: Write
) -> None:
    """RESET ALL leaves the session's authorization as it is."""
    target = cluster.dsn(SUPERUSER, fresh_database)
    write("1_one.sql", "set session authorization anon;")
    write("2_two.sql", "create table two as select session_user::text as name;")
    write("3_three.sql", "-- signet: no-transaction\nset session authorization anon;")
    write("4_four.sql", "-- signet: no-transaction\ninsert into two select session_user;")
    runner.upgrade(target, folder)
    assert ask(target, "select * from two") == [(SUPERUSER,), (SUPERUSER,)]
    assert len(ask(target, HISTORY)) == 4


def test_what_a_file_sets_does_not_reach_one_without_a_transaction(
    target: str, folder: Path, write: Write
) -> None:
    write("1_one.sql", "create schema other; set search_path = other;")
    write("2_two.sql", "-- signet: no-transaction\ncreate table two ();")
    runner.upgrade(target, folder)
    assert tables(target) == {"two"}


def test_a_file_does_not_wait_long_for_a_lock(target: str, folder: Path, write: Write) -> None:
    """Behind a lock that waits, everybody else would wait too."""
    write("1_one.sql", "create table one as select current_setting('lock_timeout') as lock_timeout;")
    runner.upgrade(target, folder)
    assert ask(target, "select * from one") == [("4s",)]


def test_the_data_api_is_told_to_read_the_schema_again(target: str, folder: Path, write: Write) -> None:
    """Also by a file that changes nothing which a server would tell by itself."""
    write("1_one.sql", "select 1;")
    runner.upgrade(target, folder)
    write("2_two.sql", "select 2;")
    with psycopg.connect(target, autocommit=True) as data_api:
        data_api.execute("listen pgrst")
        runner.upgrade(target, folder)
        said = [notice.payload for notice in data_api.notifies(timeout=HANG_SECONDS, stop_after=1)]
    assert said == ["reload schema"]


def test_a_transaction_that_ended_all_the_same_is_noticed(
    target: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the check before the run ever misses something."""
    monkeypatch.setattr(runner, "check", lambda migration: None)
    write("1_one.sql", "create table one (); commit;")
    with pytest.raises(FileRefused, match="ended its own transaction"):
        runner.upgrade(target, folder)
    assert ask(target, HISTORY) == []


def test_two_runs_at_once_apply_every_file_once(target: str, folder: Path, write: Write) -> None:
    """The second waits, says for whom, and then finds nothing to do."""
    write("20260101000000_one.sql", "create table one (); select pg_advisory_xact_lock(1);")
    write("20260102000000_two.sql", "create table two ();")
    results: list[int] = []
    events: list[Event] = []
    began = threading.Event()

    def first(event: Event) -> None:
        if isinstance(event, Applying):
            began.set()

    with psycopg.connect(target, autocommit=True) as delay:
        delay.execute("select pg_advisory_lock(1)")

        def second(event: Event) -> None:
            events.append(event)
            delay.execute("select pg_advisory_unlock(1)")

        one = threading.Thread(target=lambda: results.append(len(runner.upgrade(target, folder, first))))
        one.start()
        assert began.wait(HANG_SECONDS)
        results.append(len(runner.upgrade(target, folder, second)))
        one.join(30)
    assert sorted(results) == [0, 2]
    assert isinstance(events[0], Waiting)
    assert "signet db upgrade" in str(events[0].holder)
    assert tables(target) == {"one", "two"}


def test_a_lost_connection_leaves_nothing_of_the_file(unchanging: str, folder: Path, write: Write) -> None:
    write("20260101000000_one.sql", "create table one (); select pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(MigrationError):
        runner.upgrade(unchanging, folder)
    assert tables(unchanging) == set()


def test_notices_are_passed_on(target: str, folder: Path, write: Write) -> None:
    write("20260101000000_one.sql", "do $$ begin raise warning 'mind this'; end $$;")
    events: list[Event] = []
    runner.upgrade(target, folder, events.append)
    assert Noticed("WARNING", "mind this") in events


def test_a_refused_file_stops_the_run_before_anything_is_applied(
    unchanging: str, folder: Path, write: Write
) -> None:
    write("20260101000000_one.sql", "create table one ();")
    write("20260102000000_two.sql", "create table two ();\ncommit;")
    with pytest.raises(FileRefused) as caught:
        runner.upgrade(unchanging, folder)
    assert caught.value.place is not None
    assert caught.value.place.line == 2
    assert tables(unchanging) == set()


def test_a_commit_that_no_lexer_sees_does_not_pass(unchanging: str, folder: Path, write: Write) -> None:
    """A procedure cannot commit in a real transaction block."""
    write("20260101000000_one.sql", "create table one (); do $$ begin commit; end $$;")
    with pytest.raises(MigrationFailed, match="invalid transaction termination"):
        runner.upgrade(unchanging, folder)
    assert tables(unchanging) == set()


def test_history_conflicts_stop_the_run(
    target: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited, missing and late files: nothing is run, and the next step is named."""
    write("20260102000000_two.sql", "create table two ();")
    path = write("20260103000000_three.sql", "create table three ();")
    runner.upgrade(target, folder)
    late = write("20260101000000_one.sql", "create table one ();")
    with pytest.raises(HistoryConflict, match="newer ones are") as caught:
        runner.upgrade(target, folder)
    assert "--include-all" in caught.value.hint
    path.write_text("create table three (a int);")
    with pytest.raises(HistoryConflict, match="edited") as caught:
        runner.upgrade(target, folder, include_all=True)
    assert "repair 20260103000000 --applied" in caught.value.hint
    path.unlink()
    monkeypatch.setattr(runner, "is_on_loopback", lambda connection: False)
    with pytest.raises(HistoryConflict, match="its file is not here") as caught:
        runner.upgrade(target, folder, include_all=True)
    assert "repair 20260103000000 --reverted" in caught.value.hint
    path.write_text("create table three ();")
    assert [one.migration.path for one in runner.upgrade(target, folder, include_all=True)] == [late]


def test_another_branchs_file_is_a_warning_on_this_machine(target: str, folder: Path, write: Write) -> None:
    """Its file is gone with the branch: the older pending file of this branch is applied all the same."""
    write("20260101000000_one.sql", "create table one ();")
    other = write("20260103000000_other.sql", "create table other ();")
    runner.upgrade(target, folder)
    other.unlink()
    write("20260102000000_two.sql", "create table two ();")
    events: list[Event] = []
    applied = runner.upgrade(target, folder, events.append)
    assert [one.migration.name for one in applied] == ["two"]
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert "20260103000000 other is applied here, but its file is not" in warning.message
    assert "Check out that branch" in warning.hint
    assert "flask db reset" in warning.hint
    states = [entry.state for entry in runner.status(target, folder)]
    assert states == [State.APPLIED, State.APPLIED, State.MISSING]


WRAPPED = "-- why\nbegin;\n\ncreate table one (a int);\n-- said\ncommit;\n"


@pytest.mark.parametrize(
    "text",
    [
        WRAPPED,
        WRAPPED.replace("begin", "BEGIN TRANSACTION").replace("commit", "END WORK"),
        WRAPPED.replace("begin", "start transaction").replace("commit;", "commit -- done"),
    ],
)
def test_a_wrapping_transaction_is_recorded_and_not_run(
    target: str, folder: Path, write: Write, text: str
) -> None:
    """The history has the statements that Supabase's CLI records, BEGIN and COMMIT included."""
    write("1_one.sql", text)
    runner.upgrade(target, folder)
    assert tables(target) == {"one"}
    (row,) = ask(target, HISTORY)
    recorded = row[2]
    assert isinstance(recorded, list)
    begin, create, end = recorded[:3]
    assert (begin.split()[2].lower(), create, end[:7]) == (
        text.split()[2].lower().rstrip(";"),
        "create table one (a int)",
        "-- said",
    )
    with psycopg.connect(target) as cli:  # which keeps no checksum
        cli.execute("delete from supabase_migrations.signet_files")
    assert [entry.state for entry in runner.status(target, folder)] == [State.APPLIED]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("begin;\ncreate table one ();\n\nselect x from one;\ncommit;", 4),
        ("begin;\ncreate table one (a int unique);\ninsert into one values (1), (1);\nend;", 3),
    ],
    ids=["with a position", "without"],
)
def test_the_line_in_a_wrapped_file_is_found(
    unchanging: str, folder: Path, write: Write, text: str, line: int
) -> None:
    write("1_one.sql", text)
    with pytest.raises(MigrationFailed) as caught:
        runner.upgrade(unchanging, folder)
    assert caught.value.place is not None
    assert caught.value.place.line == line
    assert tables(unchanging) == set()


def test_a_file_as_written_controls_its_own_transactions(target: str, folder: Path, write: Write) -> None:
    """What it committed stays when a later statement is refused, and the error says so."""
    path = write(
        "1_one.sql",
        "-- signet: as-written\nbegin; create table one (); commit;\n"
        "create table two (); begin; create table three (); selekt 1; commit;",
    )
    with pytest.raises(MigrationFailed) as caught:
        runner.upgrade(target, folder)
    assert "6 of its 8 statements are done; what they committed stays" in caught.value.kept
    assert tables(target) == {"one", "two"}
    path.write_text("-- signet: as-written\nbegin; create table three ();")
    with pytest.raises(FileRefused, match="began a transaction and did not end it"):
        runner.upgrade(target, folder)
    assert ask(target, HISTORY) == []
    write("1_one.sql", "-- signet: as-written\nbegin; create table three (); commit; vacuum three;")
    runner.upgrade(target, folder)
    assert tables(target) == {"one", "two", "three"}
    assert [row[0] for row in ask(target, HISTORY)] == ["1"]


@pytest.mark.parametrize("text", ["", "-- to be written\n"])
def test_a_file_without_sql_is_recorded_with_a_warning_when_it_is_the_newest(
    target: str, folder: Path, write: Write, text: str
) -> None:
    write("1_one.sql", text)
    write("2_two.sql", "create table two ();")
    events: list[Event] = []
    runner.upgrade(target, folder, events.append)
    assert not any(isinstance(event, Warned) for event in events)
    write("3_three.sql", text)
    runner.upgrade(target, folder, events.append)
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert "3_three.sql has no statement yet" in warning.message
    expected = [text.strip()] if text else []
    assert [row[2] for row in ask(target, HISTORY)] == [expected, ["create table two ()"], expected]
    write("3_three.sql", "create table three ();")
    with pytest.raises(HistoryConflict) as caught:
        runner.upgrade(target, folder)
    assert "flask db repair 3 --reverted" in caught.value.hint


def test_a_dry_run_tries_the_statements_and_rolls_back(target: str, folder: Path, write: Write) -> None:
    """Files see what the files before them made; a mistake is found as an upgrade would find it."""
    write("1_one.sql", "create table one (a int); set role anon;")
    write("2_two.sql", "create table two as select a from one;")
    trial = runner.try_out(target, folder)
    assert ([one.name for one in trial.tried], trial.untried) == (["one", "two"], ())
    assert ask(target, "select to_regnamespace('supabase_migrations') is null") == [(True,)]
    write("3_three.sql", "create table three ();\nselect b from two;")
    with pytest.raises(MigrationFailed) as caught:
        runner.try_out(target, folder)
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.kept) == (2, "This was a dry run: nothing was changed.")
    assert tables(target) == set()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("create table one (a int);", "-- signet: no-transaction\nvacuum one;"),
        (
            "create table one (a int primary key, b int references one deferrable initially deferred);"
            " insert into one values (1, 1);",
            "alter table one add c int;",
        ),
    ],
    ids=["without a transaction", "after a commit"],
)
def test_a_dry_run_ends_where_a_commit_is_needed(
    target: str, folder: Path, write: Write, first: str, second: str
) -> None:
    write("1_one.sql", first)
    write("2_two.sql", second)
    write("3_three.sql", "create table three ();")
    trial = runner.try_out(target, folder)
    assert ([one.name for one in trial.tried], [one.name for one in trial.untried]) == (
        ["one"],
        ["two", "three"],
    )
    assert tables(target) == set()
    assert len(runner.upgrade(target, folder)) == 3


def test_a_dry_run_finds_a_violation_that_only_the_commit_would(
    unchanging: str, folder: Path, write: Write
) -> None:
    write(
        "1_one.sql",
        "create table one (a int primary key, b int references one deferrable initially deferred);"
        " insert into one values (1, 2);",
    )
    with pytest.raises(MigrationFailed, match="foreign key constraint"):
        runner.try_out(unchanging, folder)


def test_our_own_tables_bring_no_notice(target: str, folder: Path, write: Write) -> None:
    """The schema and table of an older CLI exist already, and are completed without a word."""
    with psycopg.connect(target) as cli:
        cli.execute("create schema supabase_migrations")
        cli.execute("create table supabase_migrations.schema_migrations (version text not null primary key)")
    write("1_one.sql", "create table one ();")
    events: list[Event] = []
    runner.upgrade(target, folder, events.append)
    assert [type(event) for event in events] == [Applying, Applied]


def test_status_reads_no_statements_of_unchanged_files(target: str, folder: Path, write: Write) -> None:
    """And lexes no file: 50 MB of inserts stay where they are."""
    write("1_one.sql", "create table one ();")
    path = write("2_two.sql", "create table two ();")
    runner.upgrade(target, folder)
    with psycopg.connect(target) as connection:
        migrations = files.find(folder)
        assert [record.statements for record in history.read(connection, migrations)] == [None, None]
        path.write_text("create table two (); -- edited")
        records = history.read(connection, files.find(folder))
    assert [record.statements for record in records] == [None, ("create table two ()",)]
    assert "statements" not in vars(migrations[0])


def test_a_shutdown_during_a_run_is_a_lost_connection(unchanging: str, folder: Path, write: Write) -> None:
    """It is no missing right, and not the file's fault either."""
    write("1_one.sql", "select pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(DatabaseUnreachable, match="broke") as caught:
        runner.upgrade(unchanging, folder)
    assert "Check that the server is running" in caught.value.hint
