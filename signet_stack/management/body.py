"""Read the JSON object of a request to the management API."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, request


def json_object() -> dict[str, Any]:
    """Return the body; answer 400 when it is no JSON object."""
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        abort(400, "The body must be a JSON object")
    return body
