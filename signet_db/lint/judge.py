"""Run the rules on a database, attribute findings to migrations, and apply the waivers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from psycopg import Connection

from signet_db import history
from signet_db.files import Migration, find
from signet_db.lint.destructive import find_destructive
from signet_db.lint.finding import Finding, Judgement, Rule, Scope
from signet_db.lint.rules import RULES
from signet_db.lint.waivers import apply_waivers, read_waivers
from signet_db.rehearsal import Rehearsal, applied
from signet_db.schemas import exposed_schemas, user_schemas
from signet_db.sources import place_of
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
    """Judge the migrations of a folder in a scratch database on this server; raises MigrationError.

    They are applied in one transaction that is rolled back, so that roles and their settings, which belong to
    the whole cluster, stay as they are.
    """
    migrations = find(folder)
    waivers = read_waivers(migrations, (rule.id for rule in RULES))
    with applied(connection_string, migrations, "db lint") as rehearsal:
        found = judge(rehearsal.connection)
        if found:
            found = _with_places(rehearsal, found)
    return Judgement(*apply_waivers((*found, *_destructive(migrations)), waivers))


def lint_database(connection_string: str, folder: Path) -> Judgement:
    """Judge a database as it is; the waivers of the folder's files count. Raises MigrationError."""
    migrations = find(folder) if folder.is_dir() else ()
    with connected(connection_string, "db lint") as connection:
        versions = {record.version for record in history.read(connection)}
        found = judge(connection)
    ours = [migration for migration in migrations if migration.version in versions]
    return Judgement(*apply_waivers(found, read_waivers(ours, (rule.id for rule in RULES))))


def _destructive(migrations: Sequence[Migration]) -> tuple[Finding, ...]:
    return tuple(finding for migration in migrations for finding in find_destructive(migration))


def _with_places(rehearsal: Rehearsal, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Apply the files once more, one by one, to learn which of them brought each finding, and where."""
    rules = list(dict.fromkeys(finding.rule for finding in found))
    brought: dict[tuple[str, str], Migration] = {}

    def look(migration: Migration) -> None:
        now = {(one.rule.id, one.object) for one in judge(rehearsal.connection, rules)}
        for gone in brought.keys() - now:
            del brought[gone]
        for key in now - brought.keys():
            brought[key] = migration

    rehearsal.repeat(look)
    return tuple(_placed(one, brought.get((one.rule.id, one.object))) for one in found)


def _placed(finding: Finding, migration: Migration | None) -> Finding:
    """Return the finding with the file that brought it, and the statement in it that names the object."""
    if migration is None:
        return finding
    place = place_of([migration], finding.object)
    first = migration.place(migration.statements[0].first) if migration.statements else None
    return replace(finding, file=migration.path.name, place=place or first)
