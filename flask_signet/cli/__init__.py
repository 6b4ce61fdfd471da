"""The commands of `flask`: results on stdout, progress and errors on stderr, a next step after each failure.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is pending (only when asked), 130 interrupted.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module

import click
from flask import Flask

# Each is `flask_signet/cli/<name>.py` with a click group of that name.
GROUPS = {
    "db": "Migrations: apply SQL files, and prove the policies that they make.",
    "keys": "Signing keys: list, create, rotate, revoke.",
    "local": "The local stack: Auth, data API, mailbox and PostgreSQL on this machine.",
}


def register(app: Flask) -> None:
    """Attach the command groups."""
    for name, summary in GROUPS.items():
        app.cli.add_command(LazyGroup(name, summary))


class LazyGroup(click.Group):
    """A group whose module is imported when one of its commands is wanted: a web worker needs none of it."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name, help=summary)

    @cached_property
    def _group(self) -> click.Group:
        group = getattr(import_module(f"flask_signet.cli.{self.name}"), str(self.name))
        assert isinstance(group, click.Group)  # noqa: S101
        self.commands = group.commands  # what click suggests instead of a name that is not there
        return group

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the group's commands."""
        return self._group.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of the group's commands."""
        return self._group.get_command(ctx, cmd_name)
