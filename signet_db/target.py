"""The target database: connection string, connection, the lock of a run, the wait until it is up."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import Connection, conninfo, errors
from psycopg.pq import Conninfo, TransactionStatus
from psycopg.rows import TupleRow

from signet_db.errors import DatabaseUnreachable, LockBusy, MigrationError

_TRANSACTION_POOLER_PORT = "6543"
_HOSTED = (".supabase.co", ".supabase.com")
_PLACEHOLDER = "[YOUR-PASSWORD]"  # in every connection string that a hosted project shows
_URL_PASSWORD = re.compile(r"^(postgres(?:ql)?://[^:@/]*):[^@/]*@")
# What a host may look like: names, addresses, folders of sockets, and several of them.
_HOST = re.compile(r"[\w.,:%/\[\]-]*")
_PORT = re.compile(r"[0-9,]*")


def named(connection_string: str) -> str:
    """Return the target in words, without the password; raises MigrationError for no connection string."""
    parts = _parts(connection_string)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return (
        f"{parts.get('user', '')}@{host}:{parts.get('port', '')}/{parts.get('dbname', parts.get('user', ''))}"
    )


def without_password(connection_string: str) -> str:
    """Return the connection string with a placeholder for each password; raises MigrationError."""
    _parts(connection_string)
    shown = _URL_PASSWORD.sub(rf"\1:{_PLACEHOLDER}@", connection_string)
    parts = conninfo.conninfo_to_dict(shown)
    secrets = {name: _PLACEHOLDER for name in ("password", "sslpassword") if parts.get(name)}
    if all(parts[name] == placeholder for name, placeholder in secrets.items()):
        return shown
    return conninfo.make_conninfo("", **{**parts, **secrets})


def names_another_machine(connection_string: str) -> bool:
    """Whether the text alone names another machine; for other host names only the connection can decide."""
    parts = _parts(connection_string)
    host = parts.get("hostaddr") or parts.get("host", "")
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().endswith(_HOSTED)


def refuse_transaction_pooler(connection_string: str) -> None:
    """Refuse the transaction pooler: a session lock would not cover the whole run."""
    parts = _parts(connection_string)
    if parts.get("port") == _TRANSACTION_POOLER_PORT and parts.get("host", "").lower().endswith(_HOSTED):
        raise MigrationError(
            "Port 6543 is the transaction pooler, which cannot hold the lock of a migration run.",
            hint="Use the session pooler or the direct connection: port 5432.",
        )


def _parts(connection_string: str) -> dict[str, str]:
    """Return the parts of a connection string, with what libpq takes from the environment for the rest."""
    try:
        given = conninfo.conninfo_to_dict(connection_string)
    except psycopg.ProgrammingError as error:
        raise _unreadable() from error
    parts = {key: str(value) for key, value in given.items() if value}
    looks_right = (
        "@" not in parts.get("dbname", "")
        and _HOST.fullmatch(parts.get("host", ""))
        and _PORT.fullmatch(parts.get("port", ""))
    )
    if not looks_right:
        raise _unreadable()
    if parts.get("password") == _PLACEHOLDER:
        raise MigrationError(
            f"The connection string still says {_PLACEHOLDER}.", hint="Put the database's password there."
        )
    defaults = {o.keyword.decode(): o.val.decode() for o in Conninfo.get_defaults() if o.val}
    return defaults | parts


def _unreadable() -> MigrationError:
    """Return an error that quotes nothing: a password with @ or / in it may be in any part."""
    return MigrationError(
        "The connection string cannot be read.",
        hint="It looks like  postgresql://USER:PASSWORD@HOST:5432/DATABASE  with special characters"
        " percent-encoded (@ is %40, / is %2F).",
    )


CONNECT_SECONDS = 10
WAITING = "db wait"  # the purpose for which a hint to wait would be circular


@dataclass(frozen=True, slots=True)
class _Remedy:
    """The next step for a connection error with these words of the server or of libpq."""

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
    """Whether the server is on this machine, by the address of the connection."""
    address = connection.info.hostaddr
    return not address or ipaddress.ip_address(address).is_loopback


def is_on_this_machine(connection_string: str) -> bool:
    """Whether the server is on this machine; connects if the text does not decide. Raises MigrationError."""
    if names_another_machine(connection_string):
        return False
    with connected(connection_string, "look") as connection:
        return is_on_loopback(connection)


@contextmanager
def connected(connection_string: str, purpose: str) -> Iterator[Connection[TupleRow]]:
    """Open a connection in autocommit mode; errors of the server are raised as MigrationError."""
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
    """Return the error for a refusal outside of the files, or a server that shuts down."""
    # Class 57P: the server shuts down, crashed, starts up, or an operator ended the session.
    if error.sqlstate is None or error.sqlstate.startswith("57P"):
        return DatabaseUnreachable(
            f"The connection to {named(connection_string)} broke: {' '.join(str(error).split())}",
            hint="Check that the server is running, then run the command again.",
        )
    return MigrationError(
        f"{named(connection_string)} refused: {error.diag.message_primary} ({error.sqlstate})",
        hint="Migrations run as the role postgres, or as another that owns what they change.",
    )


# "signet" in bytes: any constant works, as long as every version uses the same.
LOCK_KEY = int.from_bytes(b"signet", "big")
WAIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Holder:
    """The session that holds the lock."""

    pid: int
    role: str
    application: str
    address: str
    seconds: int  # since it connected

    def __str__(self) -> str:
        return (
            f"“{self.application}” ({self.role} from {self.address or 'a local socket'}, backend {self.pid},"
            f" connected {self.seconds} s ago)"
        )


OnWait = Callable[[Holder | None], None]


@contextmanager
def locked(
    connection: Connection[TupleRow],
    on_wait: OnWait,
    wait_seconds: float = WAIT_SECONDS,
) -> Iterator[None]:
    """Hold the advisory lock for the block; ``on_wait`` gets its holder. Raises LockBusy."""
    if connection.execute("select pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone() != (True,):
        on_wait(_holder(connection))
        _wait(connection, wait_seconds)
    try:
        yield
    finally:
        # Otherwise the connection is about to be closed, and the lock released with it.
        if connection.info.transaction_status is TransactionStatus.IDLE:
            connection.execute("select pg_advisory_unlock(%s)", (LOCK_KEY,))


def _wait(connection: Connection[TupleRow], seconds: float) -> None:
    try:
        connection.execute("set statement_timeout = 0")  # a role may have one that is shorter
        connection.execute("select set_config('lock_timeout', %s, false)", (f"{seconds}s",))
        connection.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
    except errors.LockNotAvailable as error:
        holder = _holder(connection)
        raise LockBusy(
            f"Another migration run did not end within {seconds} s: {holder or 'it cannot be named'}.",
            hint="Wait for it, or end it:  "
            f"select pg_terminate_backend({holder.pid if holder else 'PID'});  then run the command again.",
        ) from error
    finally:
        connection.execute("reset lock_timeout; reset statement_timeout")


def _holder(connection: Connection[TupleRow]) -> Holder | None:
    """Return the holder; None when the lock was released meanwhile or the role may not see the session."""
    row = connection.execute(
        """
        select a.pid, a.usename, a.application_name, coalesce(host(a.client_addr), ''),
               extract(epoch from clock_timestamp() - a.backend_start)::int
        from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database = (
                  select oid from pg_database where datname = current_database())
          and (l.classid::bigint << 32) | l.objid::bigint = %s
        """,
        (LOCK_KEY,),
    ).fetchone()
    return Holder(*row) if row and row[1] is not None else None


PAUSE_SECONDS = 0.25


def wait_until_ready(
    connection_string: str,
    seconds: float,
    on_failure: Callable[[DatabaseUnreachable], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Wait until the database accepts connections; return the seconds it took.

    Raises DatabaseUnreachable after ``seconds``, or at once when the error is one that does not pass.
    """
    began = clock()
    while True:
        try:
            with connected(connection_string, WAITING):
                return clock() - began
        except DatabaseUnreachable as error:
            if not error.may_pass or clock() - began >= seconds:
                raise
            on_failure(error)
            sleep(PAUSE_SECONDS)
