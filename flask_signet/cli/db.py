"""`flask db`: the commands of ``signet_db.cli``, with the app's folder and local stack as defaults."""

from __future__ import annotations

from pathlib import Path

import click

from flask_signet.cli.local import start_or_join, wants_local_stack
from signet_db.cli import db as commands
from signet_db.options import Defaults, use_defaults
from signet_stack.project import Project


class LocalStackGroup(click.Group):
    """A group whose commands work on the local stack's database unless another one is named."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, after setting the defaults for it."""
        if project := ctx.find_object(Project):
            use_defaults(ctx, Defaults(Path.cwd(), project.migrations, lambda: _local_database(project)))
        return super().get_command(ctx, cmd_name)


db = LocalStackGroup(commands.name, commands.commands, help=commands.help)


def _local_database(project: Project) -> str | None:
    """Start or join the local stack if the environment asks for it, and return its connection string."""
    return start_or_join(project).database_url if wants_local_stack() else None
