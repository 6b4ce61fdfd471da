"""Start the app: the entry point of `flask` and of every WSGI server."""

from __future__ import annotations

from app import create_app
from app.cli.startup import explain_or_exit, find_settings
from app.config import SettingsError

try:
    app = create_app(find_settings())
except SettingsError as error:
    app = explain_or_exit(create_app, error)
