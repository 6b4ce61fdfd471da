"""Commands for any Flask app: results on stdout, progress and errors on stderr, with the next step.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is pending (only when asked), 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Flask
from flask.sansio.scaffold import find_package

from flask_signet.cli.doctor import answer_probes, doctor

if TYPE_CHECKING:
    from signet_stack.project import Project

EXTENSION = "signet_commands"
# Each is `flask_signet/cli/<name>.py` with a click group of that name.
GROUPS = {
    "db": "Migrations: apply SQL files, and prove the policies that they make.",
    "auth": "Auth's rate limits: show and raise them.",
    "keys": "Signing keys: list, create, rotate, revoke.",
    "lab": "The lab: who reaches which row, tried and rolled back.",
    "local": "The local stack: Auth, data API, mailbox and PostgreSQL on this machine.",
}


def register(
    app: Flask,
    *,
    migrations: Path | str | None = None,
    seed: Path | str | None = None,
    stack_folder: Path | str | None = None,
) -> None:
    """Attach `flask db`, `auth`, `keys`, `lab`, `local` and `doctor` to an app.

    Without arguments the migrations are in ``migrations/``, else ``supabase/migrations/``, and the seed in
    ``seed.sql``, else ``supabase/seed.sql``, beside the app's package or module; the local stack keeps its
    data in the app's instance folder. Options of the commands override each.
    """

    def find_project() -> Project:
        from flask_signet.cli.local import flask_project

        _, root = find_package(app.import_name)
        found = flask_project(Path(root), app.instance_path)
        return found.having(*(Path(part) if part else None for part in (stack_folder, migrations, seed)))

    app.extensions[EXTENSION] = find_project
    for name, summary in GROUPS.items():
        app.cli.add_command(LazyGroup(name, summary, find_project))
    app.cli.add_command(doctor)
    answer_probes(app)


def project_of(app: Flask) -> Project:
    """Return the paths of an app whose commands are registered."""
    project: Project = app.extensions[EXTENSION]()
    return project


class LazyGroup(click.Group):
    """A group whose module is imported when one of its commands runs: web workers never import it."""

    def __init__(self, name: str, summary: str, find_project: Callable[[], Project]) -> None:
        super().__init__(name, help=summary)
        self._find_project = find_project

    def invoke(self, ctx: click.Context) -> Any:
        """Hand the app's paths to the group's commands as the object of the click context."""
        ctx.obj = self._find_project()
        return super().invoke(ctx)

    @cached_property
    def _group(self) -> click.Group:
        try:
            module = import_module(f"flask_signet.cli.{self.name}")
        except ModuleNotFoundError as error:
            install = 'pip install "flask-signet[db]"'
            raise click.ClickException(
                f"The package {error.name} is not installed.\nNext: {install}"
            ) from error
        group = getattr(module, str(self.name))
        assert isinstance(group, click.Group)  # noqa: S101
        self.commands = group.commands  # what click suggests instead of a name that is not there
        return group

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the group's commands."""
        return self._group.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of the group's commands."""
        return self._group.get_command(ctx, cmd_name)
