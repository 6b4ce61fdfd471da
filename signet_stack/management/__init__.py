"""The management API, mounted at /v1: signing keys and Auth settings, in the platform's protocol.

Trust boundary: the management token of `stack.json` administers the project. No page of another origin
can read an answer, and no cookie counts.
"""

from __future__ import annotations

import hmac

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from signet_stack.auth_settings import SettingsRefused
from signet_stack.context import Context
from signet_stack.management import routes
from signet_stack.signing_keys import ChangeRefused, KeyRefused, UnknownKey

MAX_BODY_BYTES = 64 * 1024
PROJECT = "local"


def create_management(context: Context) -> Flask:
    """Build the management API for one stack."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    for blueprint in (routes.keys_blueprint(context.signing_keys), routes.settings_blueprint(context)):
        app.register_blueprint(blueprint, url_prefix="/projects/<ref>/config/auth")

    @app.before_request
    def check_bearer() -> None:
        """Answer 401 without the management token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        is_known = hmac.compare_digest(token.strip().encode(), context.management_token.encode())
        if scheme.lower() != "bearer" or not is_known:
            abort(401, "The management token is missing or wrong; it is in the local stack's stack.json")
        if request.view_args is not None and request.view_args.pop("ref", PROJECT) != PROJECT:
            abort(404, f"The local stack is the project {PROJECT!r}")

    @app.errorhandler(ChangeRefused)
    @app.errorhandler(KeyRefused)
    def refused(error: Exception) -> tuple[Response, int]:
        return jsonify(message=str(error)), 422

    @app.errorhandler(SettingsRefused)
    def not_set(error: SettingsRefused) -> tuple[Response, int]:
        return jsonify(message=str(error)), 400

    @app.errorhandler(UnknownKey)
    def unknown(error: UnknownKey) -> tuple[Response, int]:
        return jsonify(message=f"There is no signing key {error}"), 404

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Response, int]:
        return jsonify(message=error.description), error.code or 500

    return app
