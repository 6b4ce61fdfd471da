"""`flask db`: migrations and policies, over SQL.

The database is the one of ``--database-url``, else of DATABASE_URL, else the local stack's; every command
names it, without its password.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.cli.output import PENDING, fails_in_words, show, show_json, tell
from app.cli.target import Target, find_target
from app.migrate import new_file, report, runner
from app.migrate.events import Applied, Applying, Event, Noticed, Waiting
from app.migrate.files import unrecognised
from app.migrate.place import shown_path

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_PROGRESS_WIDTH = 60

Command = Callable[..., Any]


@click.group()
def db() -> None:
    """Migrations: apply SQL files, and prove the policies that they make."""


def _with_target(command: Command) -> Command:
    return click.option(
        "--database-url",
        metavar="URL",
        help="PostgreSQL connection string instead of DATABASE_URL or the local stack.",
    )(command)


def _with_folder(command: Command) -> Command:
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=MIGRATIONS,
        help="Where the migrations are.",
    )(command)


def _with_json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


@db.command()
@_with_target
@_with_folder
@_with_json
@click.option("--exit-code", is_flag=True, help="Exit with 3 when something is pending.")
@fails_in_words
def status(database_url: str | None, folder: Path, as_json: bool, exit_code: bool) -> None:
    """Show which migrations are applied, and where files and history differ."""
    target = find_target(database_url)
    entries = runner.status(target.url, folder)
    if as_json:
        show_json({"target": target.name, "migrations": report.status_json(entries)})
    else:
        show([f"Database  {target}", *report.status_lines(entries, datetime.now(UTC))])
    _tell_unrecognised(folder)
    if exit_code and any(entry.record is None for entry in entries):
        raise SystemExit(PENDING)


@db.command()
@_with_target
@_with_folder
@_with_json
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
    progress = _Progress()
    try:
        applied = runner.upgrade(target.url, folder, progress, to=to, include_all=include_all)
    except BaseException:
        progress.failed()
        raise
    if as_json:
        show_json({"target": target.name, "applied": report.applied_json(applied)})
    else:
        show([report.upgrade_summary(applied)])


def _show_plan(target: Target, folder: Path, to: str | None, include_all: bool, as_json: bool) -> None:
    waiting = runner.pending(target.url, folder, to=to, include_all=include_all)
    if as_json:
        plan = [{"version": migration.version, "name": migration.name} for migration in waiting]
        show_json({"target": target.name, "pending": plan})
    else:
        show(
            [
                f"Would apply to {target}",
                *(f"  • {migration.path.name}" for migration in waiting),
                f"{len(waiting)} pending; nothing was changed",
            ]
        )


@db.command()
@click.argument("name")
@_with_folder
@_with_json
@fails_in_words
def new(name: str, folder: Path, as_json: bool) -> None:
    """Make a new migration file.

    Example: flask db new add_notes
    """
    path = new_file.create(folder, name, datetime.now(UTC))
    if as_json:
        show_json({"file": str(path)})
    else:
        show([f"Made {shown_path(path)}", "Next: write it, then run  flask db upgrade"])


def _tell_unrecognised(folder: Path) -> None:
    for path in unrecognised(folder):
        tell(f"warning: {shown_path(path)} is not named <digits>_<name>.sql and is never run.")


class _Progress:
    """Tells on stderr what the run is doing: a line for each file, completed when it is done."""

    def __init__(self) -> None:
        self._is_line_open = False

    def __call__(self, event: Event) -> None:
        match event:
            case Waiting(holder):
                tell(f"Waiting for another migration run: {holder or 'it cannot be named'}")
            case Applying(migration):
                tell(f"  + {migration.version}  {migration.name} ".ljust(_PROGRESS_WIDTH, "."), newline=False)
                self._is_line_open = True
            case Applied(_, seconds):
                self._complete(f"ok {seconds * 1000:6.0f} ms")
            case Noticed(severity, message):
                self._complete("")
                tell(f"    {severity.lower()}: {message}")

    def failed(self) -> None:
        """Complete the line of the file that failed, if one had begun."""
        if self._is_line_open:
            self._complete("failed")

    def _complete(self, result: str) -> None:
        if self._is_line_open:
            tell(f" {result}")
        elif result:
            tell(f"    {result}")
        self._is_line_open = False
