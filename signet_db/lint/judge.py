"""Run the rules on a database, attribute findings to migrations, and apply the waivers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from psycopg import Connection

from signet_db import history, runner
from signet_db.files import Migration, find
from signet_db.lint.destructive import find_destructive
from signet_db.lint.finding import Finding, Judgement, Rule, Scope
from signet_db.lint.rules import RULES
from signet_db.lint.waivers import apply_waivers, read_waivers
from signet_db.runner import Applied, Event
from signet_db.schemas import exposed_schemas, user_schemas
from signet_db.scratch import scratch_database
from signet_db.target import connected


def judge(connection: Connection[Any], rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """Return what the rules find in a database, by level; changes nothing."""
    with connection.transaction(force_rollback=True):
        scope = Scope(user_schemas(connection), exposed_schemas(connection))
        # So that PostgreSQL prints every name of an expression with its schema.
        connection.execute("set local search_path = ''")
        return tuple(
            Finding(rule, title, detail) for rule in rules for title, detail in rule.find(connection, scope)
        )


def lint_files(connection_string: str, folder: Path) -> Judgement:
    """Judge the migrations of a folder in a scratch database on this server; raises MigrationError."""
    migrations = find(folder)
    waivers = read_waivers(migrations, (rule.id for rule in RULES))
    with scratch_database(connection_string) as scratch:
        runner.upgrade(scratch, folder)
        with connected(scratch, "db lint") as connection:
            found = judge(connection)
    if found:
        found = _with_files(found, connection_string, folder)
    return Judgement(*apply_waivers((*found, *_destructive(migrations)), waivers))


def lint_database(connection_string: str, folder: Path) -> Judgement:
    """Judge a database as it is; the waivers of the folder's files count. Raises MigrationError."""
    migrations = find(folder) if folder.is_dir() else ()
    with connected(connection_string, "db lint") as connection:
        applied = {record.version for record in history.read(connection)}
        found = judge(connection)
    ours = [migration for migration in migrations if migration.version in applied]
    return Judgement(*apply_waivers(found, read_waivers(ours, (rule.id for rule in RULES))))


def _destructive(migrations: Sequence[Migration]) -> tuple[Finding, ...]:
    return tuple(finding for migration in migrations for finding in find_destructive(migration))


def _with_files(found: Sequence[Finding], connection_string: str, folder: Path) -> tuple[Finding, ...]:
    """Apply the files once more, one by one, to see which of them brought each finding."""
    rules = list(dict.fromkeys(finding.rule for finding in found))
    files: dict[tuple[str, str], str] = {}
    with scratch_database(connection_string) as scratch:

        def watch(event: Event) -> None:
            if isinstance(event, Applied):
                with connected(scratch, "db lint") as connection:
                    now = {(one.rule.id, one.object) for one in judge(connection, rules)}
                for gone in files.keys() - now:
                    del files[gone]
                for key in now - files.keys():
                    files[key] = event.migration.path.name

        runner.upgrade(scratch, folder, watch)
    return tuple(replace(one, file=files.get((one.rule.id, one.object))) for one in found)
