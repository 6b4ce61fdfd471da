"""The page that an app without complete settings shows everywhere: what is missing, and what to do.

Trust boundary: it is served by the `flask` command only, to whoever is setting the app up; values that may be
secret were masked when the problems were made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from flask import Flask, Response, jsonify, make_response, render_template, request

from app.config_reading import Problem
from app.web.responses import wants_json


def register(app: Flask, problems: Sequence[Problem]) -> None:
    """Answer every request of an app, static files excepted, with the list of problems."""

    @app.before_request
    def explain() -> Response | None:
        return None if request.endpoint == "static" else setup_response(problems)


def setup_response(problems: Sequence[Problem]) -> Response:
    """Return the set-up page, or the same as JSON."""
    if wants_json():
        found = [dataclasses.asdict(problem) for problem in problems]
        response = jsonify(code="incomplete_settings", message="This app is not set up yet.", problems=found)
    else:
        response = make_response(render_template("pages/setup.html", problems=problems))
    response.status_code = 503
    return response
