"""Run one request in one transaction, with its role, claims and settings.

Settings and role are local to the transaction, so they do not outlive it: after an error it is rolled back,
and the connection returns to the pool clean.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar

import psycopg

from signet_stack.postgres.database import Pool
from signet_stack.rest.errors import RestError, without_where
from signet_stack.rest.pipeline import Row, exchange
from signet_stack.rest.request_parsing import ApiRequest
from signet_stack.rest.schema_cache.model import RoleSettings
from signet_stack.rest.sql.fragments import names
from signet_stack.rest.sql.statement import Statement

Settings = tuple[tuple[str, str], ...]
Result = TypeVar("Result")
BuildResult = Callable[[list[Row], list[Row]], Result]  # of the main statement's rows and of the count's

# Roles that no token may name: the connection's own role, and the keyword that resets to it.
REFUSED_ROLES = frozenset({"none", "authenticator"})

_COMMIT, _ROLLBACK = Statement("COMMIT"), Statement("ROLLBACK")
# Session state that functions can leave behind their transaction. DISCARD ALL would drop prepared statements.
_RESET_SETTINGS = (Statement("RESET ALL"),)
_RESET_SESSION = (
    *_RESET_SETTINGS,
    Statement("RESET ROLE"),
    Statement("SELECT pg_advisory_unlock_all()"),
    Statement("UNLISTEN *"),
    Statement("CLOSE ALL"),
    Statement("DISCARD TEMP"),
    Statement("DISCARD SEQUENCES"),
)
_CHECK_CONSTRAINTS = Statement("SET CONSTRAINTS ALL IMMEDIATE")
_BEGIN = {
    (isolation, is_read_only): Statement(f"BEGIN ISOLATION LEVEL {isolation} READ {mode}")
    for isolation in ("read committed", "repeatable read", "serializable")
    for is_read_only, mode in ((True, "ONLY"), (False, "WRITE"))
}


@dataclass(frozen=True, slots=True)
class Actor:
    """The role of a request, and the JSON text that SQL reads as ``request.jwt.claims``."""

    role: str
    claims: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction: all settings in one statement, then the main statement, then perhaps a count."""

    role: str
    is_read_only: bool
    isolation: str | None
    settings: Settings
    main: Statement
    count: Statement | None = None
    commits: bool = True
    pre_request: Statement | None = None
    unsafe: Statement | None = None  # finds a DELETE or UPDATE without WHERE in a function that ran
    is_plain_read: bool = False  # of tables or views; calls and writes may leave more than settings behind
    cache_version: int = 0  # prepared statements of another version of the schema cache are dropped


class ConnectionLost(Exception):
    """Raised when a connection broke before a COMMIT could have been sent."""


def actor_of(claims: Mapping[str, Any], key_role: str) -> Actor:
    """Return the actor: the role of the claims, else that of the API key; raise 42501 for refused roles."""
    named = claims.get("role", key_role)
    role = named if isinstance(named, str) else json.dumps(named)
    if role in REFUSED_ROLES:
        raise RestError("42501", f'permission denied to set role "{role}"', status=403)
    return Actor(role, _json({**claims, "role": role}))


def settings_of(
    request: ApiRequest,
    actor: Actor,
    search_path: tuple[str, ...],
    role: RoleSettings,
    timezone: str | None,
) -> Settings:
    """Return the settings of a transaction in order; those of ``ALTER ROLE … SET`` precede ``role``."""
    headers = {name: value for name, value in request.headers.items() if name != "cookie"}
    pairs = (pair.partition("=") for pair in request.header("cookie").split(";"))
    cookies = {name.strip(): value.strip() for name, equals, value in pairs if equals}
    return (
        ("search_path", names(dict.fromkeys(search_path))),
        *role.settings,
        ("role", actor.role),
        ("request.jwt.claims", actor.claims),
        ("request.method", request.method),
        ("request.path", request.path),
        ("request.headers", _json(headers)),
        ("request.cookies", _json(cookies)),
        *((("timezone", timezone),) if timezone else ()),
    )


def run_transaction(pool: Pool, transaction: Transaction, build_result: BuildResult[Result]) -> Result:
    """Run a transaction and return ``build_result(rows, count_rows)``, whose exceptions roll it back.

    A connection that was dead before COMMIT is replaced and the transaction is run once more. Raises
    psycopg.Error.
    """
    with suppress(ConnectionLost):
        return _run(pool, transaction, build_result)
    pool.check()  # replaces every dead connection, for example after a restart of PostgreSQL
    try:
        return _run(pool, transaction, build_result)
    except ConnectionLost as lost:
        raise psycopg.OperationalError(str(lost)) from None


def _run(pool: Pool, transaction: Transaction, build_result: BuildResult[Result]) -> Result:
    with pool.connection() as connection:
        if not connection.autocommit:
            connection.autocommit = True  # BEGIN and COMMIT are sent as statements
        reset = _RESET_SETTINGS if transaction.is_plain_read else _RESET_SESSION
        send = partial(exchange, connection, transaction.role, transaction.cache_version)
        try:
            # A read has nothing to undo, so its COMMIT travels in the same flush.
            end = [_COMMIT, *reset] if transaction.is_read_only else []
            statements = _statements(transaction)
            results = dict(zip(statements, send([*statements.values(), *end]), strict=False))
            if found := results.get("unsafe"):
                raise without_where((found[0][0] or b"").decode())
            result = build_result(results["main"], results.get("count", []))
        except BaseException as error:
            if not connection.closed:
                connection.rollback()
                send(reset)
            elif isinstance(error, psycopg.Error):
                raise ConnectionLost(str(error)) from error
            raise
        if not transaction.is_read_only:
            end = [_COMMIT] if transaction.commits else [_CHECK_CONSTRAINTS, _ROLLBACK]
            try:
                send([*end, *reset])
            except psycopg.Error:
                if not connection.closed:
                    connection.rollback()
                    send(reset)
                raise
        return result


def _statements(transaction: Transaction) -> dict[str, Statement]:
    begin = _BEGIN.get((transaction.isolation or "", transaction.is_read_only))
    values = tuple(text for pair in transaction.settings for text in pair)
    statements = {
        "begin": begin or _BEGIN["read committed", transaction.is_read_only],
        "settings": Statement(_set_configs(len(transaction.settings)), values),
        "pre-request": transaction.pre_request,
        "main": transaction.main,
        "count": transaction.count,
        "unsafe": transaction.unsafe,
    }
    return {name: statement for name, statement in statements.items() if statement}


@cache
def _set_configs(number: int) -> str:
    pairs = (f"set_config(${2 * n + 1}, ${2 * n + 2}, true)" for n in range(number))
    return f"SELECT {', '.join(pairs)}"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
