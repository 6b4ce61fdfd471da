"""`config/auth/signing-keys`: list, create, change and delete signing keys."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify

from signet_stack.auth.user_json import moment
from signet_stack.management.body import json_object
from signet_stack.signing_key_material import ALGORITHMS
from signet_stack.signing_key_states import IN_USE, STANDBY, STATES
from signet_stack.signing_keys import SigningKey, SigningKeys


def blueprint(keys: SigningKeys) -> Blueprint:
    """Return the routes for a project's keys."""
    bp = Blueprint("signing_keys", __name__)

    @bp.get("/signing-keys")
    def list_keys() -> Response:
        return jsonify(keys=[_shown(key) for key in keys.all()])

    @bp.post("/signing-keys")
    def create_key() -> tuple[Response, int]:
        body = json_object()
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
        return jsonify(_shown(keys.create(algorithm, status, given))), 201

    @bp.get("/signing-keys/legacy")
    @bp.post("/signing-keys/legacy")
    def legacy() -> Response:
        abort(404, "The local stack has no legacy secret: it has signed with key pairs from the start")

    @bp.get("/signing-keys/<kid>")
    def show_key(kid: str) -> Response:
        return jsonify(_shown(keys.get(kid)))

    @bp.patch("/signing-keys/<kid>")
    def change_key(kid: str) -> Response:
        status = json_object().get("status")
        if status not in STATES:
            abort(400, f"status must be one of {', '.join(STATES)}")
        return jsonify(_shown(keys.set_status(kid, status)))

    @bp.delete("/signing-keys/<kid>")
    def delete_key(kid: str) -> Response:
        return jsonify(_shown(keys.delete(kid)))

    return bp


def _shown(key: SigningKey) -> dict[str, Any]:
    return {
        "id": key.kid,
        "algorithm": key.algorithm,
        "status": key.status,
        "public_jwk": key.public_jwk,
        "created_at": moment(key.created_at),
        "updated_at": moment(key.updated_at),
    }
