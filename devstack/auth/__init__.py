"""The Auth service, mounted at /auth/v1."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify

from devstack.context import Context


def create_auth(context: Context) -> Flask:
    """Build the Auth service for one stack."""
    app = Flask(__name__)

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"name": "GoTrue", "description": "GoTrue is a user registration and authentication API"}

    @app.get("/.well-known/jwks.json")
    def jwks() -> Response:
        response = jsonify(context.signing_keys.jwks())
        response.headers["Cache-Control"] = "public, max-age=600"
        return response

    return app
