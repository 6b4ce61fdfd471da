"""Forget everything that a stack has stored: its cluster, its keys and passwords, its logs."""

from __future__ import annotations

import shutil
from pathlib import Path

from signet_stack.errors import folder_error
from signet_stack.postgres.placement import existing_cluster
from signet_stack.postgres.recovery import clear_leftovers
from signet_stack.process import folder


def reset(path: Path) -> None:
    """Empty the data folder of a stopped stack; raise AlreadyRunning when it runs."""
    folder.prepare(path)
    with folder.locked(path):
        try:
            while cluster := existing_cluster(path):
                clear_leftovers(cluster)
                shutil.rmtree(cluster)
                if cluster.parent != path:
                    cluster.parent.rmdir()
            for entry in path.iterdir():
                if entry.name == folder.LOCK_NAME:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        except OSError as error:
            raise folder_error(error, path) from None
