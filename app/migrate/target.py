"""The database that a command works on: how to reach it, and how to name it without its password."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from app.migrate.errors import DatabaseUnreachable, MigrationError

CONNECT_SECONDS = 10
_TRANSACTION_POOLER_PORT = "6543"
# The server's or libpq's words, and what to do about it.
_REMEDIES = (
    ("password authentication failed", "Check the password in the connection string."),
    ("no password supplied", "Put the password into the connection string."),
    ("does not exist", "Check the database's and the role's name in the connection string."),
    ("could not translate host name", "Check the host in the connection string, and the network."),
    ("Name or service not known", "Check the host in the connection string, and the network."),
    ("Connection refused", "Start the database, or check host and port. To wait for it:  flask db wait"),
    ("timeout expired", "Check host, port and network. To wait for the database:  flask db wait"),
    ("starting up", "Try again in a moment, or wait for it:  flask db wait"),
)


def named(connection_string: str) -> str:
    """Return the target in words, without the password; raises MigrationError for no connection string."""
    parts = _parts(connection_string)
    place = f"{parts.get('user', 'postgres')}@{parts.get('host', 'localhost')}:{parts.get('port', '5432')}"
    return f"{place}/{parts.get('dbname', parts.get('user', 'postgres'))}"


def is_loopback(connection_string: str) -> bool:
    """Whether the server is on this machine: a socket, localhost or a loopback address, and nothing else."""
    parts = _parts(connection_string)
    hosts = [*parts.get("host", "").split(","), *parts.get("hostaddr", "").split(",")]
    return all(_is_loopback_host(host) for host in hosts)


def _is_loopback_host(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(connection_string: str) -> dict[str, str]:
    try:
        return {
            key: str(value) for key, value in conninfo.conninfo_to_dict(connection_string).items() if value
        }
    except psycopg.ProgrammingError as error:
        # The parser's own words may repeat the password.
        raise MigrationError(
            "The connection string cannot be read.",
            hint="It looks like  postgresql://USER:PASSWORD@HOST:5432/DATABASE  with special characters"
            " percent-encoded.",
        ) from error


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
    remedy = next((remedy for words, remedy in _REMEDIES if words in said), "Check the connection string.")
    return DatabaseUnreachable(f"No connection to {named(connection_string)}: {said}", hint=remedy)


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
