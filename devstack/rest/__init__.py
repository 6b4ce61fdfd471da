"""The data API, mounted at /rest/v1."""

from __future__ import annotations

from flask import Flask

from devstack.context import Context


def create_rest(context: Context) -> Flask:
    """Build the data API for one stack."""
    app = Flask(__name__)
    app.config["CONTEXT"] = context
    return app
