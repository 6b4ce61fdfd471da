"""One run at a time: who waits is told for whom, and does not wait for ever."""

from __future__ import annotations

import psycopg
import pytest

from signet_db.errors import LockBusy
from signet_db.target import Holder, locked
from signet_stack.postgres.cluster import Cluster


def test_waiting_ends_with_the_name_of_the_holder(target: str) -> None:
    told: list[Holder | None] = []
    with (
        psycopg.connect(target, autocommit=True, application_name="signet db upgrade") as first,
        psycopg.connect(target, autocommit=True) as second,
    ):
        pid = first.info.backend_pid
        with locked(first, told.append):
            assert told == []
            second.execute("set statement_timeout = '50ms'")
            busy = pytest.raises(LockBusy, match=r"“signet db upgrade” \(postgres from 127\.0\.0\.1")
            with busy as caught, locked(second, told.append, wait_seconds=0.15):
                pytest.fail("two at once")
            assert f"pg_terminate_backend({pid})" in caught.value.hint
            assert [holder and holder.pid for holder in told] == [pid]
            assert second.execute("show lock_timeout").fetchone() == ("0",)
        with locked(second, told.append):
            assert len(told) == 1


def test_a_database_has_a_lock_of_its_own(target: str, cluster: Cluster, migrated_database: str) -> None:
    elsewhere = cluster.dsn("postgres", migrated_database)
    with (
        psycopg.connect(target, autocommit=True) as one,
        psycopg.connect(elsewhere, autocommit=True) as other,
        locked(one, lambda holder: pytest.fail(str(holder))),
        locked(other, lambda holder: pytest.fail(str(holder))),
    ):
        pass
