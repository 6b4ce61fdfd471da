"""Database and folder of a command: options, environment, defaults of the calling program."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from signet_db import files
from signet_db.errors import InputRejected, MigrationError, Misconfigured
from signet_db.output import Command, repeat
from signet_db.target import named, without_password

_EXAMPLE = "--database-url postgresql://USER:PASSWORD@HOST:5432/DATABASE"
_META = "signet_db.defaults"


@dataclass(frozen=True, slots=True)
class Defaults:
    """Target and folder of the calling program, for commands that are given neither."""

    root: Path  # the project's folder
    migrations: Path | None = None  # instead of the usual folders below root
    # Starts or joins the local stack and returns its connection string; None where the environment names a
    # hosted project.
    local_database: Callable[[], str | None] = lambda: None
    # Starts a temporary server for scratch databases, where no database is named; None without one.
    scratch_server: Callable[[], str | None] = lambda: None


def use_defaults(context: click.Context, defaults: Defaults) -> None:
    """Set the defaults for the commands below this context."""
    context.meta[_META] = defaults


def defaults() -> Defaults:
    """Return the defaults of the calling program, else those of the working directory."""
    found = click.get_current_context().meta.get(_META)
    return found if isinstance(found, Defaults) else Defaults(Path.cwd())


@dataclass(frozen=True, slots=True)
class Target:
    """A database, and whether it is the local stack's."""

    url: str = field(repr=False)
    is_local_stack: bool = False

    @property
    def name(self) -> str:
        """The target without its password."""
        return named(self.url)

    def __str__(self) -> str:
        return f"{self.name} (local)" if self.is_local_stack else self.name


def temporary_stack() -> str | None:
    """Start a local stack that ends with the command, if signet_stack is installed; return its database URL.

    The package is found by name: signet_db works without it and does not depend on it.
    """
    try:
        handle = importlib.import_module("signet_stack.handle")
    except ImportError:
        return None
    stack = click.get_current_context().with_resource(handle.LocalStack())
    return str(stack.database_url)


def find_scratch_server(database_url: str | None, is_local: bool) -> Target:
    """Return a server for scratch databases: the target, else a temporary one; raises SignetError."""
    try:
        return find_target(database_url, is_local)
    except Misconfigured:
        if url := defaults().scratch_server():
            return Target(url, is_local_stack=True)
        raise


def find_target(database_url: str | None, is_local: bool) -> Target:
    """Return the database to work on, starting the local stack if that is the one; raises SignetError."""
    if database_url is not None and not database_url.strip():
        # Most likely a variable that is not set: another database must not take its place.
        raise InputRejected("--database-url is empty.", code="no_database", hint=f"Write  {_EXAMPLE}")
    if is_local and database_url:
        raise InputRejected("--local and --database-url name two databases.", hint="Leave one of them out.")
    if url := "" if is_local else database_url or database_from_environment():
        return Target(url)
    if url := defaults().local_database() or "":
        return Target(url, is_local_stack=True)
    raise Misconfigured(
        "No local stack is known here." if is_local else "No database is named.",
        code="no_database",
        hint=f"Set DATABASE_URL, or add  {_EXAMPLE}",
    )


def database_from_environment() -> str:
    """Return the connection string of DATABASE_URL or DATABASE_URL_FILE, or ""; raise Misconfigured."""
    if url := os.environ.get("DATABASE_URL", "").strip():
        return url
    if not (path := os.environ.get("DATABASE_URL_FILE")):
        return ""
    try:
        url = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"DATABASE_URL_FILE names {path}, which cannot be read: {error}.", hint="Correct the path."
        ) from error
    if not url:
        raise Misconfigured(
            f"DATABASE_URL_FILE names {path}, which is empty.", hint="Write the connection string into it."
        )
    return url


def remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Remember an option that was given, for the commands that the output names; never a password."""
    if context.get_parameter_source(str(parameter.name)) is click.core.ParameterSource.COMMANDLINE and value:
        if parameter.name == "database_url":
            value_shown = _shown_url(value)
        else:
            value_shown = "" if value is True else str(value)
        repeat(parameter.opts[0], value_shown)
    return value


def _shown_url(url: str) -> str:
    try:
        return without_password(url)
    except MigrationError:  # the command reports it
        return "URL"


def with_target(command: Command) -> Command:
    """Add ``--database-url`` and ``--local``."""
    for option in (
        click.option(
            "--local",
            "is_local",
            is_flag=True,
            callback=remember,
            help="The local stack's database, also where DATABASE_URL is set.",
        ),
        click.option(
            "--database-url",
            metavar="URL",
            callback=remember,
            help="PostgreSQL connection string instead of DATABASE_URL or the local stack.",
        ),
    ):
        command = option(command)
    return command


def with_folder(command: Command) -> Command:
    """Add ``--folder``."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=lambda: defaults().migrations or files.default_folder(defaults().root),
        callback=remember,
        help="The folder of the migrations.  [default: migrations, else supabase/migrations]",
    )(command)
