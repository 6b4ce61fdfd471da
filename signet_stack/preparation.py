"""Preparation of a started stack: supabase/config.toml, migrations and seed.

What is slow to import is imported where it is used, so that the stack boots meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from signet_db.errors import Misconfigured
from signet_db.output import tell
from signet_stack.api_clients import AUTH_SETTINGS, LOCAL_PROJECT, ManagementApi
from signet_stack.process.running import RunningStack
from signet_stack.project import group_name
from signet_stack.supabase_config import FILE as CONFIG_FILE
from signet_stack.supabase_config import SupabaseConfig

if TYPE_CHECKING:
    import psycopg


def apply_config(stack: RunningStack, config: SupabaseConfig) -> None:
    """Apply the project's supabase/config.toml to the running stack; raise SignetError."""
    import psycopg

    api = ManagementApi(stack.api_url, LOCAL_PROJECT, stack.management_token)
    current = api.call("GET", AUTH_SETTINGS) if config.auth else {}
    changes = {name: value for name, value in config.auth.items() if current.get(name) != value}
    if changes:
        api.call("PATCH", AUTH_SETTINGS, changes)
    if config.schemas:
        with psycopg.connect(stack.database_url, autocommit=True) as connection:
            if _set_schemas(connection, ", ".join(config.schemas)):
                changes["schemas"] = config.schemas
    if changes:
        tell(f"config     {CONFIG_FILE}: {', '.join(changes)}")
    if config.not_served:
        tell(f"warning: {CONFIG_FILE} enables what is not served here: {', '.join(config.not_served)}")


def _set_schemas(connection: psycopg.Connection[Any], schemas: str) -> bool:
    """Set the schemas of the data API, by default for its role; return whether that changed them."""
    from psycopg import sql

    setting = f"pgrst.db_schemas={schemas}"
    query = "select from pg_db_role_setting where setrole = 'authenticator'::regrole and %s = any (setconfig)"
    if connection.execute(query, (setting,)).rowcount:
        return False
    statement = sql.SQL("alter role authenticator set pgrst.db_schemas = {}").format(sql.Literal(schemas))
    connection.execute(statement)
    connection.execute("notify pgrst, 'reload config'")
    return True


def apply_migrations(stack: RunningStack, folder: Path, *, is_named: bool = False) -> None:
    """Apply the pending migrations to the local database; without a folder there are none."""
    from signet_db import report, runner

    def on_event(event: runner.Event) -> None:
        if isinstance(event, runner.Applied):
            tell(f"migrated   {event.migration.version}  {event.migration.name}")
        elif isinstance(event, runner.Warned):
            report.tell_warning(event)

    report.warn_of_ignored(folder)
    if folder.is_dir() or is_named:
        runner.upgrade(stack.database_url, folder, on_event)


def run_seed(stack: RunningStack, path: Path) -> list[str]:
    """Run a file as one transaction and return the comment at its start; raise Misconfigured."""
    import psycopg

    try:
        text = path.read_text()
        with psycopg.connect(stack.database_url) as connection:
            connection.execute(text.encode())
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be read: {error.strerror}.", hint="Name the file with --seed FILE"
        ) from error
    except psycopg.Error as error:
        raise Misconfigured(
            f"{path.name} was refused: {error.diag.message_primary or error}",
            code="seed_refused",
            hint=f"Correct {path.name}, then run  {group_name()} seed. Nothing of it was kept.",
        ) from error
    return _first_comment(text)


def _first_comment(text: str) -> list[str]:
    lines = []
    for line in text.splitlines():
        if not (said := line.removeprefix("--").strip()) or not line.startswith("--"):
            break
        lines.append(said)
    return lines


def all_emails(stack: RunningStack) -> list[str]:
    import psycopg

    with psycopg.connect(stack.database_url) as connection:
        rows = connection.execute("select email from auth.users where email is not null order by email")
        return [str(email) for (email,) in rows]
