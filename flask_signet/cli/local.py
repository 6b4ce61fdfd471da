"""`flask local`: the commands of signet_stack for the paths of a Flask app; and the stack of `flask run`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from signet_db import output
from signet_db.output import tell
from signet_stack import preparation, program
from signet_stack.handle import RunningStack, hold
from signet_stack.project import Project, command_name

COMMAND = "flask local"
# A project that is named here is used instead of the local stack.
NAMING = ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_URL_FILE", "SUPABASE_PUBLISHABLE_KEY_FILE")

local = click.Group("local", help="The local stack: Auth, data API, mailbox and PostgreSQL on this machine.")
for _command in program.main.commands.values():
    local.add_command(_command)


def wants_local_stack(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for the local stack and names no other project."""
    return environ.get("SUPABASE_LOCAL") == "1" and not any(environ.get(name) for name in NAMING)


def start_or_join(
    project: Project, site_url: str | None = None, *, on_lost: Callable[[], None] | None = None
) -> RunningStack:
    """Start or join the project's stack, hold it until this process ends, and return it; raise StackError.

    ``site_url`` is the app's address, for the links in mails. ``on_lost`` is called if the stack ends before
    this process does; by default that is reported.
    """

    def report_lost() -> None:
        tell("error: The local stack has ended; without it sign-in and data fail.")
        log = project.folder / "stack.log"
        tell(f"Next: end this command with Ctrl-C and start it again; the stack's log is {log}")

    lease = hold(
        project.folder,
        site_url or project.site_url,
        name=command_name(),
        report=tell,
        on_lost=on_lost or report_lost,
        command=COMMAND,
    )
    return lease.stack


def apply_migrations(stack: RunningStack, project: Project) -> None:
    """Apply the project's pending migrations to its local stack; raise MigrationError."""
    if any(os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_URL_FILE")):
        output.repeat("--local")  # a next step must not reach that database
    preparation.apply_config(stack, project.config)
    preparation.apply_migrations(stack, project.migrations)


def show_stack(stack: RunningStack, project: Project, *, app_url: str = "") -> None:
    """Print the addresses and keys of the stack; raise LocalStackHangs."""
    program.show_stack(stack, project, app_url=app_url, command=COMMAND)


def flask_project(root: Path, instance_path: Path | str | None = None) -> Project:
    """Return the project of a Flask app: data in its instance folder, the other parts beside its code."""
    instance = Path(instance_path) if instance_path else root / "instance"
    return Project.at(root, instance / "signet_stack")
