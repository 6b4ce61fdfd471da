"""`flask local`: start, stop, look at and empty the local stack of this checkout."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click

from app.errors import Conflict
from app.local_stack import (
    FOLDER,
    apply_migrations,
    command_name,
    lease_for,
    refuse_windows,
    show_stack,
    stack_for,
)
from flask_signet.cli.auth_config import config
from signet_db.output import confirm, fails_in_words, show, show_json, tell, with_json, with_yes
from signet_stack import stack_words
from signet_stack.handle import RunningStack, find_running, is_locked, status_of, stop_running
from signet_stack.process.lease import ROOT, LocalStackFailed

__all__ = ["local", "stack_for"]

STOPPED = 3  # exit code of `status`

with_secrets = click.option("--show-secrets", is_flag=True, help="Show keys and passwords in full.")


@click.group()
def local() -> None:
    """The local stack: Auth, data API, mailbox and PostgreSQL on this machine."""


local.add_command(config)


@local.command()
@with_json
@with_secrets
@fails_in_words
def start(as_json: bool, show_secrets: bool) -> None:
    """Start the stack, or join it when it runs already, and keep it until Ctrl-C.

    Migrations that are pending are applied.
    """
    lease = lease_for()
    if not lease.is_starter:
        tell("The local stack is running already; this command keeps it running.")
    apply_migrations(lease.stack.database_url)
    show_stack(lease.stack, as_json=as_json, show_secrets=show_secrets)
    tell("Stop: Ctrl-C")
    try:
        lease.wait()
    except KeyboardInterrupt:
        tell("Stopped. Everything is kept." if lease.release() else "Still running, for others.")
    else:
        raise LocalStackFailed("The local stack has ended.", hint="flask local start")


@local.command()
@with_json
@fails_in_words
def stop(as_json: bool) -> None:
    """Stop the stack, whoever uses it; everything is kept."""
    refuse_windows()
    leases = _leases_of(find_running(FOLDER))
    was_running = stop_running(FOLDER, command_name())
    if as_json:
        show_json({"running": False, "was_running": was_running, "leases": leases})
    elif was_running:
        show(["Stopped. Everything is kept."])
        if leases:
            tell(f"warning: it was in use by {stack_words.used_by(leases)}")
    else:
        show(["The local stack is not running."])


@local.command()
@with_json
@with_secrets
@fails_in_words
def status(as_json: bool, show_secrets: bool) -> None:
    """Show what is where; exits with 3 when the stack is not running, or not ready yet."""
    refuse_windows()
    stack = find_running(FOLDER)
    state = (status_of(stack) or {}).get("state", "hanging") if stack else "stopped"
    if stack is not None and state != "starting":
        show_stack(stack, as_json=as_json, show_secrets=show_secrets)
        return
    if as_json:
        show_json({"running": False, "state": state})
    elif stack is not None:
        show(["The local stack is starting."])
    else:
        show(["The local stack is not running.", "Next: flask run  or  flask local start"])
    raise SystemExit(STOPPED)


@local.command()
@with_json
@with_yes
@click.option("--stop", "stop_first", is_flag=True, help="Stop the stack first when it is running.")
@fails_in_words
def reset(as_json: bool, yes: bool, stop_first: bool) -> None:
    """Delete everything in the stack: people, rows, mails, keys."""
    refuse_windows()
    if is_locked(FOLDER) and not stop_first:
        using = stack_words.used_by(_leases_of(find_running(FOLDER)))
        raise Conflict(
            f"The local stack is in use by {using or 'another process'}.", hint="flask local reset --stop"
        )
    lost = f"every person, row, mail and signing key of the local stack in {FOLDER}"
    confirm(f"This deletes {lost}.", yes)
    stop_running(FOLDER, command_name())
    forget = [sys.executable, "-m", "signet_stack", "--data-dir", str(FOLDER), "--reset"]
    if subprocess.run(forget, cwd=ROOT, check=False).returncode != 0:
        raise SystemExit(1)
    if as_json:
        show_json({"deleted": str(FOLDER)})
    else:
        show(["Deleted.", "Next: flask run"])


@local.command()
@with_json
@fails_in_words
def seed(as_json: bool) -> None:
    """Make Alice, Bob and Charlie in the local stack; running it again changes nothing."""
    from flask_signet.cli import seeding

    stack = lease_for().stack
    apply_migrations(stack.database_url)
    seeding.seed(stack.database_url)
    if as_json:
        show_json({"people": seeding.PEOPLE, "password": seeding.PASSWORD})
    else:
        show([*seeding.PEOPLE, f"all with the password:  {seeding.PASSWORD}"])


def _leases_of(stack: RunningStack | None) -> list[dict[str, Any]]:
    status = status_of(stack) if stack else None
    return status["leases"] if status else []
