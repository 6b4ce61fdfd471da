"""The database that a command works on: how to reach it, and how to name it without its password."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import Connection, conninfo
from psycopg.pq import Conninfo
from psycopg.rows import TupleRow

from app.migrate.errors import DatabaseUnreachable, MigrationError

CONNECT_SECONDS = 10
_TRANSACTION_POOLER_PORT = "6543"


@dataclass(frozen=True, slots=True)
class _Remedy:
    """What to do when a connection fails with these words of the server or of libpq."""

    words: str
    hint: str
    may_pass: bool  # whether waiting can help


_WAIT = "To wait for the database:  flask db wait"
_REMEDIES = (  # the first that fits
    _Remedy("password authentication failed", "Check the password in the connection string.", False),
    _Remedy("no password supplied", "Put the password into the connection string.", False),
    _Remedy("does not exist", "Check the names of the database and the role.", False),
    _Remedy("failed to resolve host", f"Check the host and the network. {_WAIT}", True),
    _Remedy("Connection refused", f"Start the database, or check host and port. {_WAIT}", True),
    _Remedy("timeout expired", f"Check host, port and network. {_WAIT}", True),
    _Remedy("", f"Check the connection string and the server's log. {_WAIT}", True),
)


def named(connection_string: str) -> str:
    """Return the target in words, without the password; raises MigrationError for no connection string."""
    parts = _parts(connection_string)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return (
        f"{parts.get('user', '')}@{host}:{parts.get('port', '')}/{parts.get('dbname', parts.get('user', ''))}"
    )


def is_on_loopback(connection: Connection[TupleRow]) -> bool:
    """Whether the server that we are connected to is on this machine, whatever the connection string said."""
    address = connection.info.hostaddr
    return not address or ipaddress.ip_address(address).is_loopback


def _parts(connection_string: str) -> dict[str, str]:
    """Return the parts of a connection string, with what libpq takes from the environment for the rest."""
    try:
        given = conninfo.conninfo_to_dict(connection_string)
    except psycopg.ProgrammingError as error:
        # The parser's own words may repeat the password.
        raise MigrationError(
            "The connection string cannot be read.",
            hint="It looks like  postgresql://USER:PASSWORD@HOST:5432/DATABASE  with special characters"
            " percent-encoded.",
        ) from error
    defaults = {o.keyword.decode(): o.val.decode() for o in Conninfo.get_defaults() if o.val}
    return defaults | {key: str(value) for key, value in given.items() if value}


@contextmanager
def connected(connection_string: str, purpose: str) -> Iterator[Connection[TupleRow]]:
    """Open a connection in autocommit mode; what the server refuses becomes a MigrationError."""
    _refuse_transaction_pooler(connection_string)
    try:
        connection = psycopg.connect(
            connection_string,
            autocommit=True,
            application_name=f"signet {purpose}",
            connect_timeout=CONNECT_SECONDS,
            client_encoding="utf8",
            prepare_threshold=None,
        )
    except psycopg.OperationalError as error:
        raise _unreachable(connection_string, error) from error
    try:
        with connection:
            yield connection
    except psycopg.Error as error:
        raise _refused(connection_string, error) from error


def _unreachable(connection_string: str, error: psycopg.OperationalError) -> DatabaseUnreachable:
    said = " ".join(str(error).split())
    remedy = next(remedy for remedy in _REMEDIES if remedy.words in said)
    message = f"No connection to {named(connection_string)}: {said.rpartition('failed: ')[2]}"
    return DatabaseUnreachable(message, hint=remedy.hint, may_pass=remedy.may_pass)


def _refused(connection_string: str, error: psycopg.Error) -> MigrationError:
    """Return the error for what the server refuses outside of the files."""
    if error.sqlstate is None:
        return DatabaseUnreachable(
            f"The connection to {named(connection_string)} broke: {' '.join(str(error).split())}",
            hint="Look whether the server still runs, then run the command again.",
        )
    return MigrationError(
        f"{named(connection_string)} refused: {error.diag.message_primary} ({error.sqlstate})",
        hint="Migrations run as the role postgres, or as another that owns what they change.",
    )


def _refuse_transaction_pooler(connection_string: str) -> None:
    """Refuse the pooler that hands every transaction to another session: the lock would protect nothing."""
    parts = _parts(connection_string)
    if parts.get("port") == _TRANSACTION_POOLER_PORT and ".supabase.co" in parts.get("host", ""):
        raise MigrationError(
            "Port 6543 is the transaction pooler, which cannot hold the lock of a migration run.",
            hint="Use the session pooler or the direct connection: port 5432.",
        )
