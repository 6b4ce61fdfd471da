"""`flask db`: migrations and policies, over SQL.

The database is the one of ``--database-url``, else of DATABASE_URL, else the local stack's; every command
names it, without its password.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from flask_signet.cli.options import with_folder, with_target
from flask_signet.cli.progress import Progress, tell_waiting
from flask_signet.cli.proofs import lint, verify_database
from flask_signet.cli.target import Target, find_target
from signet_db import files, report, reset, runner
from signet_db.errors import DatabaseUnreachable, shown_path
from signet_db.files import table_text, unrecognised
from signet_db.output import PENDING, confirm, fails_in_words, show_either, tell, with_json, with_yes
from signet_db.target import wait_until_ready


@click.group()
def db() -> None:
    """Migrations: apply SQL files, and prove the policies that they make."""


db.add_command(lint)
db.add_command(verify_database)


@db.command()
@with_target
@with_folder
@with_json
@click.option("--exit-code", is_flag=True, help="Exit with 3 when something is pending.")
@fails_in_words
def status(database_url: str | None, folder: Path, as_json: bool, exit_code: bool) -> None:
    """Show which migrations are applied, and where files and history differ."""
    target = find_target(database_url)
    entries = runner.status(target.url, folder)
    show_either(
        as_json,
        {"target": target.name, "migrations": report.status_json(entries)},
        [f"Database  {target}", *report.status_lines(entries, datetime.now(UTC))],
    )
    _tell_unrecognised(folder)
    if exit_code and any(entry.record is None for entry in entries):
        raise SystemExit(PENDING)


@db.command()
@with_target
@with_folder
@with_json
@click.option("--to", metavar="VERSION", help="Stop after this version.")
@click.option("--dry-run", is_flag=True, help="Say what would be applied, and change nothing.")
@click.option("--include-all", is_flag=True, help="Apply also what is older than the newest applied version.")
@fails_in_words
def upgrade(
    database_url: str | None, folder: Path, as_json: bool, to: str | None, dry_run: bool, include_all: bool
) -> None:
    """Apply the pending migrations, each in a transaction of its own."""
    target = find_target(database_url)
    _tell_unrecognised(folder)
    if dry_run:
        _show_plan(target, folder, to, include_all, as_json)
        return
    tell(f"Applying to {target}")
    with Progress() as progress:
        applied = runner.upgrade(target.url, folder, progress, to=to, include_all=include_all)
    show_either(
        as_json,
        {"target": target.name, "applied": report.applied_json(applied)},
        [report.upgrade_summary(applied, to)],
    )


def _show_plan(target: Target, folder: Path, to: str | None, include_all: bool, as_json: bool) -> None:
    waiting = runner.pending(target.url, folder, to=to, include_all=include_all)
    plan = [{"version": migration.version, "name": migration.name} for migration in waiting]
    files = [f"  • {migration.path.name}" for migration in waiting]
    show_either(
        as_json,
        {"target": target.name, "pending": plan},
        [f"Would apply to {target}", *files, f"{len(waiting)} pending; nothing was changed"],
    )


@db.command()
@click.argument("name")
@with_folder
@with_json
@click.option("--table", metavar="TABLE", help="Write a table under row-level security, ready to run.")
@fails_in_words
def new(name: str, folder: Path, as_json: bool, table: str | None) -> None:
    """Make a new migration file.

    Example: flask db new add_notes --table notes
    """
    text = None if table is None else table_text(table)
    path = files.create(folder, name, datetime.now(UTC), text)
    step = f"Next: {'write' if text is None else 'adapt'} it, then run  flask db upgrade"
    show_either(as_json, {"file": str(path)}, [f"Made {shown_path(path)}", step])


@db.command(name="repair")
@click.argument("version")
@with_target
@with_folder
@with_json
@click.option("--applied/--reverted", "is_applied", default=None, help="What the history shall say.")
@fails_in_words
def repair_history(
    version: str, database_url: str | None, folder: Path, as_json: bool, is_applied: bool | None
) -> None:
    """Correct what the history says of a version; runs and undoes nothing."""
    if is_applied is None:
        raise click.UsageError("Say --applied or --reverted.")
    target = find_target(database_url)
    mark = reset.mark_applied if is_applied else reset.mark_reverted
    is_changed = mark(target.url, folder, version, tell_waiting)
    state = "applied" if is_applied else "not applied"
    said = f"is recorded as {state} now" if is_changed else f"was recorded as {state} already"
    show_either(
        as_json,
        {"target": target.name, "version": version, "changed": is_changed},
        [f"{version} {said} in {target}", "Next: flask db status"],
    )


@db.command(name="reset")
@with_target
@with_folder
@with_json
@with_yes
@fails_in_words
def reset_database(database_url: str | None, folder: Path, as_json: bool, yes: bool) -> None:
    """Drop everything that migrations made, on this machine only, and apply them again."""
    target = find_target(database_url)
    for loss in reset.losses(target.url):
        tell(f"  {loss.table}: {loss.rows} row{'' if loss.rows == 1 else 's'}")
    confirm(f"This drops everything that migrations made in {target}. Accounts stay.", yes)
    with Progress() as progress:
        applied = reset.reset(target.url, folder, progress)
    show_either(
        as_json,
        {"target": target.name, "applied": report.applied_json(applied)},
        [report.upgrade_summary(applied), "Next: flask local seed  for people to play with"],
    )


@db.command()
@with_target
@with_json
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="In seconds.")
@fails_in_words
def wait(database_url: str | None, as_json: bool, timeout: float) -> None:
    """Wait until the database accepts connections."""
    target = find_target(database_url)
    said: list[str] = []

    def tell_once(error: DatabaseUnreachable) -> None:
        if not said:
            said.append(error.message)
            tell(f"Waiting: {error.message}")

    seconds = wait_until_ready(target.url, timeout, tell_once)
    show_either(
        as_json,
        {"target": target.name, "seconds": round(seconds, 3)},
        [f"{target} is ready after {seconds:.1f} s"],
    )


def _tell_unrecognised(folder: Path) -> None:
    for path in unrecognised(folder):
        tell(f"warning: {shown_path(path)} is not named <digits>_<name>.sql and is never run.")
