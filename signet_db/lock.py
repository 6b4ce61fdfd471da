"""One migration run at a time: an advisory lock of the session, released by the server if we die."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection, errors
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from signet_db.errors import LockBusy

# "signet" in bytes: any constant does, as long as every version uses the same.
LOCK_KEY = int.from_bytes(b"signet", "big")
WAIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock."""

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
    """Hold the lock for the block; tell who has it while waiting. Raises LockBusy after ``wait_seconds``."""
    if connection.execute("select pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone() != (True,):
        on_wait(_holder(connection))
        _wait(connection, wait_seconds)
    try:
        yield
    finally:
        # Otherwise the connection is on its way out, and the lock with it.
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
    """Return who holds the lock; nothing when it was released meanwhile or the role may not see it."""
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
