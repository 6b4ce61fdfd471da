"""Connections that fail are explained, without the password, and with what to do."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from app.migrate import runner
from app.migrate.errors import DatabaseUnreachable, MigrationError
from app.migrate.target import connected


def test_an_unreachable_database_is_explained_without_its_password() -> None:
    with pytest.raises(DatabaseUnreachable) as caught:
        runner.upgrade("postgresql://postgres:pa55word@127.0.0.1:1/postgres", Path(__file__).parent)
    assert "127.0.0.1:1" in caught.value.message
    assert "pa55word" not in caught.value.message + caught.value.hint
    assert "flask db wait" in caught.value.hint


def test_a_missing_database_is_explained(target: str, folder: Path) -> None:
    missing = psycopg.conninfo.make_conninfo(target, dbname="nowhere")
    with pytest.raises(DatabaseUnreachable, match="does not exist"):
        runner.upgrade(missing, folder)


def test_a_connection_that_breaks_is_told_from_a_refusal(target: str) -> None:
    broken = pytest.raises(DatabaseUnreachable, match="broke")
    with broken, connected(target, "test") as connection:
        connection.close()
        connection.execute("select 1")
    refused = pytest.raises(MigrationError, match=r"refused: must be owner of table users \(42501\)")
    with refused as caught, connected(target, "test") as connection:
        connection.execute("alter table auth.users add column x int")
    assert not isinstance(caught.value, DatabaseUnreachable)
