"""The commands of ``python -m signet_db`` and ``flask db``: one click group over the modules of this package.

The database is that of ``--database-url``, else of DATABASE_URL (or DATABASE_URL_FILE), else the local
stack's, if the calling program has one; every command names it without its password. The folder is that of
``--folder``, else ``migrations/``, else ``supabase/migrations/`` of the project.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is pending (with ``--exit-code``), 130 interrupted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from signet_db import files, report, reset, runner
from signet_db.errors import DatabaseUnreachable, shown_path
from signet_db.options import (
    Defaults,
    find_target,
    temporary_stack,
    use_defaults,
    with_folder,
    with_target,
)
from signet_db.output import (
    FAILED,
    PENDING,
    confirm,
    fails_in_words,
    name_program,
    show_either,
    tell,
    with_json,
    with_yes,
)
from signet_db.policy_commands import explain, lint, prove
from signet_db.target import is_on_this_machine, wait_until_ready
from signet_db.verification import save_baseline, verification_json, verification_lines, verify

MODULE = "python -m signet_db"


@click.group()
@click.pass_context
def db(context: click.Context) -> None:
    """Migrations: apply SQL files, and prove the policies that they make."""
    if context.info_name == MODULE:
        name_program(MODULE)
        use_defaults(context, Defaults(Path.cwd(), scratch_server=temporary_stack))


db.add_command(lint)
db.add_command(explain)
db.add_command(prove)


@db.command()
@with_target
@with_folder
@with_json
@click.option("--exit-code", is_flag=True, help="Exit with 3 when something is pending.")
@fails_in_words
def status(database_url: str | None, is_local: bool, folder: Path, as_json: bool, exit_code: bool) -> None:
    """Show which migrations are applied, and where files and history differ."""
    target = find_target(database_url, is_local)
    entries = runner.status(target.url, folder)
    show_either(
        as_json,
        {"target": target.name, "migrations": report.status_json(entries)},
        [f"Database  {target}", *report.status_lines(entries, datetime.now(UTC))],
    )
    report.warn_of_ignored(folder)
    if exit_code and any(entry.record is None for entry in entries):
        raise SystemExit(PENDING)


@db.command()
@with_target
@with_folder
@with_json
@click.option("--to", metavar="VERSION", help="Stop after this version.")
@click.option("--dry-run", is_flag=True, help="Run the statements in a transaction, and roll it back.")
@click.option("--include-all", is_flag=True, help="Apply also what is older than the newest applied version.")
@fails_in_words
def upgrade(
    database_url: str | None,
    is_local: bool,
    folder: Path,
    as_json: bool,
    to: str | None,
    dry_run: bool,
    include_all: bool,
) -> None:
    """Apply the pending migrations, each in a transaction of its own."""
    target = find_target(database_url, is_local)
    report.warn_of_ignored(folder)
    tell(f"Trying on {target}, to be rolled back" if dry_run else f"Applying to {target}")
    with report.Progress() as progress:
        if dry_run:
            trial = runner.try_out(target.url, folder, progress, to=to, include_all=include_all)
            pending = report.trial_json(trial)
            show_either(as_json, {"target": target.name, "pending": pending}, report.trial_lines(trial))
            return
        applied = runner.upgrade(target.url, folder, progress, to=to, include_all=include_all)
    show_either(
        as_json,
        {"target": target.name, "applied": report.applied_json(applied)},
        [report.upgrade_summary(applied, to)],
    )


@db.command()
@click.argument("name")
@with_folder
@with_json
@click.option("--table", metavar="TABLE", help="Write a table under row-level security, ready to run.")
@fails_in_words
def new(name: str, folder: Path, as_json: bool, table: str | None) -> None:
    """Create a migration file.

    Example: flask db new add_notes --table notes
    """
    text = None if table is None else files.table_text(table)
    path = files.create(folder, name, datetime.now(UTC), text)
    step = f"Next: {'write' if text is None else 'adapt'} it, then run  flask db upgrade"
    show_either(as_json, {"file": str(path)}, [f"Made {shown_path(path)}", step])


@db.command(name="verify")
@with_target
@with_folder
@with_json
@click.option("--baseline", "is_accepted", is_flag=True, help="Accept the current state as the new baseline.")
@fails_in_words
def verify_database(
    database_url: str | None, is_local: bool, folder: Path, as_json: bool, is_accepted: bool
) -> None:
    """Compare the database with the files, the lint rules, and its state after the last upgrade."""
    target = find_target(database_url, is_local)
    tell(f"Verifying {target}")
    if is_accepted:
        save_baseline(target.url, report.tell_waiting)
    found = verify(target.url, folder)
    show_either(as_json, {"target": target.name, **verification_json(found)}, verification_lines(found))
    if not found.is_sound:
        raise SystemExit(FAILED)


@db.command(name="repair")
@click.argument("version")
@with_target
@with_folder
@with_json
@with_yes
@click.option("--applied/--reverted", "is_applied", default=None, help="What the history is to say.")
@fails_in_words
def repair_history(
    version: str,
    database_url: str | None,
    is_local: bool,
    folder: Path,
    as_json: bool,
    yes: bool,
    is_applied: bool | None,
) -> None:
    """Correct the history of a version; runs and undoes nothing."""
    if is_applied is None:
        raise click.UsageError("Add --applied or --reverted.")
    target = find_target(database_url, is_local)
    if not is_on_this_machine(target.url):
        confirm(f"This changes the history of {target}, which is not on this machine.", yes)
    mark = reset.mark_applied if is_applied else reset.mark_reverted
    is_changed = mark(target.url, folder, version, report.tell_waiting)
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
def reset_database(database_url: str | None, is_local: bool, folder: Path, as_json: bool, yes: bool) -> None:
    """Drop everything that migrations made, on this machine only, and apply them again."""
    target = find_target(database_url, is_local)
    for loss in reset.losses(target.url):
        tell(f"  {loss.table}: {loss.rows} row{'' if loss.rows == 1 else 's'}")
    confirm(f"This drops everything that migrations made in {target}. Accounts stay.", yes)
    with report.Progress() as progress:
        applied = reset.reset(target.url, folder, progress)
    show_either(
        as_json,
        {"target": target.name, "applied": report.applied_json(applied)},
        [
            report.upgrade_summary(applied),
            *(["Next: flask local seed  for example accounts"] if target.is_local_stack else []),
        ],
    )


@db.command()
@with_target
@with_json
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="In seconds.")
@fails_in_words
def wait(database_url: str | None, is_local: bool, as_json: bool, timeout: float) -> None:
    """Wait until the database accepts connections."""
    target = find_target(database_url, is_local)
    shown: list[str] = []

    def tell_once(error: DatabaseUnreachable) -> None:
        if not shown:
            shown.append(error.message)
            tell(f"Waiting: {error.message}")

    seconds = wait_until_ready(target.url, timeout, tell_once)
    show_either(
        as_json,
        {"target": target.name, "seconds": round(seconds, 3)},
        [f"{target} is ready after {seconds:.1f} s"],
    )
