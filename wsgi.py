"""Start the app: the entry point of `flask` and of every WSGI server."""

from __future__ import annotations

import os

from app import create_app, warn_about
from app.cli.startup import explain_or_exit, find_settings
from app.config import SettingsError

try:
    settings = find_settings()
    app = create_app(settings)
    warn_about(os.environ, settings, app.logger)
except SettingsError as error:
    app = explain_or_exit(create_app, error)
