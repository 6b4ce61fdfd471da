"""What `wsgi.py` does before there is an app: start or join the local stack, find the settings.

Under `flask`, settings that are missing do not end the process: the command that helps must not fail for the
reason that it explains. Under any other server they do, with the whole list, before a request is served. What
is slow to import is imported while the stack boots.
"""

from __future__ import annotations

import importlib
import os
import secrets
import sys
import threading
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Flask
from flask.cli import run_command, shell_command

from app.errors import Misconfigured
from flask_signet.cli.doctor import PROBLEMS
from flask_signet.cli.flask_run import check_port, end_with_reloader, flask_context, is_reloader_child
from flask_signet.cli.local import (
    apply_migrations,
    flask_project,
    show_stack,
    start_or_join,
    wants_local_stack,
)
from signet_db.output import fails_in_words
from signet_stack.handle import LOOPBACK

if TYPE_CHECKING:
    from app.settings import Settings, SettingsError

BAD_SETTINGS = 2
# gunicorn starts workers that exit again and again, except with this code.
GUNICORN_GIVES_UP = 4
NEEDED_SOON = ("app.web", "app.auth", "app.profiles", "signet_db.runner")
DEFAULT_PORT = 8000
ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
SECRET_KEY_LENGTH = 64


def start(create_app: Callable[[Settings], Flask]) -> Flask:
    """Build the app of this process; ends the process when that is impossible."""
    stack = prepare(os.environ)
    from app.settings import Settings, SettingsError

    try:
        return create_app(Settings.from_env(os.environ, **stack))
    except SettingsError as error:
        return explain_or_exit(create_app, error)


@fails_in_words
def prepare(environ: MutableMapping[str, str], instance: Path = INSTANCE) -> dict[str, Any]:
    """Do what the command of this process needs first; return what Settings.from_env must know besides.

    `flask run` and `flask shell` start or join the local stack when the environment names no project.
    """
    context = flask_context()
    if context is None or context.command not in (run_command, shell_command):
        return {}
    serves = context.command is run_command
    if serves:
        if not is_reloader_child(environ):  # the child serves on its parent's socket
            check_port(context.params["host"], context.params["port"])
        end_with_reloader(environ)
    here = _served_at(context)
    if not wants_local_stack(environ):
        return {"local_site_url": here}
    _import_meanwhile(NEEDED_SOON)
    site_url = environ.get("SITE_URL") or here
    project = flask_project(ROOT, instance)
    stack = start_or_join(project, site_url)
    secret_key = local_secret_key(instance)
    if serves and not is_reloader_child(environ):
        apply_migrations(stack, project)
        show_stack(stack, project, app_url=site_url)
    from app.settings import LocalStack

    return {"local_stack": LocalStack.of(stack), "local_secret_key": secret_key, "local_site_url": here}


def _served_at(context: click.Context) -> str:
    """Return the address on this machine that the command serves; 0.0.0.0 is shown as 127.0.0.1."""
    from flask_signet.gatekeeper.settings import LOOPBACK_HOSTS

    host, port = context.params.get("host"), context.params.get("port") or DEFAULT_PORT
    if host == "::1":
        host = "localhost"  # TRUSTED_HOSTS knows no IPv6 addresses, see flask_config

    return f"http://{host if host in LOOPBACK_HOSTS else LOOPBACK}:{port}"


def local_secret_key(instance: Path) -> str:
    """Return the key that seals cookies for local use; made at the first start, readable by its owner."""
    path = instance / "secret_key"
    try:
        if not path.exists() or path.stat().st_size < SECRET_KEY_LENGTH:
            _make_secret_key(path)
        return path.read_text()
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be used: {error.strerror}.",
            hint=f"sudo chown -R $(id -un) '{instance}' && chmod -R u+rwX '{instance}'",
        ) from error


def _make_secret_key(path: Path) -> None:
    draft = path.with_name(f".secret_key.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(secrets.token_hex(SECRET_KEY_LENGTH // 2))
    if os.geteuid() == 0:  # `sudo flask run` must not lock out the owner of the checkout
        owner = path.parent.stat()
        os.chown(draft, owner.st_uid, owner.st_gid)
    draft.replace(path)


def explain_or_exit(create_app: Callable[[Settings], Flask], error: SettingsError) -> Flask:
    """Return an app whose every page lists the problems, under `flask`; else print them and exit."""
    if flask_context() is None:
        print(f"Signet cannot start, its settings are not complete:\n{error}", file=sys.stderr)
        sys.exit(GUNICORN_GIVES_UP if "gunicorn.arbiter" in sys.modules else BAD_SETTINGS)
    from app.web.error_pages import explain_everywhere

    app = create_app(_placeholder())
    explain_everywhere(app, error.problems)
    app.extensions[PROBLEMS] = [str(problem) for problem in error.problems]  # for `flask doctor`
    # Before every other check: none of them makes sense without settings.
    hooks = app.before_request_funcs[None]
    hooks.insert(0, hooks.pop())
    return app


def _placeholder() -> Settings:
    """Return settings of no project, for an app that serves the set-up page only."""
    from app.settings import Settings

    nowhere = "http://127.0.0.1:9"
    return Settings(
        supabase_url=nowhere,
        publishable_key="sb_publishable_missing",
        issuer=nowhere,
        site_url=f"http://127.0.0.1:{DEFAULT_PORT}",
        secret_key=secrets.token_hex(32),
    )


def _import_meanwhile(modules: tuple[str, ...]) -> None:
    """Load what will be needed while the stack boots; a module that fails does so again where it is used."""

    def load() -> None:
        for module in modules:
            with suppress(ImportError):
                importlib.import_module(module)

    threading.Thread(target=load, daemon=True).start()
