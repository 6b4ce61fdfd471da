"""`flask run --debug` is two processes: one watches the files, its child serves and must not outlive it.

A Ctrl-C reaches both, but a kill of the first leaves the second serving on the port, and holding its lease on
the local stack.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import MutableMapping

PARENT = "SIGNET_RELOADER_PID"
POLL_SECONDS = 0.25


def is_child(environ: MutableMapping[str, str]) -> bool:
    """Whether this process serves for a reloader."""
    return environ.get("WERKZEUG_RUN_MAIN") == "true"


def tie_child_to_parent(environ: MutableMapping[str, str]) -> None:
    """In the parent, leave our id for the child; in the child, watch that the parent lives."""
    if not is_child(environ):
        environ[PARENT] = str(os.getpid())
    elif parent := environ.get(PARENT):
        threading.Thread(target=_end_after, args=[int(parent)], name="reloader-watch", daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)
