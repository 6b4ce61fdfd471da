"""Send several statements to PostgreSQL in one flush and read their results (libpq's pipeline mode).

BEGIN, settings, statement and COMMIT take one round trip instead of four. A statement is prepared when it is
sent the second time on a connection. Results stay PostgreSQL's own text.

A prepared statement belongs to one role: a plan may contain an inlined function body, and PostgreSQL does not
check EXECUTE again when it runs such a plan.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import Connection, errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from signet_stack.rest.errors import RestError
from signet_stack.rest.sql.statement import Statement

MAX_KNOWN = 200

Row = tuple[bytes | None, ...]
_Values = list[bytes | None]
_Key = tuple[str, str]  # role and text
_Known = dict[_Key, tuple[bytes, bool]]  # a name for each, and whether it is prepared

# The version of the schema cache, and what was prepared under it: DDL may change the types of parameters.
_known: WeakKeyDictionary[Connection[Any], tuple[int, _Known]] = WeakKeyDictionary()


def exchange(
    connection: Connection[Any], role: str, cache_version: int, statements: Sequence[Statement]
) -> list[list[Row]]:
    """Run the statements, which act as ``role``, in order; raise the first error as psycopg.Error.

    After an error the rest is not run, and the connection may be in a failed transaction.
    """
    commands = [(statement.text, [_encode(value) for value in statement.values]) for statement in statements]
    version, known = _known.setdefault(connection, (cache_version, {}))
    if (version != cache_version or len(known) > MAX_KNOWN) and not connection.info.transaction_status:
        connection.execute("DEALLOCATE ALL")
        known = {}
        _known[connection] = cache_version, known
    try:
        results = _exchange(connection.pgconn, known, role, commands)
    except BaseException:
        connection.close()  # a pipeline that was left half-way cannot be continued
        raise
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
    return [_rows(result) for result in results]


def _encode(value: str | None) -> bytes | None:
    if value is None:
        return None
    encoded = value.encode(errors="surrogatepass")  # PostgreSQL refuses what is no UTF-8
    if b"\0" in encoded:  # libpq would end the text here
        raise RestError("22021", 'invalid byte sequence for encoding "UTF8": 0x00', status=400)
    return encoded


def _exchange(
    wire: PGconn, known: _Known, role: str, commands: Sequence[tuple[str, _Values]]
) -> list[PGresult]:
    wire.enter_pipeline_mode()
    preparing = [_send(wire, known, (role, text), values) for text, values in commands]
    wire.pipeline_sync()
    while wire.flush():  # reading meanwhile: a long body must not block both sides
        _wait(wire, select.POLLIN | select.POLLOUT)
    results = []
    for key in preparing:
        if key is not None:
            result = _result(wire)
            if result.status == ExecStatus.COMMAND_OK:
                known[key] = (known[key][0], True)
            else:
                results.append(result)
        results.append(_result(wire))
    _next(wire)  # the result of pipeline_sync
    wire.exit_pipeline_mode()
    return results


def _send(wire: PGconn, known: _Known, key: _Key, values: _Values) -> _Key | None:
    """Queue one statement; return its key if it is being prepared now: at its second time."""
    name, is_prepared = known.get(key, (None, False))
    if name is None:
        known[key] = (b"rest_%d" % len(known), False)
        wire.send_query_params(key[1].encode(), values)
        return None
    if not is_prepared:
        wire.send_prepare(name, key[1].encode())
    wire.send_query_prepared(name, values)
    return None if is_prepared else key


def _result(wire: PGconn) -> PGresult:
    """Return the result of one command and consume the mark behind it."""
    result = _next(wire)
    _next(wire)
    if result is None:
        raise errors.OperationalError("the connection to PostgreSQL was lost")
    return result


def _next(wire: PGconn) -> PGresult | None:
    while wire.is_busy():
        _wait(wire, select.POLLIN)
    return wire.get_result()


def _wait(wire: PGconn, events: int) -> None:
    poll = select.poll()
    poll.register(wire.socket, events)
    for _, ready in poll.poll():
        if ready & ~select.POLLOUT:
            wire.consume_input()


def _rows(result: PGresult) -> list[Row]:
    columns = range(result.nfields)
    return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]
