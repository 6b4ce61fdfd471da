"""`python -m signet_stack`, `signet-stack` and `flask local`: the commands of the local stack.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not
running (`status`), 130 interrupted. The paths come from options, from the Flask app (`flask local`), or from
the current folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from signet_db.errors import Conflict, InputRejected, Misconfigured
from signet_db.output import (
    confirm,
    fails_in_words,
    name_program,
    show,
    show_json,
    tell,
    with_json,
    with_yes,
)
from signet_stack import rendering
from signet_stack.config_command import config
from signet_stack.errors import LocalStackFailed, LocalStackHangs, refuse_windows
from signet_stack.handle import (
    Lease,
    RunningStack,
    find_running,
    hold,
    is_locked,
    status_of,
    stop_running,
    temporary_folder,
)
from signet_stack.log_files import last_lines, new_lines
from signet_stack.options import DefaultPrivileges
from signet_stack.preparation import all_emails, apply_config, apply_migrations, run_seed
from signet_stack.process.running import DETACHED
from signet_stack.project import Project, command_name, current_project, group_name
from signet_stack.supabase_config import FILE as CONFIG_FILE

if TYPE_CHECKING:
    pass

STOPPED = 3  # exit code of `status`
SEEDED = "seeded"  # the file in the data folder that says that `start --seed` has run
POLL_SECONDS = 0.25

Command = Callable[..., Any]

_PATH = click.Path(path_type=Path)


def with_folder(command: Command) -> Command:
    """Add the option ``--folder``."""
    help_ = "Data folder. Default: instance/signet_stack, or .signet_stack without an instance folder."
    return click.option("--folder", type=_PATH, metavar="DIR", help=help_)(command)


def with_migrations(command: Command) -> Command:
    """Add the option ``--migrations``."""
    help_ = "Folder of the migrations. Default: migrations, else supabase/migrations."
    return click.option("--migrations", type=_PATH, metavar="DIR", help=help_)(command)


with_secrets = click.option("--show-secrets", is_flag=True, help="Show keys and passwords in full.")
with_env = click.option(
    "--env", "as_env", is_flag=True, help="Print SUPABASE_URL=… lines to source, with secrets."
)


class StackGroup(click.Group):
    """The program's commands; without the name of one it is `start`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert `start` before options that are not the group's own."""
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "--version")):
            args = ["start", *args]
        return super().parse_args(ctx, args)


@click.group(cls=StackGroup)
def main() -> None:
    """The local stack: Auth, data API, mailbox and PostgreSQL on this machine, offline.

    Without a command: start.
    """
    name_program("python -m signet_db")


@main.command()
@with_folder
@with_migrations
@click.option("--seed", type=_PATH, metavar="FILE", help="SQL to run after the first start's migrations.")
@click.option("--site-url", metavar="URL", help="Address of the app, for links in mails.")
@click.option("--ephemeral", is_flag=True, help="Any free ports, no fsync, deleted at the end.")
@click.option(
    "--default-privileges",
    type=click.Choice(get_args(DefaultPrivileges)),
    help="Rights on new objects, as in hosted projects made since 2026-05-30 (current) or before (legacy).",
)
@click.option("--detach", is_flag=True, help="Return at once; the stack runs until `stop`.")
@with_env
@with_json
@with_secrets
@fails_in_words
def start(
    folder: Path | None,
    migrations: Path | None,
    seed: Path | None,
    site_url: str | None,
    ephemeral: bool,
    default_privileges: DefaultPrivileges | None,
    detach: bool,
    as_env: bool,
    as_json: bool,
    show_secrets: bool,
) -> None:
    """Start the stack, or join it when it runs already, and keep it until Ctrl-C.

    Migrations that are pending are applied.
    """
    refuse_windows()
    project = current_project(_folder_for(folder, ephemeral=ephemeral, detach=detach), migrations, seed)
    lease = hold(
        project.folder,
        site_url or project.site_url,
        name=command_name(),
        report=tell,
        command=group_name(),
        options=[
            *(["--ephemeral", "--temporary"] if ephemeral else []),
            *(["--default-privileges", default_privileges] if default_privileges else []),
        ],
    )
    if default_privileges not in (None, lease.stack.default_privileges):
        raise Conflict(
            "The local stack is running already, and default privileges are set at its start.",
            hint=f"{group_name()} stop",
        )
    if not lease.is_starter:
        tell("The local stack is running already; this command keeps it running.")
    apply_config(lease.stack, project.config)
    apply_migrations(lease.stack, project.migrations, is_named=migrations is not None)
    if seed is not None and not (project.folder / SEEDED).exists():
        run_seed(lease.stack, seed)
        (project.folder / SEEDED).touch(mode=0o600)
    if as_env:
        show(rendering.environment(lease.stack))
    else:
        show_stack(lease.stack, project, as_json=as_json, show_secrets=show_secrets)
    if detach:
        lease.detach()
        tell(f"Stop: {group_name()} stop")
    else:
        _wait(lease)


def _folder_for(folder: Path | None, *, ephemeral: bool, detach: bool) -> Path | None:
    """Return the data folder of the options; raise InputRejected where they contradict each other."""
    if not ephemeral:
        return folder
    if folder is None:
        if detach:
            raise InputRejected(
                "A detached ephemeral stack needs a folder, by which `stop` finds it.",
                hint=f"{group_name()} start --ephemeral --detach --folder DIR",
            )
        return temporary_folder()
    if (folder / "stack.json").exists() and not is_locked(folder):
        raise InputRejected(
            f"{folder} holds a stack with data, which an ephemeral one would delete.",
            hint="Name another folder, or leave out --ephemeral.",
        )
    return folder


def _wait(lease: Lease) -> None:
    tell("Stop: Ctrl-C")
    try:
        lease.wait()
    except KeyboardInterrupt:
        tell("Stopped. Everything is kept." if lease.release() else "Still running, for others.")
    else:
        raise LocalStackFailed("The local stack has ended.", f"{group_name()} start")


@main.command()
@with_folder
@with_json
@fails_in_words
def stop(folder: Path | None, as_json: bool) -> None:
    """Stop the stack, also if other processes use it; everything is kept."""
    refuse_windows()
    data = current_project(folder).folder
    leases = _leases_of(find_running(data))
    was_running = stop_running(data, command_name())
    if as_json:
        show_json({"running": False, "was_running": was_running, "leases": leases})
    elif was_running:
        show(["Stopped. Everything is kept."])
        if others := [lease for lease in leases if lease["name"] != DETACHED]:
            tell(f"warning: it was in use by {rendering.used_by(others)}")
    else:
        show(["The local stack is not running."])


@main.command()
@with_folder
@with_migrations
@with_env
@with_json
@with_secrets
@fails_in_words
def status(
    folder: Path | None, migrations: Path | None, as_env: bool, as_json: bool, show_secrets: bool
) -> None:
    """Show the addresses and keys; exits with 3 when the stack is not running, or not ready yet."""
    refuse_windows()
    project = current_project(folder, migrations)
    stack = find_running(project.folder)
    state = (status_of(stack) or {}).get("state", "hanging") if stack else "stopped"
    if stack is not None and state != "starting":
        if as_env:
            show(rendering.environment(stack))
        else:
            show_stack(stack, project, as_json=as_json, show_secrets=show_secrets)
        return
    if as_json:
        show_json({"running": False, "state": state})
    elif stack is not None:
        (tell if as_env else _show_line)("The local stack is starting.")
    else:
        step = f"{'flask run  or  ' if _is_flask() else ''}{group_name()} start"
        for line in ("The local stack is not running.", f"Next: {step}"):
            (tell if as_env else _show_line)(line)
    raise SystemExit(STOPPED)


@main.command()
@with_folder
@with_json
@with_yes
@click.option("--stop", "stop_first", is_flag=True, help="Stop the stack first when it is running.")
@fails_in_words
def reset(folder: Path | None, as_json: bool, yes: bool, stop_first: bool) -> None:
    """Delete everything in the stack: people, rows, mails, keys."""
    refuse_windows()
    from signet_stack.stack import reset as delete_data

    data = current_project(folder).folder
    if is_locked(data) and not stop_first:
        using = rendering.used_by(_leases_of(find_running(data)))
        raise Conflict(
            f"The local stack is in use by {using or 'another process'}.", hint=f"{group_name()} reset --stop"
        )
    confirm(f"This deletes every person, row, mail and signing key of the local stack in {data}.", yes)
    stop_running(data, command_name())
    delete_data(data)
    if as_json:
        show_json({"deleted": str(data)})
    else:
        step = "flask run" if _is_flask() else f"{group_name()} start"
        show(["Deleted.", f"Next: {step}"])


@main.command()
@with_folder
@with_migrations
@click.option("--seed", type=_PATH, metavar="FILE", help="Default: seed.sql, else supabase/seed.sql.")
@with_json
@fails_in_words
def seed(folder: Path | None, migrations: Path | None, seed: Path | None, as_json: bool) -> None:
    """Run the seed file on the local stack, and on nothing else."""
    project = current_project(folder, migrations, seed)
    lease = hold(project.folder, project.site_url, name=command_name(), report=tell, command=group_name())
    apply_config(lease.stack, project.config)
    apply_migrations(lease.stack, project.migrations)
    files = (project.seed,) if seed else project.seeds
    notes = [note for path in files for note in run_seed(lease.stack, path)]
    people = all_emails(lease.stack)
    if as_json:
        show_json({"files": [str(path) for path in files], "people": people, "notes": notes})
    elif files:
        show([f"Ran {', '.join(path.name for path in files)}.", *notes])
    else:
        show([f"{CONFIG_FILE} names no seed file."])


@main.command()
@with_folder
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option("--lines", default=50, show_default=True, metavar="N", help="Lines of each log.")
@fails_in_words
def logs(folder: Path | None, follow: bool, lines: int) -> None:
    """Print the end of the stack's log and of PostgreSQL's."""
    data = current_project(folder).folder
    shown, positions = last_lines(data, lines)
    if not positions and not follow:
        raise Misconfigured(f"There are no logs in {data}.", hint=f"{group_name()} start")
    show(shown)
    while follow:
        time.sleep(POLL_SECONDS)
        shown, positions = new_lines(data, positions)
        show(shown)


main.add_command(config)


def show_stack(
    stack: RunningStack,
    project: Project,
    *,
    app_url: str = "",
    as_json: bool = False,
    show_secrets: bool = False,
    command: str = "",
) -> None:
    """Print the addresses and keys of a running stack; raise LocalStackHangs."""
    from signet_db import report, runner

    status = status_of(stack)
    if status is None:
        raise LocalStackHangs(project.folder, stack.pid)
    has_migrations = project.migrations.is_dir()
    entries = runner.status(stack.database_url, project.migrations) if has_migrations else ()
    described = rendering.describe(
        stack, status, project.folder, app_url or stack.site_url, show_secrets=show_secrets
    )
    if as_json:
        show_json({**described, "migrations": report.status_json(entries), "leases": status["leases"]})
    else:
        counts = report.counts(entries) if has_migrations else "none"
        show(rendering.table(described, counts, command or group_name()))


def _leases_of(stack: RunningStack | None) -> list[dict[str, Any]]:
    status = status_of(stack) if stack else None
    return status["leases"] if status else []


def _is_flask() -> bool:
    return group_name() == "flask local"


def _show_line(line: str) -> None:
    show([line])
