"""Reset and repair: rebuild a local database from the files, and correct the history of any database.

A reset drops what migrations made and applies the files again, on this machine only. Accounts are Auth's:
they, their sessions and the signing keys stay. The drop and all files run in one transaction, so a refused
file leaves the database as it was; docs/decisions/0090-reset-in-one-transaction.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from psycopg import Connection, Error, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from signet_db import history, runner, snapshot
from signet_db.comparison import State, compare, find_entry
from signet_db.errors import HistoryConflict, MigrationError, MigrationFailed
from signet_db.files import Migration, check, find
from signet_db.lexer import tokens
from signet_db.runner import Applied, OnEvent, Waiting, Warned
from signet_db.schemas import SERVICE_SCHEMAS, user_schemas
from signet_db.scratch import BLANK, NoTemplate, scratch_database
from signet_db.target import OnWait, connected, is_on_loopback, locked, named, names_another_machine

_UNCHANGED = "Nothing was changed: the database is as it was before the reset."
_KEPT_ROWS = (
    "A reset keeps accounts and what the services store. Write “on conflict do nothing”, or empty the whole"
    " local stack:  flask local reset"
)


@dataclass(frozen=True, slots=True)
class Loss:
    """A table that a reset drops, and its number of rows."""

    table: str
    rows: int


def losses(connection_string: str) -> tuple[Loss, ...]:
    """Return the tables that a reset would drop; raises MigrationError where a reset is not allowed."""
    with _connected_here(connection_string) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname = any (%s) order by 1, 2",
            ([*user_schemas(connection), *_owned_schemas(connection)],),
        ).fetchall()
        return tuple(Loss(f"{schema}.{table}", _count(connection, schema, table)) for schema, table in tables)


def reset(connection_string: str, folder: Path, on_event: OnEvent) -> tuple[Applied, ...]:
    """Drop everything that migrations made, and apply the files; raises MigrationError.

    Nothing is changed when a file is refused. Files that cannot share a transaction are first tried in a
    scratch database, and then applied one by one.
    """
    migrations = find(folder)
    for migration in migrations:
        check(migration)
    if not all(migration.is_transactional for migration in migrations):
        _rehearse(connection_string, folder)
    with (
        _connected_here(connection_string) as connection,
        locked(connection, lambda holder: on_event(Waiting(holder))),
    ):
        try:
            applied = _rebuild(connection, migrations, on_event)
        except MigrationFailed as error:
            if not runner.needs_commit_before(error):
                raise _unchanged(error) from error.__cause__
            _rehearse(connection_string, folder)
            applied = _rebuild(connection, (), on_event)
    return (*applied, *runner.upgrade(connection_string, folder, on_event))


def _rebuild(
    connection: Connection[TupleRow], migrations: Sequence[Migration], on_event: OnEvent
) -> tuple[Applied, ...]:
    """Drop everything and run the files, up to the first that cannot share a transaction, in one."""
    connection.execute(f"{runner.RESET}; begin; {runner.LOCK_TIMEOUT}")
    try:
        _drop_everything(connection, on_event)
        history.ensure(connection)
        applied = runner.run_together(connection, migrations, on_event, is_recorded=True)
        snapshot.save(connection)
        connection.execute("commit")
    finally:
        if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            connection.execute("rollback")
    return applied


def _unchanged(error: MigrationFailed) -> MigrationFailed:
    """Add to the error that nothing was changed, and which command empties what a reset keeps."""
    error.kept_of_file, error.earlier = _UNCHANGED, 0
    cause = error.__cause__
    schema = cause.diag.schema_name if isinstance(cause, Error) else None
    error.hint = _KEPT_ROWS if schema in SERVICE_SCHEMAS else "Correct the file, then run  flask db reset"
    return error


def _rehearse(connection_string: str, folder: Path) -> None:
    """Apply the files in a scratch database where there is a template for one; raises MigrationError."""
    try:
        with scratch_database(connection_string) as scratch:
            runner.upgrade(scratch, folder)
    except NoTemplate:
        return
    except MigrationFailed as error:
        # Roles belong to the whole server: those of the last run are still there, and a scratch database
        # cannot go without them.
        if not (error.sqlstate == "42710" and error.message.startswith("role ")):
            raise _unchanged(error) from error.__cause__


@contextmanager
def _connected_here(connection_string: str) -> Iterator[Connection[TupleRow]]:
    """Connect to a database of this machine; raises MigrationError for any other, if possible unasked."""
    if names_another_machine(connection_string):
        raise _elsewhere(connection_string)
    with connected(connection_string, "db reset") as connection:
        if not is_on_loopback(connection):
            raise _elsewhere(connection_string)
        yield connection


def _elsewhere(connection_string: str) -> MigrationError:
    return MigrationError(
        f"{named(connection_string)} is not on this machine: only a local database can be reset.",
        hint="Undo what is wrong with a new migration:  flask db new NAME",
    )


def _count(connection: Connection[TupleRow], schema: str, table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


_CREATE_ROLE = {("create", kind) for kind in ("role", "user", "group")}
_REALTIME = "supabase_realtime"
# The tables of the services on which hosted projects let postgres create policies (supautils.policy_grants).
_POLICY_TABLES = ("auth.users", "storage.objects", "storage.buckets", "realtime.messages")
# Objects that postgres, or a role that it created, owns in this database and not in the template: a database
# keeps the OIDs of its template, and pg_shdepend is shared. Event triggers first, because they could object.
_OWNED = """
    select d.classid, d.objid from pg_shdepend d
    where d.dbid = (select oid from pg_database where datname = current_database())
        and d.refclassid = 'pg_authid'::regclass and d.deptype = 'o'
        and (d.refobjid = current_user::regrole or d.refobjid = any (%(roles)s::regrole[]))
        and not exists (
            select from pg_shdepend t join pg_database b on b.oid = t.dbid
            where b.datname = %(blank)s and t.deptype = 'o' and (t.classid, t.objid) = (d.classid, d.objid))
    order by d.classid <> 'pg_event_trigger'::regclass, d.classid <> 'pg_extension'::regclass,
        d.classid <> 'pg_namespace'::regclass, d.classid, d.objid
"""


def _owned_schemas(connection: Connection[TupleRow]) -> list[str]:
    """Return the schemas that postgres, or a role that it created, has made, whatever their names."""
    query = sql.SQL(
        """
        select n.nspname from pg_namespace n join ({}) o on o.objid = n.oid
        where o.classid = 'pg_namespace'::regclass and n.nspname not in ('extensions', 'supabase_migrations')
        """
    ).format(sql.SQL(_OWNED))
    return [str(name) for (name,) in connection.execute(query, _parameters(connection))]


def _parameters(connection: Connection[TupleRow]) -> dict[str, object]:
    return {
        "roles": [sql.Identifier(role).as_string() for role in _created_roles(connection)],
        "blank": BLANK,
    }


def _created_roles(connection: Connection[TupleRow]) -> list[str]:
    """Return the roles that the recorded migrations have created and the current role administers."""
    recorded = (statement for record in history.read(connection) for statement in record.statements or ())
    rows = connection.execute(
        """
        select r.rolname from pg_roles r join pg_auth_members m on m.roleid = r.oid
        where m.member = current_user::regrole and m.admin_option and not r.rolsuper and r.rolname = any (%s)
        """,
        ([role for text in recorded for role in _created_role(text)],),
    )
    return sorted({str(name) for (name,) in rows})


def _created_role(text: str) -> Iterator[str]:
    """Yield the name in a CREATE ROLE statement, as PostgreSQL folds it."""
    words = list(islice((token for token in tokens(text) if not token.is_blank), 3))
    if len(words) == 3 and (words[0].text.lower(), words[1].text.lower()) in _CREATE_ROLE:
        name = words[2].text
        yield name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _drop_everything(connection: Connection[TupleRow], on_event: OnEvent) -> None:
    """Drop what migrations made: objects by their owner, policies on the services' tables, roles."""
    roles = _created_roles(connection)
    parameters = _parameters(connection)
    for role in roles:  # to own what they own
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
    had_realtime = _has_realtime(connection)
    connection.execute("set local client_min_messages = warning")  # no notice for each cascade
    for class_id, object_id in connection.execute(sql.SQL(_OWNED), parameters).fetchall():
        _drop(connection, class_id, object_id)
    _empty_public(connection)
    _drop_policies(connection, on_event)
    for role in roles:
        _drop_role(connection, role, on_event)
    if had_realtime and not _has_realtime(connection):
        connection.execute(sql.SQL("create publication {}").format(sql.Identifier(_REALTIME)))
    connection.execute("set local client_min_messages = default; notify pgrst, 'reload schema'")


def _has_realtime(connection: Connection[TupleRow]) -> bool:
    query = "select from pg_publication where pubname = %s"
    return connection.execute(query, (_REALTIME,)).rowcount == 1


def _drop(connection: Connection[TupleRow], class_id: int, object_id: int) -> None:
    """Drop one object with what depends on it, unless an earlier cascade has taken it."""
    row = connection.execute(
        "select type, identity from pg_identify_object(%s, %s, 0)", (class_id, object_id)
    ).fetchone()
    if row is None or row[1] is None or row == ("schema", "extensions") or row[0] == "database":
        return
    if row[0] == "large object":
        connection.execute("select lo_unlink(%s)", (object_id,))
        return
    # Both come quoted from PostgreSQL itself.
    connection.execute(f"drop {row[0]} if exists {row[1]} cascade".encode())


def _drop_policies(connection: Connection[TupleRow], on_event: OnEvent) -> None:
    """Drop the policies on the services' tables; one that the role may not drop stays, with a warning."""
    rows = connection.execute(
        """
        select p.polname, c.relnamespace::regnamespace::text, c.relname
        from pg_policy p join pg_class c on c.oid = p.polrelid
        where p.polrelid = any (array(select to_regclass(t) from unnest(%s::text[]) as t))
        """,
        (list(_POLICY_TABLES),),
    ).fetchall()
    for policy, schema, table in rows:
        name, relation = sql.Identifier(policy), sql.Identifier(schema, table)
        _drop_or_warn(
            connection,
            [sql.SQL("drop policy {} on {}").format(name, relation)],
            f"policy “{policy}” on {schema}.{table}",
            on_event,
        )


def _drop_role(connection: Connection[TupleRow], role: str, on_event: OnEvent) -> None:
    """Drop a role with its grants; one that another database still needs stays, with a warning."""
    name = sql.Identifier(role)
    statements = [sql.SQL("drop owned by {} cascade").format(name), sql.SQL("drop role {}").format(name)]
    _drop_or_warn(connection, statements, f"role {role}", on_event)


def _drop_or_warn(
    connection: Connection[TupleRow], statements: Sequence[sql.Composed], title: str, on_event: OnEvent
) -> None:
    try:
        with connection.transaction():
            for statement in statements:
                connection.execute(statement)
    except Error as error:
        if error.sqlstate is None:
            raise
        on_event(
            Warned(
                f"The {title} stays: {error.diag.message_primary}.",
                "Only the reset of the whole local stack drops it:  flask local reset",
            )
        )


def _empty_public(connection: Connection[TupleRow]) -> None:
    """Drop what is in schema public, of every owner; its owner, grants and default privileges stay."""
    contained = connection.execute(
        """
        select d.classid, d.objid from pg_depend d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = 'public'::regnamespace
            and d.deptype = 'n' and d.classid <> 'pg_default_acl'::regclass
            and not exists (
                select from pg_depend e
                where e.classid = d.classid and e.objid = d.objid and e.deptype = 'e')
        """
    ).fetchall()
    for class_id, object_id in contained:
        _drop(connection, class_id, object_id)


def mark_applied(connection_string: str, folder: Path, version: str, on_wait: OnWait) -> bool:
    """Record a file as applied, as it is now; return whether that changed anything. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db repair") as connection, locked(connection, on_wait):
        entry = find_entry(compare(migrations, history.read(connection, migrations)), version)
        if entry.migration is None:
            raise HistoryConflict(
                f"There is no file for {version}, so its statements cannot be recorded.",
                hint=f"Restore the file, or remove the record:  flask db repair {version} --reverted",
            )
        if entry.state is State.APPLIED:
            return False
        history.ensure(connection)
        with connection.transaction():
            history.record(connection, entry.migration)
        return True


def mark_reverted(connection_string: str, folder: Path, version: str, on_wait: OnWait) -> bool:
    """Remove a version from the history; return whether it was in it. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db repair") as connection, locked(connection, on_wait):
        entry = find_entry(compare(migrations, history.read(connection, migrations)), version)
        if entry.record is None:
            return False
        history.ensure(connection)
        with connection.transaction():
            history.forget(connection, version)
        return True
