"""The connection to the database that a command works on, and what to do when there is none."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.connection_string import named, refuse_transaction_pooler
from signet_db.errors import DatabaseUnreachable, MigrationError

CONNECT_SECONDS = 10
WAITING = "db wait"  # the purpose of who waits already


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
    _Remedy("is bad: invalid", "Correct it in the connection string.", False),
    _Remedy("does not support SSL", "Take sslmode out of the connection string.", False),
    _Remedy("Tenant or user not found", "Take host and user from the project's page, under Connect.", False),
    _Remedy("Network is unreachable", "Hosted databases use IPv6: take the session pooler's URL.", False),
    _Remedy("failed to resolve host", "Check the host and the network.", True),
    _Remedy("Connection refused", "Start the database, or check host and port.", True),
    _Remedy("timeout expired", "Check host, port and network.", True),
    _Remedy("", "Check the connection string and the server's log.", True),
)


def is_on_loopback(connection: Connection[TupleRow]) -> bool:
    """Whether the server that we are connected to is on this machine, whatever the connection string said."""
    address = connection.info.hostaddr
    return not address or ipaddress.ip_address(address).is_loopback


@contextmanager
def connected(connection_string: str, purpose: str) -> Iterator[Connection[TupleRow]]:
    """Open a connection in autocommit mode; what the server refuses becomes a MigrationError."""
    refuse_transaction_pooler(connection_string)
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
        raise _unreachable(connection_string, error, purpose) from error
    try:
        with connection:
            yield connection
    except psycopg.Error as error:
        raise _refused(connection_string, error) from error


def _unreachable(
    connection_string: str, error: psycopg.OperationalError, purpose: str
) -> DatabaseUnreachable:
    said = " ".join(str(error).split())
    remedy = next(remedy for remedy in _REMEDIES if remedy.words in said)
    reason = said.rpartition("failed: ")[2].partition(" Is the server running")[0]
    step = f" {_WAIT}" if remedy.may_pass and purpose != WAITING else ""
    return DatabaseUnreachable(
        f"No connection to {named(connection_string)}: {reason}",
        hint=remedy.hint + step,
        may_pass=remedy.may_pass,
    )


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
