"""Routes of `config/auth`: the settings of the Auth service, and `config/auth/signing-keys`."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from signet_stack.auth.users import rfc3339
from signet_stack.auth_settings import AuthSettings, as_json
from signet_stack.context import Context
from signet_stack.signing_keys import ALGORITHMS, IN_USE, STANDBY, STATES, SigningKey, SigningKeys


def settings_blueprint(context: Context) -> Blueprint:
    """Return the routes for a project's Auth settings."""
    bp = Blueprint("auth_settings", __name__)

    @bp.get("")
    def show() -> Response:
        return jsonify(_shown(context.auth_settings.current()))

    @bp.patch("")
    def change() -> Response:
        return jsonify(_shown(context.auth_settings.change(_json_object())))

    def _shown(settings: AuthSettings) -> dict[str, object]:
        # What is not set reads as what is in force, as on the platform.
        return {**as_json(settings), "site_url": settings.site_url or context.site_url}

    return bp


def keys_blueprint(keys: SigningKeys) -> Blueprint:
    """Return the routes for a project's keys."""
    bp = Blueprint("signing_keys", __name__)

    @bp.get("/signing-keys")
    def list_keys() -> Response:
        return jsonify(keys=[_key_json(key) for key in keys.all()])

    @bp.post("/signing-keys")
    def create_key() -> tuple[Response, int]:
        body = _json_object()
        algorithm, status = body.get("algorithm"), body.get("status") or STANDBY
        given = body.get("private_jwk")
        if algorithm not in ALGORITHMS:
            abort(
                400, f"algorithm must be one of {', '.join(ALGORITHMS)}; the local stack signs with no other"
            )
        if status not in (STANDBY, IN_USE):
            abort(400, f"status must be {STANDBY} or {IN_USE}")
        if given is not None and not isinstance(given, dict):
            abort(400, "private_jwk must be a JSON object")
        return jsonify(_key_json(keys.create(algorithm, status, given))), 201

    @bp.get("/signing-keys/legacy")
    @bp.post("/signing-keys/legacy")
    def legacy() -> Response:
        abort(404, "The local stack has no legacy secret: it has signed with key pairs from the start")

    @bp.get("/signing-keys/<kid>")
    def show_key(kid: str) -> Response:
        return jsonify(_key_json(keys.get(kid)))

    @bp.patch("/signing-keys/<kid>")
    def change_key(kid: str) -> Response:
        status = _json_object().get("status")
        if status not in STATES:
            abort(400, f"status must be one of {', '.join(STATES)}")
        return jsonify(_key_json(keys.set_status(kid, status)))

    @bp.delete("/signing-keys/<kid>")
    def delete_key(kid: str) -> Response:
        return jsonify(_key_json(keys.delete(kid)))

    return bp


def _key_json(key: SigningKey) -> dict[str, Any]:
    return {
        "id": key.kid,
        "algorithm": key.algorithm,
        "status": key.status,
        "public_jwk": key.public_jwk,
        "created_at": rfc3339(key.created_at),
        "updated_at": rfc3339(key.updated_at),
    }


def _json_object() -> dict[str, Any]:
    """Return the body; answer 400 when it is no JSON object."""
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        abort(400, "The body must be a JSON object")
    return body
