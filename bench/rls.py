"""What the policies cost: over a held connection, through the data API, and what applying migrations costs.

    .venv/bin/python -m bench.rls [--rounds N] [--rows 1000 100000 1000000]

The baseline of each ratio is the same work by a role that passes policies, on the same table and measured in
the same rounds; for the data API it is a table without row-level security, for `flask db upgrade` psql
running the same files. On a stack of its own, with fsync off.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from bench.measure import in_turn, line, microseconds, ratios, seconds_per_call
from bench.one_core import one_core
from bench.rls_tables import (
    BARE,
    OPEN,
    OURS,
    ROLES,
    WITHOUT_LIVE,
    Table,
    connect_as,
    make_open_copy,
    make_roles,
    make_table,
)
from bench.upgrade import measure_upgrade
from signet_db import runner
from signet_db.testing import new_session
from signet_stack.handle import RunningStack
from signet_stack.process.lease import take_lease
from tests.support import cast

ROOT = Path(__file__).resolve().parents[1]
SHOWN = {OURS: "ours", WITHOUT_LIVE: "ours without the live session", BARE: "bare auth.uid()"}
VARIANT_SECONDS = 0.03
# A bare policy calls auth.uid() for each row: more rows than these take seconds a statement.
BARE_ROWS = 100_000

Work = Callable[[Connection[TupleRow], sql.Identifier, UUID], object]


def select_own(connection: Connection[TupleRow], table: sql.Identifier, me: UUID) -> object:
    """Read one's own row, asking for it."""
    return connection.execute(sql.SQL("select * from {} where user_id = %s").format(table), (me,))


def select_all(connection: Connection[TupleRow], table: sql.Identifier, me: UUID) -> object:
    """Read without a condition, so that the policy alone finds one's own row."""
    return connection.execute(sql.SQL("select * from {}").format(table))


def update_own(connection: Connection[TupleRow], table: sql.Identifier, me: UUID) -> object:
    """Change one's own row."""
    return connection.execute(
        sql.SQL("update {} set display_name = 'x' where user_id = %s").format(table), (me,)
    )


def delete_and_insert(connection: Connection[TupleRow], table: sql.Identifier, me: UUID) -> object:
    """Delete one's own row and insert it again."""
    connection.execute(sql.SQL("delete from {} where user_id = %s").format(table), (me,))
    return connection.execute(sql.SQL("insert into {} (user_id) values (%s)").format(table), (me,))


def variant(work: Work, connection: Connection[TupleRow], table: Table, me: UUID) -> Callable[[], float]:
    """Return the timing of some work, with as many calls as take a moment."""
    named = sql.Identifier("public", table.name)
    started = time.perf_counter()
    work(connection, named, me)
    calls = max(1, min(300, int(VARIANT_SECONDS / (time.perf_counter() - started))))
    return seconds_per_call(lambda: work(connection, named, me), calls)


def measure_table(connections: dict[str, Connection[TupleRow]], table: Table, me: UUID, rounds: int) -> None:
    """Measure each work under each set of policies, and print it against no policies."""
    print(f"\n{table.rows:,} rows, {'with' if table.has_index else 'WITHOUT'} an index on user_id")
    for work in (select_own, select_all, update_own, delete_and_insert):
        variants = {OPEN: variant(select_own if work is select_all else work, connections[OPEN], table, me)}
        for role in SHOWN:
            is_slow = (
                role == BARE and table.rows > BARE_ROWS and not (table.has_index and work is not select_all)
            )
            if not is_slow:
                variants[role] = variant(work, connections[role], table, me)
        figures = in_turn(variants, rounds)
        words = (work.__doc__ or "").rstrip(".")
        print(f"  {words}: without policies {microseconds(figures[OPEN])}")
        for role in list(variants)[1:]:
            added = statistics.median(figures[role]) - statistics.median(figures[OPEN])
            label = f"    {SHOWN[role]}, {added * 1e6:+,.0f} us"
            goal = "<= 3, +40 us" if role == OURS and table.has_index and work is select_own else ""
            print(line(label, ratios(figures, role, OPEN), goal))


def measure_data_api(stack: RunningStack, token: str, table: Table, me: UUID, rounds: int) -> None:
    """Read one's own row over HTTP, from a table under policies and from one without."""
    headers = {"apikey": stack.publishable_key, "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{stack.api_url}/rest/v1", headers=headers, timeout=60) as http:

        def reading(name: str) -> Callable[[], float]:
            def call() -> None:
                rows = http.get(f"/{name}", params={"select": "*", "user_id": f"eq.{me}"}).json()
                assert len(rows) == 1, rows

            return seconds_per_call(call, 50)

        figures = in_turn({"open": reading(f"open_{table.name}"), "ours": reading(table.name)}, rounds)
    print(f"\nThrough the data API, {table.rows:,} rows: without policies {microseconds(figures['open'])}")
    print(line("    ours", ratios(figures, "ours", "open"), "<= 1.15"))


def sign_up(stack: RunningStack) -> tuple[UUID, str]:
    """Sign Alice up; return her id and access token."""
    alice = cast.alice()
    answer = httpx.post(
        f"{stack.api_url}/auth/v1/signup",
        headers={"apikey": stack.publishable_key},
        json={"email": alice.email, "password": alice.password},
    ).json()
    return UUID(answer["user"]["id"]), answer["access_token"]


@contextmanager
def running_stack() -> Iterator[RunningStack]:
    """Run a local stack with the migrations applied."""
    with tempfile.TemporaryDirectory() as folder:
        lease = take_lease(
            Path(folder) / "signet_stack",
            "http://127.0.0.1:8000",
            "bench",
            lambda said: None,
            options=["--ephemeral"],
        )
        try:
            runner.upgrade(lease.stack.database_url, ROOT / "migrations")
            yield lease.stack
        finally:
            lease.release()


def measure(stack: RunningStack, sizes: list[int], rounds: int) -> None:
    """Make everything, measure it, and print the report."""
    me, token = sign_up(stack)
    with ExitStack() as opened:
        owner = opened.enter_context(closing(psycopg.connect(stack.database_url, autocommit=True)))
        make_roles(owner)
        session = new_session(owner, me)
        connections = {
            role: opened.enter_context(closing(connect_as(stack.database_url, role, me, session)))
            for role in ROLES
        }
        for table in [Table(size, has_index) for size in sizes for has_index in (True, False)]:
            make_table(owner, table, me)
            with one_core(*connections.values()):
                measure_table(connections, table, me, rounds)
            if table.has_index:
                make_open_copy(owner, table)
                measure_data_api(stack, token, table, me, rounds)
            owner.execute(sql.SQL("drop table {}").format(sql.Identifier(table.name)))
    measure_upgrade(stack.database_url, rounds)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    with running_stack() as stack:
        measure(stack, arguments.rows, arguments.rounds)


if __name__ == "__main__":
    main()
