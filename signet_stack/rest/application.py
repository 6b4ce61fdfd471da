"""The data API as a WSGI application: parse a request, authenticate it, run it, reply.

Not a Flask app: its paths are the tables and functions of the database, so there are no routes, and a Flask
request context would cost as much as everything else before PostgreSQL.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
from psycopg_pool import PoolTimeout

from signet_stack.context import Context
from signet_stack.gateway import caller_of
from signet_stack.rest import cors, openapi
from signet_stack.rest.errors import RestError, from_postgres
from signet_stack.rest.media import negotiate_root
from signet_stack.rest.plan.request import Plan, PlanInput, Target, find_table, plan_request
from signet_stack.rest.preferences import WRITES, parse_preferences
from signet_stack.rest.request_parsing import ApiRequest, read_headers, read_request
from signet_stack.rest.response import Reply, build_reply, error_reply, profile_header
from signet_stack.rest.schema_cache.listener import SchemaCacheListener
from signet_stack.rest.schema_cache.model import RoleSettings, SchemaCache
from signet_stack.rest.settings import RestSettings
from signet_stack.rest.sql.statement import (
    Statement,
    call_statement,
    count_statement,
    main_statement,
    unsafe_statement,
)
from signet_stack.rest.tokens import TokenVerifier
from signet_stack.rest.transaction import Actor, Settings, Transaction, actor_of, run_transaction, settings_of

_log = logging.getLogger(__name__)

ISOLATION = "default_transaction_isolation"
CACHED_PLANS = 256
MAX_CACHED_LENGTH = 2048  # of all texts of one request


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A plan and its statements."""

    plan: Plan
    main: Statement
    count: Statement | None


class Planner:
    """Plans requests against one schema cache, with an LRU cache of plans; independent of the caller."""

    def __init__(self, cache: SchemaCache) -> None:
        self.schema_cache = cache
        self._cached_plan = lru_cache(CACHED_PLANS)(self._plan)

    def plan(self, given: PlanInput) -> PlannedRequest:
        """Plan a request; only short requests without a body go through the LRU cache."""
        texts = given.target.name, given.query, given.prefer, given.accept, given.range, given.content_type
        is_short = not given.body and sum(map(len, texts)) <= MAX_CACHED_LENGTH
        return self._cached_plan(given) if is_short else self._plan(given)

    def _plan(self, given: PlanInput) -> PlannedRequest:
        plan = plan_request(given, self.schema_cache)
        return PlannedRequest(plan, main_statement(plan), count_statement(plan))


class RestApplication:
    """Serves the tables and functions of one database behind the gateway."""

    def __init__(self, context: Context, settings: RestSettings) -> None:
        self._pool = context.database.data
        self._limits = settings  # those of a request's size cannot be changed in the database
        self._tokens = TokenVerifier(context.signing_keys.published, context.clock)
        self._listener = SchemaCacheListener(context.database.data, settings)
        self._planner: Planner | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        method, headers = environ["REQUEST_METHOD"], read_headers(environ)
        reply = cors.preflight(method, headers) or self._reply(environ, headers)
        sent = [*reply.headers, *cors.response_headers(method, headers)]
        if reply.status != 204 and method != "HEAD":
            sent.append(("Content-Length", str(len(reply.body))))
        start_response(reply.status_line, sent)
        return [] if method == "HEAD" else [reply.body]

    def _reply(self, environ: WSGIEnvironment, headers: Mapping[str, str]) -> Reply:
        """Return the reply; errors become JSON bodies."""
        caller, is_anonymous = caller_of(environ), True
        try:
            request = read_request(environ, headers, self._limits)
            # A token without a role acts as the anonymous role, whatever the API key.
            claims = {} if caller.bearer is None else self._tokens.verify(caller.bearer)
            cache = self._listener.current()
            anonymous = cache.settings.anonymous_role
            actor = actor_of(claims, (caller.role or anonymous) if caller.bearer is None else anonymous)
            is_anonymous = actor.role == anonymous
            return self._answer(request, actor, cache)
        except RestError as error:
            refused = error
        except PoolTimeout:
            refused = RestError("PGRST003", "Timed out acquiring connection from connection pool.")
        except psycopg.Error as error:
            refused = from_postgres(error, is_anonymous=is_anonymous)
        except Exception:
            _log.exception("data API: %s %r", environ["REQUEST_METHOD"], environ.get("PATH_INFO"))
            return error_reply(RestError("XX000", "Internal error; the log has the details", status=500))
        if refused.status >= 500:
            place = environ["REQUEST_METHOD"], environ.get("PATH_INFO")
            _log.warning("data API: %s %r: %s %s %r", *place, refused.status, refused.code, refused.message)
        return error_reply(refused)

    def _answer(self, request: ApiRequest, actor: Actor, cache: SchemaCache) -> Reply:
        rest, target = cache.settings, _target(request, cache.settings)
        preferences = parse_preferences(request.header("prefer"))
        if request.method == "OPTIONS":
            return Reply(200, (("Allow", _allowed(target, cache)),))
        role = cache.roles.get(actor.role, RoleSettings())
        path = (target.schema, *rest.extra_search_path)
        settings = settings_of(request, actor, path, role, preferences.get("timezone"))
        if not target.name:
            return self._describe(request, target, cache, actor, settings)
        planned = self._plan(request, target, cache)
        plan = planned.plan
        hoisted = dict(plan.call.routine.settings if plan.call else ())
        isolation = hoisted.pop(ISOLATION, None) or role.isolation
        end = preferences.get("tx") if rest.end_override else None
        transaction = Transaction(
            actor.role,
            plan.is_read_only,
            isolation,
            (*settings, *hoisted.items()),
            planned.main,
            planned.count,
            commits=end != "rollback" if end else not rest.rolls_back,
            pre_request=call_statement(rest.pre_request),
            unsafe=None if plan.is_read_only else unsafe_statement(cache.unsafe_statements),
            is_plain_read=plan.write is None and plan.call is None,
            cache_version=cache.version,
        )
        return run_transaction(self._pool, transaction, partial(build_reply, plan, request.path, rest))

    def _plan(self, request: ApiRequest, target: Target, cache: SchemaCache) -> PlannedRequest:
        planner = self._planner
        if planner is None or planner.schema_cache is not cache:
            planner = self._planner = Planner(cache)
        prefer, accept, range_ = map(request.header, ("prefer", "accept", "range"))
        content_type = request.header("content-type")
        return planner.plan(
            PlanInput(
                request.method, target, request.query, prefer, accept, range_, content_type, request.body
            )
        )

    def _describe(
        self, request: ApiRequest, target: Target, cache: SchemaCache, actor: Actor, settings: Settings
    ) -> Reply:
        if request.method not in ("GET", "HEAD"):
            raise RestError("PGRST117", f"Unsupported HTTP method: {request.method}")
        media = negotiate_root(request.header("accept"))
        visible = Statement(openapi.VISIBLE, (target.schema,))
        transaction = Transaction(
            actor.role,
            True,
            None,
            settings,
            visible,
            pre_request=call_statement(cache.settings.pre_request),
            cache_version=cache.version,
        )
        rows = run_transaction(self._pool, transaction, lambda rows, _: rows)
        tables, routines = (json.loads(column or b"[]") for column in (rows or [(None, None)])[0])
        content = openapi.describe(
            cache, target.schema, tables, routines, request.header("host"), request.prefix
        )
        headers = (("Content-Type", media.content_type), *profile_header(target, cache.settings))
        return Reply(200, headers, json.dumps(content).encode())


def _target(request: ApiRequest, settings: RestSettings) -> Target:
    header = "content-profile" if request.method in WRITES else "accept-profile"
    is_named = header in request.headers
    schema = request.headers.get(header, settings.schemas[0])
    if schema not in settings.schemas:
        raise RestError(
            "PGRST106",
            f"Invalid schema: {schema}",
            hint=f"Only the following schemas are exposed: {', '.join(settings.schemas)}",
        )
    parts = (unquote_to_bytes(part.encode("latin-1")) for part in request.path.split("/")[1:])
    match [part.decode(errors="replace") for part in parts]:
        case [table]:
            return Target(schema, table, is_named=is_named)
        case ["rpc", routine] if routine:
            return Target(schema, routine, is_call=True, is_named=is_named)
    raise RestError("PGRST125", "Invalid path specified in request URL")


def _allowed(target: Target, cache: SchemaCache) -> str:
    """Return the Allow header of a table, view or function."""
    if not target.name:
        return "OPTIONS,GET,HEAD"
    if target.is_call:
        place = f"{target.schema}.{target.name}"
        routines = cache.routines.get((target.schema, target.name), ())
        if not routines:
            raise RestError("PGRST202", f"Could not find the function {place} in the schema cache")
        return "OPTIONS,POST" if all(r.is_volatile for r in routines) else "OPTIONS,GET,HEAD,POST"
    table = find_table(cache, target)
    methods = {
        "POST": table.insertable,
        "PUT": table.insertable and table.updatable and bool(table.primary_key),
        "PATCH": table.updatable,
        "DELETE": table.deletable,
    }
    return ",".join(["OPTIONS,GET,HEAD", *(method for method, is_open in methods.items() if is_open)])
