"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

Command = Callable[..., Any]


def with_target(command: Command) -> Command:
    """Take ``--database-url``."""
    return click.option(
        "--database-url",
        metavar="URL",
        help="PostgreSQL connection string instead of DATABASE_URL or the local stack.",
    )(command)


def with_folder(command: Command) -> Command:
    """Take ``--folder``."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=MIGRATIONS,
        help="Where the migrations are.",
    )(command)
