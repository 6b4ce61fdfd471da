"""The local stack of this checkout, for every command that needs one.

It is started or joined, and held until the process ends. Nothing here touches a hosted project. What is slow
to import is imported late, so that the stack boots meanwhile.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import Misconfigured
from signet_db.output import show, show_json, tell
from signet_stack import stack_words
from signet_stack.handle import LocalStackHangs, RunningStack, status_of
from signet_stack.process.lease import ROOT, Lease, take_lease

if TYPE_CHECKING:
    from app.settings import LocalStack

INSTANCE = ROOT / "instance"
FOLDER = INSTANCE / "signet_stack"
MIGRATIONS = ROOT / "migrations"

_leases: dict[Path, Lease] = {}


def stack_for(instance_path: Path = INSTANCE, site_port: int = 8000) -> LocalStack:
    """Start or join the stack of an instance folder, for the life of this process; raises AppError."""
    return lease_for(instance_path, f"http://127.0.0.1:{site_port}").stack.for_app()


def lease_for(
    instance_path: Path = INSTANCE,
    site_url: str = "http://127.0.0.1:8000",
    on_lost: Callable[[], None] = lambda: None,
) -> Lease:
    """Like ``stack_for``, with all that commands may need: the secret key, the management token, the lease.

    ``on_lost`` hears when the stack ends before this process does.
    """
    refuse_windows()
    folder = instance_path / "signet_stack"
    if folder not in _leases:
        _leases[folder] = take_lease(folder, site_url, command_name(), tell, on_lost=on_lost)
        atexit.register(_leases[folder].release)
    return _leases[folder]


def refuse_windows() -> None:
    """Raise Misconfigured where the local stack cannot run."""
    if sys.platform == "win32":
        raise Misconfigured(
            "The local stack does not run on Windows itself.",
            hint="Use it in WSL, or set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY for a hosted project.",
        )


def command_name() -> str:
    """Return what people call this process: `flask run` and the like."""
    context = click.get_current_context(silent=True)
    return context.command_path.removeprefix("python -m ") if context else Path(sys.argv[0]).name


def apply_migrations(database_url: str) -> None:
    """Apply the pending migrations to the local database before requests are served."""
    from signet_db import output, report, runner
    from signet_db.runner import Applied, Event, Warned

    def on_event(event: Event) -> None:
        if isinstance(event, Applied):
            tell(f"migrated   {event.migration.version}  {event.migration.name}")
        elif isinstance(event, Warned):
            report.tell_warning(event)

    if any(os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_URL_FILE")):
        output.repeat("--local")  # a next step must not reach that database
    runner.upgrade(database_url, MIGRATIONS, on_event)


def show_stack(
    stack: RunningStack, *, app_url: str = "", as_json: bool = False, show_secrets: bool = False
) -> None:
    """Print what is where."""
    from signet_db import report, runner

    status = status_of(stack)
    if status is None:
        raise LocalStackHangs(FOLDER, stack)
    entries = runner.status(stack.database_url, MIGRATIONS)
    described = stack_words.describe(
        stack, status, FOLDER, app_url or stack.site_url, show_secrets=show_secrets
    )
    if as_json:
        show_json({**described, "migrations": report.status_json(entries), "leases": status["leases"]})
    else:
        show(stack_words.table(described, report.counts(entries)))
