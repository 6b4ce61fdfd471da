"""The Auth service as a Flask app: routes, error bodies, the body limit, cross-origin headers."""

from __future__ import annotations

import logging
import re
import traceback

import psycopg
from flask import Flask, Response, request
from psycopg.errors import DeadlockDetected, QueryCanceled, RaiseException
from psycopg_pool import PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from signet_stack.auth import users
from signet_stack.auth.errors import (
    VERSION_HEADER,
    AuthError,
    DatabaseFailure,
    error_body,
    error_headers,
    wants_new_shape,
)
from signet_stack.auth.mail_delivery import mailer_for
from signet_stack.auth.passwords import PasswordHashes
from signet_stack.auth.rate_limits import RateLimits
from signet_stack.auth.routes import BLUEPRINTS, http
from signet_stack.auth.service import Auth
from signet_stack.context import Context

MAX_BODY_BYTES = 1024 * 1024
EXPOSED_HEADERS = "X-Total-Count, Link, X-Supabase-Api-Version"
PREFLIGHT_SECONDS = "86400"
REQUEST_ID_HEADER = "sb-request-id"
UNEXPECTED = "Unexpected failure, please check server logs for more information"
_ASKED_STATUS = re.compile(r"PT[45][0-9]{2}")

logger = logging.getLogger(__name__)


def create_auth(context: Context) -> Flask:
    """Build the Auth service for one stack."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions[http.EXTENSION] = Auth(
        context,
        PasswordHashes(context.password_cost),
        RateLimits(context.clock),
        mailer_for(context.smtp_url),
    )
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.before_request(_preflight)
    app.after_request(_share)
    app.register_error_handler(AuthError, _auth_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(psycopg.Error, _database_error)
    app.register_error_handler(QueryCanceled, _busy)
    app.register_error_handler(PoolTimeout, _busy)
    app.register_error_handler(DeadlockDetected, _deadlock)
    app.register_error_handler(DatabaseFailure, _refused_by_database)
    app.register_error_handler(users.Taken, _address_taken)
    app.register_error_handler(Exception, _unexpected)
    return app


def _auth_error(error: AuthError) -> Response:
    is_new = wants_new_shape(request.headers.get(VERSION_HEADER))
    headers = error_headers(error, is_new_shape=is_new)
    body = error_body(error, is_new_shape=is_new)
    if error.status >= 500:
        error_id = http.log_failure(error)
        headers[REQUEST_ID_HEADER] = error_id
        if not is_new:
            body["error_id"] = error_id
    return http.answer(body, error.status, headers)


def _address_taken(_error: users.Taken) -> Response:
    """Answer for a race of two requests for one address that a repetition did not settle."""
    return _auth_error(users.email_taken())


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, RequestEntityTooLarge):
        message = f"Request body exceeds the limit of {MAX_BODY_BYTES} bytes"
        return _auth_error(AuthError(413, "request_entity_too_large", message))
    if isinstance(error, NotFound):
        return http.answer({"message": f"The local Auth service has nothing at {request.path}"}, 404)
    if isinstance(error, MethodNotAllowed):
        return Response(status=405, headers=[("Allow", ", ".join(error.valid_methods or ()))])
    return _auth_error(AuthError(error.code or 500, "unknown", error.name))


def _refused_by_database(error: DatabaseFailure) -> Response:
    """Answer for a failed statement: a trigger's own sentence if it raised one, else the operation's."""
    cause = error.__cause__
    return _database_error(cause, error) if isinstance(cause, psycopg.Error) else _auth_error(error)


def _database_error(error: psycopg.Error, failure: AuthError | None = None) -> Response:
    """Answer for an error of the database in the hosted service's shape.

    What a trigger raised on purpose is meant to be seen, so the newer shape carries it as well; there the
    hosted service has the operation's sentence only.
    """
    diagnostic = error.diag
    status = _status_of_exception(error.sqlstate or "")
    if status is None:
        # Not the error itself: its detail can hold a whole row, with hashes and addresses.
        where = "".join(traceback.format_tb(error.__traceback__))
        said = diagnostic.message_primary or "connection lost"
        failure = failure or AuthError(500, "unexpected_failure", UNEXPECTED)
        failure.detail = f"database error {error.sqlstate}: {said}\n{where}"
        return _auth_error(failure)
    message = diagnostic.message_primary or UNEXPECTED
    if wants_new_shape(request.headers.get(VERSION_HEADER)):
        return _auth_error(AuthError(status, "unexpected_failure", message))
    content = {
        "code": error.sqlstate,
        "message": message,
        "hint": diagnostic.message_hint,
        "detail": diagnostic.message_detail,
    }
    error_id = {REQUEST_ID_HEADER: http.log(f"{error.sqlstate} {message}")} if status >= 500 else {}
    return http.answer(content, status, error_id)


def _status_of_exception(sqlstate: str) -> int | None:
    """Return the status of an exception raised in SQL: PT402 asks for 402, a plain exception is a 500."""
    if _ASKED_STATUS.fullmatch(sqlstate):
        return int(sqlstate[2:])
    return 500 if sqlstate == RaiseException.sqlstate else None


def _busy(_error: PoolTimeout | QueryCanceled) -> Response:
    message = "Processing this request timed out, please retry after a moment."
    return _auth_error(AuthError(504, "request_timeout", message))


def _deadlock(_error: DeadlockDetected) -> Response:
    message = "Another request changed the same account at the same time, please retry after a moment."
    return _auth_error(AuthError(409, "conflict", message))


def _unexpected(error: Exception) -> Response:
    logger.exception("unexpected failure", exc_info=error)
    return _auth_error(AuthError(500, "unexpected_failure", UNEXPECTED))


def _preflight() -> Response | None:
    """Answer a CORS preflight; refuse HEAD, so that a link checker redeems no link."""
    if request.method == "HEAD":
        return Response(status=405)
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
    asked = request.headers.get("Access-Control-Request-Headers", "")
    response.headers["Access-Control-Allow-Headers"] = asked.replace("\n", "")
    response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def _share(response: Response) -> Response:
    """Allow every origin (CORS): a request carries its own token, and no cookie counts."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return response
