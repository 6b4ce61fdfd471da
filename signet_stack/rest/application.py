"""The data API as a WSGI application: reads a request, finds out who asks and for what, runs it, replies.

Not a Flask app: which paths exist is up to the database, so there are no routes, and a request context would
cost as much as everything else that happens to a request before PostgreSQL sees it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
from psycopg_pool import PoolTimeout

from signet_stack.context import Context
from signet_stack.gateway import caller_of
from signet_stack.rest import cors, openapi
from signet_stack.rest.errors import RestError, from_postgres
from signet_stack.rest.media import negotiate_root
from signet_stack.rest.plan.request import PlanInput, Target, find_table
from signet_stack.rest.planner import PlannedRequest, Planner
from signet_stack.rest.preferences import WRITES, parse_preferences
from signet_stack.rest.prelude import Actor, Settings, actor_of, settings_of
from signet_stack.rest.request_parsing import ApiRequest, read_headers, read_request
from signet_stack.rest.response import Reply, conclude, error_reply, profile_header
from signet_stack.rest.schema_cache.listener import SchemaCacheListener
from signet_stack.rest.schema_cache.model import RoleSettings, SchemaCache
from signet_stack.rest.settings import RestSettings
from signet_stack.rest.sql.statement import Statement
from signet_stack.rest.tokens import TokenVerifier
from signet_stack.rest.transaction import Transaction, run

ISOLATION = "default_transaction_isolation"


class RestApplication:
    """Serves the tables and functions of one database behind the gateway."""

    def __init__(self, context: Context, settings: RestSettings) -> None:
        self._pool = context.database.data
        self._settings = settings
        self._tokens = TokenVerifier(context.signing_keys.published, context.clock)
        self._schema_cache = SchemaCacheListener(context.database.data, settings.schemas)
        self._planner: Planner | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        method, headers = environ["REQUEST_METHOD"], read_headers(environ)
        reply = cors.preflight(method, headers) or self._reply(environ, headers)
        sent = [*reply.headers, *cors.sharing_headers(method, headers)]
        if reply.status != 204 and method != "HEAD":
            sent.append(("Content-Length", str(len(reply.body))))
        start_response(reply.status_line, sent)
        return [] if method == "HEAD" else [reply.body]

    def _reply(self, environ: WSGIEnvironment, headers: Mapping[str, str]) -> Reply:
        """Return the reply; every refusal is one too."""
        caller, anonymous = caller_of(environ), self._settings.anonymous_role
        role = anonymous
        try:
            request = read_request(environ, headers, self._settings)
            # A token without a role is nobody's, whatever the API key.
            claims = {} if caller.bearer is None else self._tokens.verify(caller.bearer)
            actor = actor_of(claims, (caller.role or anonymous) if caller.bearer is None else anonymous)
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
        preferences = parse_preferences(request.header("prefer"))
        schema_cache = self._schema_cache.current()
        if request.method == "OPTIONS":
            return Reply(200, (("Allow", _allowed(target, schema_cache)),))
        role = schema_cache.roles.get(actor.role, RoleSettings())
        path = (target.schema, *self._settings.extra_search_path)
        settings = settings_of(request, actor, path, role, preferences.get("timezone"))
        if not target.name:
            return self._describe(request, target, schema_cache, actor, settings)
        planned = self._plan(request, target, schema_cache)
        plan = planned.plan
        hoisted = dict(plan.call.routine.settings if plan.call else ())
        isolation = hoisted.pop(ISOLATION, None) or role.isolation
        settings = (*settings, *hoisted.items())
        ends = preferences.get("tx") if self._settings.end_override else None
        keeps = ends != "rollback" if ends else not self._settings.rolls_back
        transaction = Transaction(
            actor.role, plan.is_read_only, isolation, settings, planned.main, planned.count, keeps
        )
        return run(self._pool, transaction, partial(conclude, plan, request.path, self._settings))

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

    def _plan(self, request: ApiRequest, target: Target, schema_cache: SchemaCache) -> PlannedRequest:
        planner = self._planner
        if planner is None or planner.schema_cache is not schema_cache:
            planner = self._planner = Planner(schema_cache, self._settings)
        prefer, accept, range_ = map(request.header, ("prefer", "accept", "range"))
        kind = request.header("content-type")
        return planner.plan(
            PlanInput(request.method, target, request.query, prefer, accept, range_, kind, request.body)
        )

    def _describe(
        self, request: ApiRequest, target: Target, schema_cache: SchemaCache, actor: Actor, settings: Settings
    ) -> Reply:
        if request.method not in ("GET", "HEAD"):
            raise RestError("PGRST117", f"Unsupported HTTP method: {request.method}")
        media = negotiate_root(request.header("accept"))
        visible = Statement(openapi.VISIBLE, (target.schema,))
        transaction = Transaction(actor.role, True, None, settings, visible)
        rows = run(self._pool, transaction, lambda rows, _: rows)
        tables, routines = (json.loads(column or b"[]") for column in (rows or [(None, None)])[0])
        content = openapi.describe(
            schema_cache, target.schema, tables, routines, request.header("host"), request.prefix
        )
        headers = (("Content-Type", media.content_type), *profile_header(target, self._settings))
        return Reply(200, headers, json.dumps(content).encode())


def _allowed(target: Target, schema_cache: SchemaCache) -> str:
    """Return the methods that a table, view or function takes."""
    if not target.name:
        return "OPTIONS,GET,HEAD"
    if target.is_call:
        place = f"{target.schema}.{target.name}"
        routines = schema_cache.routines.get((target.schema, target.name), ())
        if not routines:
            raise RestError("PGRST202", f"Could not find the function {place} in the schema cache")
        return "OPTIONS,POST" if all(r.is_volatile for r in routines) else "OPTIONS,GET,HEAD,POST"
    table = find_table(schema_cache, target)
    methods = {
        "POST": table.insertable,
        "PUT": table.insertable and table.updatable and bool(table.primary_key),
        "PATCH": table.updatable,
        "DELETE": table.deletable,
    }
    return ",".join(["OPTIONS,GET,HEAD", *(method for method, is_open in methods.items() if is_open)])
