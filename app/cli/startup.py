"""What `wsgi.py` does before there is an app: find the settings, start or join the local stack.

Under `flask`, settings that are missing do not end the process: the command that helps must not fail for the
reason that it explains. Under any other server they do, with the whole list, before a request is served.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo

from app.cli import reloader
from app.cli.checkout_stack import FOLDER, INSTANCE, apply_migrations, lease_for, show_stack
from app.cli.output import fails_in_words, tell
from app.cli.ports import check_port
from app.config import Settings, SettingsError
from app.pages import setup

BAD_SETTINGS = 2
# gunicorn starts workers that exit again and again, except with this code.
GUNICORN_GIVES_UP = 4
NEED_THE_STACK = ("run", "shell")
DEFAULT_PORT = 8000


@fails_in_words
def find_settings(environ: MutableMapping[str, str] = os.environ, instance: Path = INSTANCE) -> Settings:
    """Return this process's settings; raises SettingsError, and ends the process when the stack fails.

    For `flask run` and `flask shell` without a project named in the environment, the local stack is started
    or joined first.
    """
    context = flask_context()
    command = context.info_name if context else None
    if context and command == "run":
        _prepare_to_serve(context.params, environ)
    if context is None or command not in NEED_THE_STACK or not wants_local_stack(environ):
        return Settings.from_env(environ)
    port = int(context.params.get("port") or DEFAULT_PORT)
    site_url = environ.get("SITE_URL") or f"http://127.0.0.1:{port}"
    stack = lease_for(instance, site_url, _tell_lost).stack
    if command == "run" and not reloader.is_child(environ):
        apply_migrations(stack.database_url)
        show_stack(stack, app_url=site_url)
    secret_key = local_secret_key(instance)
    return Settings.from_env(environ, local_stack=stack.for_app(), local_secret_key=secret_key, port=port)


def _prepare_to_serve(options: Mapping[str, Any], environ: MutableMapping[str, str]) -> None:
    if not reloader.is_child(environ):  # the child serves on its parent's socket
        check_port(options["host"], options["port"])
    reloader.tie_child_to_parent(environ)


def _tell_lost() -> None:
    tell("error: The local stack has ended; without it nobody can sign in or see anything.")
    tell(f"Next: end this command with Ctrl-C and start it again; the stack's log is {FOLDER / 'stack.log'}")


def wants_local_stack(environ: Mapping[str, str]) -> bool:
    """Whether the environment names no project and asks for the local stack."""
    named = {"SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_URL_FILE", "SUPABASE_PUBLISHABLE_KEY_FILE"}
    return environ.get("SUPABASE_LOCAL") == "1" and not any(environ.get(name) for name in named)


def flask_context() -> click.Context | None:
    """Return the click context when this process is the `flask` command."""
    context = click.get_current_context(silent=True)
    return context if context and context.find_object(ScriptInfo) else None


def local_secret_key(instance: Path) -> str:
    """Return the key that seals cookies for local use; made at the first start, readable by its owner."""
    path = instance / "secret_key"
    if not path.exists():
        draft = path.with_name(f".secret_key.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        draft.replace(path)
    return path.read_text().strip()


def explain_or_exit(create_app: Callable[[Settings], Flask], error: SettingsError) -> Flask:
    """Return an app whose every page lists the problems, under `flask`; else print them and exit."""
    if flask_context() is None:
        print(f"Signet cannot start, its settings are not complete:\n{error}", file=sys.stderr)
        sys.exit(GUNICORN_GIVES_UP if "gunicorn.arbiter" in sys.modules else BAD_SETTINGS)
    app = create_app(_placeholder())
    setup.register(app, error.problems)
    # Before every other check: none of them makes sense without settings.
    hooks = app.before_request_funcs[None]
    hooks.insert(0, hooks.pop())
    return app


def _placeholder() -> Settings:
    """Return settings that nobody can use, for an app that serves nothing but its explanation."""
    nowhere = "http://127.0.0.1:9"
    return Settings(
        supabase_url=nowhere,
        publishable_key="sb_publishable_missing",
        issuer=nowhere,
        site_url=f"http://127.0.0.1:{DEFAULT_PORT}",
        secret_key=secrets.token_hex(32),
    )
