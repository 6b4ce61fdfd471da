"""The extensions of hosted projects that the PostgreSQL in use lacks, or lets only superusers create.

PostgreSQL 18 reads control files from the folders of ``extension_control_path``, the first one first. The
stack writes such a folder beside the cluster: its own extensions, and for those of PostgreSQL that hosted
projects let role postgres create, the control file with ``trusted = true``.
https://www.postgresql.org/docs/18/runtime-config-client.html#GUC-EXTENSION-CONTROL-PATH
"""

from __future__ import annotations

import os
from pathlib import Path

from signet_stack.process.folder import give_to_owner_of

OURS = Path(__file__).parents[1] / "extensions"
FIRST_MAJOR = 18
# Supautils' privileged_extensions, as far as PostgreSQL's own distribution and the wheel have them.
TRUSTED = (
    "autoinc",
    "bloom",
    "dblink",
    "dict_xsyn",
    "earthdistance",
    "insert_username",
    "moddatetime",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_walinspect",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "refint",
    "vector",
)
# The real ones start background workers or keep keys outside the database, which the stack does not run.
NEVER_REAL = frozenset({"pg_cron", "pg_net", "supabase_vault", "pgsodium"})


def control_path(folder: Path, major: int) -> str | None:
    """Return the value of ``extension_control_path``; None where PostgreSQL cannot read such a folder."""
    if major < FIRST_MAJOR or os.pathsep in str(folder):
        return None
    return f"{folder}{os.pathsep}$system"


def publish(folder: Path, share: Path) -> None:
    """Write the folder for a PostgreSQL whose own files are in ``share``; replaces what an older stack wrote.

    The folder above belongs to the account that the server runs as, and so do these files.
    """
    system, target = share / "extension", folder / "extension"
    files = _ours(system) | _trusted(system)
    for path in (folder, target):
        path.mkdir(mode=0o700, exist_ok=True)
        give_to_owner_of(path.parent, path)
    for name, content in files.items():
        path = target / name
        if not path.exists() or path.read_text() != content:
            path.touch(0o600)
            path.write_text(content)
            give_to_owner_of(target, path)
    for path in target.iterdir():
        if path.name not in files:
            path.unlink()


def _ours(system: Path) -> dict[str, str]:
    """Return our control files and scripts, without those of extensions that this PostgreSQL really has."""
    names = [path.stem for path in OURS.glob("*.control")]
    wanted = [name for name in names if name in NEVER_REAL or not (system / f"{name}.control").exists()]
    return {path.name: path.read_text() for name in wanted for path in OURS.glob(f"{name}[.-]*")}


def _trusted(system: Path) -> dict[str, str]:
    """Return PostgreSQL's control files with the one line that lets role postgres create the extension."""
    scripts = str(system).replace("'", "''")
    added = f"\ntrusted = true\ndirectory = '{scripts}'\n"
    controls = [system / f"{name}.control" for name in TRUSTED]
    return {path.name: path.read_text() + added for path in controls if path.exists()}
