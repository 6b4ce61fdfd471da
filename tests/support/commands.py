"""Every command of `flask`, without a project behind it."""

from __future__ import annotations

import click
from flask.cli import FlaskGroup

from app import create_app
from app.settings import Settings


def command_tree() -> click.Group:
    """Return the group of all commands: Flask's own and ours."""
    settings = Settings(
        supabase_url="http://127.0.0.1:1",
        publishable_key="sb_publishable_test",
        issuer="http://127.0.0.1:1/auth/v1",
        site_url="http://127.0.0.1:8000",
        secret_key="a-secret-key-of-more-than-32-bytes-for-tests",
    )
    return click.Group(commands={**FlaskGroup().commands, **create_app(settings).cli.commands})
