"""`config/auth`: read and change the settings of the Auth service."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from signet_stack.auth_settings import AuthSettings, as_json
from signet_stack.context import Context
from signet_stack.management.body import json_object


def blueprint(context: Context) -> Blueprint:
    """Return the routes for a project's Auth settings."""
    bp = Blueprint("auth_settings", __name__)

    @bp.get("")
    def show() -> Response:
        return jsonify(_shown(context.auth_settings.current()))

    @bp.patch("")
    def change() -> Response:
        return jsonify(_shown(context.auth_settings.change(json_object())))

    def _shown(settings: AuthSettings) -> dict[str, object]:
        # What is not set reads as what is in force, as on the platform.
        return {**as_json(settings), "site_url": settings.site_url or context.site_url}

    return bp
