"""Start the app: the entry point of `flask` and of every WSGI server."""

from __future__ import annotations

from app import create_app
from app.startup import start

app = start(create_app)
