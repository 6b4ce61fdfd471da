"""The lint judges files in a scratch database, names the file at fault, and lets a reason allow a finding."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from signet_db import policy_commands, runner
from signet_db.cli import db
from signet_db.errors import FileRefused, MigrationError, MigrationFailed
from signet_db.files import table_text
from signet_db.lint import Judgement, Level, lint_database, lint_files
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from tests.database.conftest import ask
from tests.database.paths import MIGRATIONS

Write = Callable[[str, str], Path]


def findings(judgement: Judgement) -> dict[tuple[str, str], str | None]:
    """Return the errors and warnings that nobody allowed: rule and object, and the file."""
    found = (*judgement.open(Level.ERROR), *judgement.open(Level.WARNING))
    return {(one.rule.id, one.object): one.file for one in found}


def scratch_databases(target: str) -> list[tuple[object, ...]]:
    return ask(target, "select datname from pg_database where datname ~ '^signet_scratch_'")


def test_our_own_migrations_are_clean(unchanging: str) -> None:
    """Not even a note is open, every waiver is needed, and nothing of the scratch database stays."""
    judgement = lint_files(unchanging, MIGRATIONS)
    assert [one for one in judgement.findings if one.reason is None] == []
    assert judgement.unused == ()
    assert ask(unchanging, "select to_regclass('public.profiles')") == [(None,)]


def test_a_table_made_by_the_template_is_clean(unchanging: str, tmp_path: Path) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "29990101000000_add.sql").write_text(table_text("table_of_a_test"))
    judgement = lint_files(unchanging, tmp_path)
    assert [one for one in judgement.findings if one.reason is None] == []


def test_a_finding_names_the_file_that_brought_it_and_left_it(
    unchanging: str, folder: Path, write: Write
) -> None:
    """What a later file mends is no finding; what one brings again is that one's."""
    write("1_make.sql", "create table t (id int primary key); create table u (id int primary key);")
    write("2_mend.sql", "alter table t enable row level security; alter table u enable row level security;")
    write("3_break.sql", "alter table u disable row level security;")
    assert findings(lint_files(unchanging, folder)) == {("rls_disabled", "public.u"): "3_break.sql"}


def test_a_waiver_allows_one_finding_with_its_reason(unchanging: str, folder: Path, write: Write) -> None:
    """Also of a policy with quotes and a colon in its name; one that covers nothing is told."""
    write(
        "1_make.sql",
        "-- signet: allow rls_disabled on public.t: a list of countries\n"
        "create table t (id int primary key); create table u (id int primary key);",
    )
    write(
        "2_more.sql",
        '-- signet: allow policy_without_role on public.v "Who: all": it is meant\n'
        "create table v (id int primary key); alter table v enable row level security;\n"
        'create policy "Who: all" on v for select using (true);',
    )
    write("3_gone.sql", "-- signet: allow rls_disabled on public.w: old\ncreate table w (); drop table w;")
    judgement = lint_files(unchanging, folder)
    assert findings(judgement) == {
        ("rls_disabled", "public.u"): "1_make.sql",
        ("destructive_statement", "drop table w"): "3_gone.sql",
    }
    assert {one.object: one.reason for one in judgement.findings if one.reason} == {
        "public.t": "a list of countries",
        'public.v "Who: all"': "it is meant",
    }
    assert [(waiver.object, waiver.file) for waiver in judgement.unused] == [("public.w", "3_gone.sql")]


@pytest.mark.parametrize(
    ("waiver", "message"),
    [
        ("allow rls_disabled on public.t", "names a rule, an object and a reason"),
        ("allow rls_disabled on public.t: ", "names a rule, an object and a reason"),
        ("allow rls_disabled: because", "names a rule, an object and a reason"),
        ("allow everything on public.t: because", "There is no rule “everything”"),
    ],
)
def test_a_waiver_without_its_parts_is_refused(folder: Path, write: Write, waiver: str, message: str) -> None:
    write("1_make.sql", f"select 1;\n-- signet: {waiver}\nselect 2;")
    with pytest.raises(FileRefused, match=message) as caught:
        lint_files("host=nothing.is.asked", folder)
    assert caught.value.place is not None
    assert caught.value.place.line == 2


def test_a_failing_migration_fails_the_lint_and_leaves_no_database(
    unchanging: str, folder: Path, write: Write
) -> None:
    before = scratch_databases(unchanging)
    write("1_make.sql", "selekt 1;")
    with pytest.raises(MigrationFailed):
        lint_files(unchanging, folder)
    assert scratch_databases(unchanging) == before


def test_a_live_database_is_judged_as_it_is(target: str, folder: Path, write: Write) -> None:
    """Also what no file made; the waivers of files that are applied count."""
    write(
        "1_make.sql", "-- signet: allow rls_disabled on public.t: open\ncreate table t (id int primary key);"
    )
    runner.upgrade(target, folder)
    write("2_more.sql", "-- signet: allow rls_disabled on public.by_hand: not applied yet\nselect 1;")
    with psycopg.connect(target) as connection:
        connection.execute("create table public.by_hand (id int primary key)")
    assert findings(lint_database(target, folder)) == {("rls_disabled", "public.by_hand"): None}


def test_exposed_schemas_are_those_of_the_data_api(
    cluster: Cluster, fresh_database: str, target: str, folder: Path, write: Write
) -> None:
    """A hosted project keeps them as a setting of the role authenticator."""
    write(
        "1_make.sql", "create schema api; create table api.t (id int primary key); create table u (id int);"
    )
    runner.upgrade(target, folder)
    setting = "alter role authenticator in database {} set pgrst.db_schemas = 'api, graphql_public'"
    with psycopg.connect(cluster.dsn(SUPERUSER, fresh_database)) as connection:
        connection.execute(sql.SQL(setting).format(sql.Identifier(fresh_database)))
    assert findings(lint_database(target, folder)) == {("rls_disabled", "api.t"): None}


def test_a_server_without_the_template_is_explained(
    unchanging: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signet_db.scratch.BLANK", "signet_missing")
    with pytest.raises(MigrationError, match="has no template") as caught:
        lint_files(unchanging, folder)
    assert "--database-url" in caught.value.hint


def test_the_command_fails_for_warnings_when_it_is_strict(
    unchanging: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", unchanging)
    write("1_make.sql", "drop table if exists t;")
    arguments = ["lint", "--folder", str(folder)]
    judgement = lint_files(unchanging, folder)
    monkeypatch.setattr(policy_commands, "lint_files", lambda *_: judgement)  # the same for both
    loose = CliRunner().invoke(db, arguments)
    strict = CliRunner().invoke(db, [*arguments, "--strict"])
    assert (loose.exit_code, strict.exit_code) == (0, 1)
    assert "warning: A statement that deletes data      [destructive_statement]" in loose.stdout
    assert "-- signet: allow destructive_statement on drop table if exists t: why" in loose.stdout


def test_the_command_fails_for_errors_and_names_the_file(
    unchanging: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", unchanging)
    write("1_make.sql", "create table t (id int primary key);")
    found = CliRunner().invoke(db, ["lint", "--folder", str(folder), "--json"])
    assert found.exit_code == 1
    (error,) = [one for one in json.loads(found.stdout)["findings"] if one["level"] == "error"]
    assert (error["rule"], error["object"], error["file"], error["allowed"]) == (
        "rls_disabled",
        "public.t",
        "1_make.sql",
        None,
    )


def test_the_command_shows_its_rules() -> None:
    result = CliRunner().invoke(db, ["lint", "--rules"])
    assert result.exit_code == 0
    assert "error    rls_disabled, Supabase 0013\n" in result.stdout
