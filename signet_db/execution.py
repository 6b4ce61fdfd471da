"""Send the text of a file to the server whole, and learn which statement it refused.

psycopg's own ``execute`` forgets how many statements went well before the error; for errors that carry no
position (a violated constraint, say) that count is the only way to the line. Hence libpq's calls, one by one.
"""

from __future__ import annotations

import select

from psycopg import Connection, Error, errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})
_COPYING = frozenset({ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH})


class StatementRefused(Exception):
    """Raised with the server's error and the number of statements that went well before."""

    def __init__(self, error: Error, done: int) -> None:
        self.error = error
        self.done = done
        super().__init__(str(error))


def run_text(connection: Connection[TupleRow], text: str) -> None:
    """Run SQL text of any number of statements; raises StatementRefused, and psycopg.Error when cut off."""
    connection.pgconn.send_query(text.encode())
    done = 0
    refusal: StatementRefused | None = None
    try:
        while (result := _next_result(connection)) is not None:
            if result.status in _FAILED:
                refusal = refusal or StatementRefused(_error(connection, result), done)
            elif result.status in _COPYING:
                raise errors.FeatureNotSupported("COPY from or to the client")
            done += 1
    except KeyboardInterrupt:
        connection.cancel_safe()
        while _next_result(connection) is not None:  # until the server has noticed
            pass
        raise
    if refusal is not None:
        raise refusal


def _next_result(connection: Connection[TupleRow]) -> PGresult | None:
    """Wait for the next result in a way that Ctrl-C interrupts; None after the last."""
    pgconn = connection.pgconn
    while pgconn.flush():
        # A server that is busy sending does not read: take what it says meanwhile.
        if select.select([pgconn.socket], [pgconn.socket], [])[0]:
            pgconn.consume_input()
    while pgconn.is_busy():
        select.select([pgconn.socket], [], [])
        pgconn.consume_input()
    return pgconn.get_result()


def _error(connection: Connection[TupleRow], result: PGresult) -> Error:
    return errors.error_from_result(result, encoding=connection.info.encoding)
