"""What PostgreSQL's errors become: the status for each SQLSTATE, and replies that SQL code makes by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from signet_stack.rest.errors import STATUS, RestError, from_postgres
from signet_stack.rest.response import error_reply


class Said(psycopg.Error):
    """An error as PostgreSQL sends it."""

    def __init__(self, code: str | None, message: str = "m", detail: str | None = None) -> None:
        self._said = code
        self._diagnostic = SimpleNamespace(message_primary=message, message_detail=detail, message_hint="h")
        super().__init__(message)

    @property
    def sqlstate(self) -> str | None:  # type: ignore[override]
        return self._said

    @property
    def diag(self) -> Any:
        return self._diagnostic


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("08006", 503), ("09000", 500), ("0L000", 403), ("0P000", 403), ("21000", 500), ("22023", 400),
        ("22P02", 400), ("23502", 400), ("23503", 409), ("23505", 409), ("23514", 400), ("25006", 405),
        ("25P02", 500), ("28000", 403), ("2D000", 500), ("38000", 500), ("39000", 500), ("3B000", 500),
        ("40001", 500), ("40P01", 500), ("42501", 403), ("42601", 400), ("42703", 400), ("42704", 400),
        ("42883", 404), ("42P01", 404), ("42P17", 500), ("428C9", 400), ("53200", 503), ("53400", 500),
        ("54001", 500), ("55P03", 500), ("57014", 500), ("57P01", 503), ("58030", 500), ("F0000", 500),
        ("HV000", 500), ("P0001", 400), ("P0002", 500), ("PT402", 402), ("PTabc", 500), ("PT999", 500),
        ("XX000", 500), ("ZZZZZ", 400),
    ],
)  # fmt: skip
def test_sqlstates_have_a_status(code: str, status: int) -> None:
    error = from_postgres(Said(code), is_anonymous=False)
    assert (error.code, error.status, error.hint) == (code, status, "h")


@pytest.mark.parametrize(
    ("code", "message", "is_anonymous", "status"),
    [
        ("42501", "permission denied for table t", True, 401),
        ("42501", "permission denied for table t", False, 403),
        ("22023", 'role "x" does not exist', False, 401),
        ("21000", "UPDATE requires a WHERE clause", False, 400),
    ],
)
def test_some_depend_on_more_than_the_code(code: str, message: str, is_anonymous: bool, status: int) -> None:
    error = from_postgres(Said(code, message), is_anonymous=is_anonymous)
    assert error.status == status
    assert (("WWW-Authenticate", "Bearer") in error.headers) == (status == 401)


def test_an_error_without_sqlstate_is_the_connection() -> None:
    error = from_postgres(Said(None), is_anonymous=False)
    assert (error.code, error.status) == ("PGRST001", 503)
    assert ("Retry-After", "1") in error_reply(error).headers


def test_sql_code_makes_a_whole_reply() -> None:
    message = json.dumps({"code": "123", "message": "ABC", "details": "DEF", "hint": "XYZ"})
    detail = json.dumps({"status": 332, "status_text": "My Own", "headers": {"X-Header": "str"}})
    reply = error_reply(from_postgres(Said("PGRST", message, detail), is_anonymous=False))
    assert reply.status_line == "332 My Own"
    assert json.loads(reply.body) == {"code": "123", "message": "ABC", "details": "DEF", "hint": "XYZ"}
    assert ("X-Header", "str") in reply.headers


GOOD = {"status": 400, "headers": {}}


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("x", GOOD),
        ({"message": "no code"}, GOOD),
        ([], GOOD),
        ({"code": "1", "message": "m"}, None),
        ({"code": "1", "message": "m"}, {"headers": {}}),
        ({"code": "1", "message": "m"}, {"status": "x", "headers": {}}),
        ({"code": "1", "message": "m"}, {"status": 20, "headers": {}}),
        ({"code": "1", "message": "m"}, {"status": 400, "headers": {"A": "b\r\nC: d"}}),
        ({"code": "1", "message": "m"}, {"status": 400, "headers": {"A": 1}}),
        ({"code": "1", "message": "m"}, {"status": 400, "headers": {}, "status_text": "a\nb"}),
    ],
    ids=str,
)
def test_a_reply_that_is_none_is_PGRST121(message: Any, detail: Any) -> None:
    said = Said("PGRST", json.dumps(message), None if detail is None else json.dumps(detail))
    error = from_postgres(said, is_anonymous=False)
    assert (error.code, error.status) == ("PGRST121", 500)


@pytest.mark.parametrize(
    ("message", "detail", "details", "hint"),
    [
        ("INVALID", "{}", "Invalid JSON value for MESSAGE: 'INVALID'", "MESSAGE must be"),
        ('{"code":"1","message":"m"}', "x", "Invalid JSON value for DETAIL: 'x'", "DETAIL must be"),
        ('{"code":"1","message":"m"}', None, "DETAIL is missing in the RAISE statement", "DETAIL must be"),
    ],
)
def test_PGRST121_names_the_part_that_is_no_reply(
    message: str, detail: str | None, details: str, hint: str
) -> None:
    error = from_postgres(Said("PGRST", message, detail), is_anonymous=False)
    assert (error.code, error.details) == ("PGRST121", details)
    assert str(error.hint).startswith(hint)


@pytest.mark.parametrize(("message", "reason"), [("Enhance Your Calm", "Enhance Your Calm"), ("é\nx", None)])
def test_a_PT_error_keeps_its_message_and_is_the_reason_phrase_where_it_can_be_one(
    message: str, reason: str | None
) -> None:
    error = from_postgres(Said("PT420", message, None), is_anonymous=False)
    assert (error.status, error.message, error.reason) == (420, message, reason)


def test_a_body_has_all_four_keys_whatever_is_in_them() -> None:
    error = RestError("PGRST204", "no column '\ud800\x00'", details=[{"a": "ü"}])
    assert json.loads(error.body()) == {
        "code": "PGRST204", "details": [{"a": "ü"}], "hint": None, "message": "no column '?\x00'",
    }  # fmt: skip


@pytest.mark.parametrize("code", STATUS)
def test_every_code_has_a_standard_status(code: str) -> None:
    reply = error_reply(RestError(code, "m"))
    assert reply.status_line.split(" ", 1)[1] != "Unknown"
    assert ("Proxy-Status", f"PostgREST; error={code}") in reply.headers
