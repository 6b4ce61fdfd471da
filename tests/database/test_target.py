"""Connections that fail are explained, without the password, and with what to do."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from signet_db import runner
from signet_db.errors import DatabaseUnreachable, MigrationError
from signet_db.target import WAITING, connected


def test_an_unreachable_database_is_explained_without_its_password() -> None:
    with pytest.raises(DatabaseUnreachable) as caught:
        runner.upgrade("postgresql://postgres:pa55word@127.0.0.1:1/postgres", Path(__file__).parent)
    assert "127.0.0.1:1" in caught.value.message
    assert "pa55word" not in caught.value.message + caught.value.hint
    assert "flask db wait" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "words", "step"),
    [
        ({"password": "wrong"}, "password authentication failed", "Check the password"),
        ({"password": ""}, "no password supplied", "Put the password"),
        ({"dbname": "nowhere"}, "does not exist", "Check the names"),
        ({"port": "99999"}, "invalid port number", "Correct it"),
        ({"sslmode": "nonsense"}, "invalid sslmode value", "Correct it"),
        ({"sslmode": "require"}, "does not support SSL", "Take sslmode out"),
    ],
)
def test_what_waiting_does_not_mend_names_another_step(
    unchanging: str, change: dict[str, str], words: str, step: str
) -> None:
    mistaken = psycopg.conninfo.make_conninfo(unchanging, **change)
    with pytest.raises(DatabaseUnreachable, match=words) as caught, connected(mistaken, "test"):
        pytest.fail("connected")
    assert caught.value.hint.startswith(step)
    assert "flask db wait" not in caught.value.hint
    assert not caught.value.may_pass


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("FATAL:  Tenant or user not found", "Take host and user"),
        ("connection to server at … failed: Network is unreachable", "Hosted databases use IPv6"),
    ],
)
def test_what_hosted_projects_say_is_explained(monkeypatch: pytest.MonkeyPatch, said: str, step: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise psycopg.OperationalError(said)

    monkeypatch.setattr(psycopg, "connect", refuse)
    with pytest.raises(DatabaseUnreachable) as caught, connected("host=db.abc.supabase.co", "test"):
        pytest.fail("connected")
    assert caught.value.hint.startswith(step)
    assert not caught.value.may_pass


def test_who_waits_already_is_not_told_to_wait() -> None:
    nowhere = "postgresql://postgres@127.0.0.1:1/postgres"
    with pytest.raises(DatabaseUnreachable) as caught, connected(nowhere, WAITING):
        pytest.fail("connected")
    assert caught.value.message.endswith("Connection refused")
    assert "flask db wait" not in caught.value.hint
    assert caught.value.may_pass


def test_a_connection_that_breaks_is_told_from_a_refusal(unchanging: str) -> None:
    broken = pytest.raises(DatabaseUnreachable, match="broke")
    with broken, connected(unchanging, "test") as connection:
        connection.close()
        connection.execute("select 1")
    refused = pytest.raises(MigrationError, match=r"refused: must be owner of table users \(42501\)")
    with refused as caught, connected(unchanging, "test") as connection:
        connection.execute("alter table auth.users add column x int")
    assert not isinstance(caught.value, DatabaseUnreachable)
