"""The data API without HTTP around it: a request and its caller in, a reply out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg_pool import PoolTimeout

from devstack.context import Context
from devstack.rest.catalog.cache import CatalogCache
from devstack.rest.catalog.model import Catalog, RoleSettings
from devstack.rest.errors import RestError, from_postgres
from devstack.rest.plan.request import ApiRequest, Plan, Target, plan_call, plan_table
from devstack.rest.preferences import WRITES, Preferences, parse_preferences
from devstack.rest.response import Conclusion, Reply, error_reply
from devstack.rest.settings import RestSettings
from devstack.rest.sql.statement import count_statement, main_statement
from devstack.rest.tokens import TokenVerifier
from devstack.rest.transaction import Transaction, run

# A token must not make the request run as the connection's own role.
NEVER_ROLES = frozenset({"none", "authenticator"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request acts as; ``claims`` is what SQL reads as request.jwt.claims."""

    role: str
    claims: str = field(repr=False)


class DataApi:
    """Serves requests on the tables and functions of one database."""

    def __init__(self, context: Context, settings: RestSettings) -> None:
        self._pool = context.database.data
        self._settings = settings
        self._tokens = TokenVerifier(context.signing_keys.published, context.clock)
        self._catalog = CatalogCache(context.database.data, settings.schemas)

    def answer(self, request: ApiRequest, api_key_role: str | None, bearer: str | None) -> Reply:
        """Answer a request; every refusal is a reply too."""
        role = None
        try:
            self._check_size(request)
            caller = self._caller(api_key_role, bearer)
            role = caller.role
            return self._answer(request, caller)
        except RestError as error:
            return error_reply(error)
        except PoolTimeout:
            return error_reply(RestError("PGRST003", "Timed out acquiring connection from connection pool."))
        except psycopg.Error as error:
            is_anonymous = role == self._settings.anonymous_role
            return error_reply(from_postgres(error, is_anonymous=is_anonymous))

    def _check_size(self, request: ApiRequest) -> None:
        limit = self._settings.max_query_bytes
        if len(request.path) + len(request.query) > limit:
            raise RestError(
                "PGRST100",
                f"The address is longer than {limit} bytes",
                status=414,
                hint="Send long lists in the body of a function call",
            )

    def _caller(self, api_key_role: str | None, bearer: str | None) -> Caller:
        claims: dict[str, Any] = {}
        if bearer is None:
            role = api_key_role or self._settings.anonymous_role
        else:
            claims = dict(self._tokens.verify(bearer))
            named = claims.get("role", self._settings.anonymous_role)
            role = named if isinstance(named, str) else json.dumps(named)
        if role in NEVER_ROLES:
            message = f'permission denied to set role "{role}"'
            raise RestError("42501", message, status=403)
        return Caller(role, json.dumps({**claims, "role": role}))

    def _answer(self, request: ApiRequest, caller: Caller) -> Reply:
        target = self._target(request)
        preferences = parse_preferences(request.headers.get("prefer", ""))
        catalog = self._catalog.current()
        plan = self._plan(request, target, preferences, catalog)
        roles = catalog.roles.get(caller.role, RoleSettings())
        hoisted = dict(plan.hoisted)
        isolation = hoisted.pop("default_transaction_isolation", None) or roles.isolation or "read committed"
        conclusion = Conclusion(plan, request.path, self._settings)
        settings = (
            ("search_path", self._search_path(target.schema)),
            *roles.settings,
            *_request_settings(request, caller, preferences),
            *hoisted.items(),
        )
        transaction = Transaction(
            plan.is_read_only,
            isolation,
            settings,
            main_statement(plan),
            count_statement(plan) if _asks_planner(plan) else None,
        )
        return conclusion.reply(run(self._pool, transaction, conclusion.check))

    def _target(self, request: ApiRequest) -> Target:
        header = "content-profile" if request.method in WRITES else "accept-profile"
        schema = request.headers.get(header, self._settings.schemas[0])
        is_named = header in request.headers
        if schema not in self._settings.schemas:
            raise RestError(
                "PGRST106",
                f"Invalid schema: {schema}",
                hint=f"Only the following schemas are exposed: {', '.join(self._settings.schemas)}",
            )
        match [unquote(part) for part in request.path.split("/")][1:]:
            case [table] if table:
                return Target(schema, table, is_named=is_named)
            case ["rpc", routine] if routine:
                return Target(schema, routine, is_call=True, is_named=is_named)
        raise RestError("PGRST125", "Invalid path specified in request URL")

    def _plan(self, request: ApiRequest, target: Target, preferences: Preferences, catalog: Catalog) -> Plan:
        place = (target.schema, target.name)
        if target.is_call:
            routines = catalog.routines.get(place, ())
            return plan_call(request, target, routines, preferences, catalog, self._settings)
        if request.method not in {"GET", "HEAD", *WRITES}:
            raise RestError("PGRST117", f"Unsupported HTTP method: {request.method}")
        table = catalog.tables.get(place)
        if table is None:
            raise _no_table(target)
        return plan_table(request, target, table, preferences, catalog, self._settings)

    def _search_path(self, schema: str) -> str:
        names = dict.fromkeys((schema, *self._settings.extra_search_path))
        return ", ".join('"' + name.replace('"', '""') + '"' for name in names)


def _request_settings(
    request: ApiRequest, caller: Caller, preferences: Preferences
) -> tuple[tuple[str, str], ...]:
    headers = {name: value for name, value in request.headers.items() if name != "cookie"}
    cookies = dict(
        pair.strip().split("=", 1) for pair in request.headers.get("cookie", "").split(";") if "=" in pair
    )
    timezone = preferences.get("timezone")
    return (
        ("role", caller.role),
        ("request.jwt.claims", caller.claims),
        ("request.method", request.method),
        ("request.path", request.path),
        ("request.headers", json.dumps(headers)),
        ("request.cookies", json.dumps(cookies)),
        *((("timezone", timezone),) if timezone else ()),
    )


def _asks_planner(plan: Plan) -> bool:
    return (
        plan.write is None and plan.call is None and plan.preferences.get("count") in ("planned", "estimated")
    )


def _no_table(target: Target) -> RestError:
    return RestError(
        "PGRST205", f"Could not find the table '{target.schema}.{target.name}' in the schema cache"
    )
