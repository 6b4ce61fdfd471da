"""The data API without HTTP around it: a request and its caller in, a reply out."""

from __future__ import annotations

import json
from urllib.parse import unquote_to_bytes

import psycopg
from psycopg_pool import PoolTimeout

from devstack.context import Context
from devstack.rest import openapi
from devstack.rest.catalog.cache import CatalogCache
from devstack.rest.catalog.model import Catalog, RoleSettings
from devstack.rest.errors import RestError, from_postgres
from devstack.rest.media import negotiate_root
from devstack.rest.plan.request import ApiRequest, Plan, Target, plan_call, plan_table
from devstack.rest.preferences import WRITES, Preferences, parse_preferences
from devstack.rest.prelude import Actor, Settings, actor_of, all_settings, request_settings
from devstack.rest.response import Conclusion, Reply, error_reply, profile_header
from devstack.rest.settings import RestSettings
from devstack.rest.sql.statement import Statement, count_statement, main_statement
from devstack.rest.tokens import TokenVerifier
from devstack.rest.transaction import Transaction, run

ISOLATION = "default_transaction_isolation"


class DataApi:
    """Serves requests on the tables and functions of one database."""

    def __init__(self, context: Context, settings: RestSettings) -> None:
        self._pool = context.database.data
        self._settings = settings
        self._tokens = TokenVerifier(context.signing_keys.published, context.clock)
        self._catalog = CatalogCache(context.database.data, settings.schemas)

    def answer(self, request: ApiRequest, key_role: str | None, bearer: str | None) -> Reply:
        """Answer a request; every refusal is a reply too."""
        anonymous = self._settings.anonymous_role
        role = anonymous
        try:
            # A token without a role is nobody's, whatever the API key.
            claims = {} if bearer is None else dict(self._tokens.verify(bearer))
            actor = actor_of(claims, (key_role or anonymous) if bearer is None else anonymous)
            role = actor.role
            return self._answer(request, actor)
        except RestError as error:
            return error_reply(error)
        except PoolTimeout:
            return error_reply(RestError("PGRST003", "Timed out acquiring connection from connection pool."))
        except psycopg.Error as error:
            return error_reply(from_postgres(error, is_anonymous=role == anonymous))

    def _answer(self, request: ApiRequest, actor: Actor) -> Reply:
        target = self._target(request)
        preferences = parse_preferences(request.headers.get("prefer", ""))
        catalog = self._catalog.current()
        if request.method == "OPTIONS":
            return Reply(200, (("Allow", _allowed(target, catalog)),))
        said = request_settings(request, actor, preferences)
        role = catalog.roles.get(actor.role, RoleSettings())
        if target.is_root:
            return self._describe(request, actor, target, catalog, said)
        plan = self._plan(request, target, preferences, catalog)
        hoisted = dict(plan.hoisted)
        isolation = hoisted.pop(ISOLATION, None) or role.isolation
        settings = all_settings(target.schema, self._settings, role, said, tuple(hoisted.items()))
        count = count_statement(plan) if _asks_planner(plan) else None
        transaction = Transaction(
            actor.role, plan.is_read_only, isolation, settings, main_statement(plan), count
        )
        conclusion = Conclusion(plan, request.path, self._settings)
        return conclusion.reply(run(self._pool, transaction, conclusion.check))

    def _target(self, request: ApiRequest) -> Target:
        header = "content-profile" if request.method in WRITES else "accept-profile"
        is_named = header in request.headers
        schema = request.headers.get(header, self._settings.schemas[0])
        if schema not in self._settings.schemas:
            raise RestError(
                "PGRST106",
                f"Invalid schema: {schema}",
                hint=f"Only the following schemas are exposed: {', '.join(self._settings.schemas)}",
            )
        parts = (unquote_to_bytes(part.encode("latin-1")) for part in request.path.split("/")[1:])
        match [part.decode(errors="replace") for part in parts]:
            case [table]:
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
        if place not in catalog.tables:
            raise _no_table(target)
        return plan_table(request, target, catalog.tables[place], preferences, catalog, self._settings)

    def _describe(
        self, request: ApiRequest, actor: Actor, target: Target, catalog: Catalog, said: Settings
    ) -> Reply:
        if request.method not in ("GET", "HEAD"):
            raise RestError("PGRST117", f"Unsupported HTTP method: {request.method}")
        media = negotiate_root(request.headers.get("accept", ""))
        role = catalog.roles.get(actor.role, RoleSettings())
        settings = all_settings(target.schema, self._settings, role, said, ())
        visible = Statement(openapi.VISIBLE, (target.schema,))
        outcome = run(
            self._pool, Transaction(actor.role, True, None, settings, visible), lambda outcome: True
        )
        names = [json.loads(column or b"[]") for row in outcome.main for column in row] or [[], []]
        host = request.headers.get("host", "")
        content = openapi.describe(catalog, target.schema, names[0], names[1], host, request.prefix)
        headers = (("Content-Type", media.content_type), *profile_header(target, self._settings))
        return Reply(200, headers, json.dumps(content).encode())


def _allowed(target: Target, catalog: Catalog) -> str:
    """Return the methods that a table, view or function takes."""
    if target.is_root:
        return "OPTIONS,GET,HEAD"
    if target.is_call:
        routines = catalog.routines.get((target.schema, target.name), ())
        if not routines:
            raise RestError(
                "PGRST202", f"Could not find the function {target.schema}.{target.name} in the schema cache"
            )
        return "OPTIONS,POST" if all(r.is_volatile for r in routines) else "OPTIONS,GET,HEAD,POST"
    table = catalog.tables.get((target.schema, target.name))
    if table is None:
        raise _no_table(target)
    methods = {
        "POST": table.insertable,
        "PUT": table.insertable and table.updatable and bool(table.primary_key),
        "PATCH": table.updatable,
        "DELETE": table.deletable,
    }
    return ",".join(["OPTIONS,GET,HEAD", *(method for method, is_open in methods.items() if is_open)])


def _asks_planner(plan: Plan) -> bool:
    is_table_read = plan.write is None and plan.call is None
    return is_table_read and plan.preferences.get("count") in ("planned", "estimated")


def _no_table(target: Target) -> RestError:
    return RestError(
        "PGRST205", f"Could not find the table '{target.schema}.{target.name}' in the schema cache"
    )
