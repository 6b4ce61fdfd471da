"""`flask db`: the commands of ``signet_db.cli``, with this app's folder and local stack as defaults."""

from __future__ import annotations

import os
from pathlib import Path

import click
from flask.cli import ScriptInfo

from signet_db.cli import Defaults, use_defaults
from signet_db.cli import db as commands


class _FlaskGroup(click.Group):
    """The same commands, below `flask`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, after setting the defaults for it."""
        use_defaults(ctx, Defaults(_project_root(ctx), _local_database))
        return super().get_command(ctx, cmd_name)


db = _FlaskGroup(commands.name, commands.commands, help=commands.help)


def _project_root(context: click.Context) -> Path:
    """Return the folder that contains the app's instance folder; the working directory without an app."""
    info = context.find_object(ScriptInfo)
    return Path(info.load_app().instance_path).parent if info else Path.cwd()


def _local_database() -> str | None:
    """Start or join the local stack if the environment asks for it, and return its connection string."""
    from app.local_stack import stack_for
    from app.startup import wants_local_stack

    return stack_for().database_url if wants_local_stack(os.environ) else None
