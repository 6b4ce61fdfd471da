"""Project: the paths that commands work on, from options, a Flask app or the current folder."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click

from signet_db.files import default_folder
from signet_stack.handle import DEFAULT_SITE_URL
from signet_stack.supabase_config import SupabaseConfig, read_config

SEED_FILES = ("seed.sql", "supabase/seed.sql")


@dataclass(frozen=True, slots=True)
class Project:
    """Data folder of the stack, migrations, seed and the app's address."""

    folder: Path
    migrations: Path
    seed: Path
    site_url: str = DEFAULT_SITE_URL
    root: Path = Path()

    @property
    def config(self) -> SupabaseConfig:
        """The project's supabase/config.toml; raises Misconfigured."""
        return read_config(self.root)

    @property
    def seeds(self) -> tuple[Path, ...]:
        """The seed files: seed.sql, else those of supabase/config.toml, else supabase/seed.sql."""
        configured = self.config.seeds
        is_own = self.seed.exists() and self.seed != self.root / SEED_FILES[1]
        return (self.seed,) if configured is None or is_own else configured

    @classmethod
    def at(cls, root: Path, folder: Path | None = None, site_url: str = DEFAULT_SITE_URL) -> Project:
        """Return the project of a folder; its parts are the first that exist of the usual places.

        The data folder is ``instance/signet_stack`` beside a Flask app's instance folder, else
        ``.signet_stack``.
        """
        in_instance = root / "instance" / "signet_stack"
        usual = in_instance if in_instance.parent.is_dir() else root / ".signet_stack"
        return cls(
            folder or usual,
            default_folder(root),
            next((root / name for name in SEED_FILES if (root / name).exists()), root / SEED_FILES[0]),
            site_url,
            root,
        )

    def having(self, folder: Path | None, migrations: Path | None, seed: Path | None) -> Project:
        """Return the project with the parts that options name."""
        return replace(
            self,
            folder=(folder or self.folder).absolute(),
            migrations=migrations or self.migrations,
            seed=seed or self.seed,
        )


def current_project(
    folder: Path | None = None, migrations: Path | None = None, seed: Path | None = None
) -> Project:
    """Return the project of the running command: that of its click context, else of the current folder."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Project) if context else None
    return (found or Project.at(Path.cwd())).having(folder, migrations, seed)


def group_name() -> str:
    """Return the group of the running command as people type it: `flask local` or `signet-stack`."""
    context = click.get_current_context(silent=True)
    path = context.parent.command_path if context and context.parent else "signet-stack"
    return path.replace("python -m flask", "flask", 1)


def command_name() -> str:
    """Return the running command as people type it: `flask run` and the like."""
    context = click.get_current_context(silent=True)
    return context.command_path.removeprefix("python -m ") if context else Path(sys.argv[0]).name
