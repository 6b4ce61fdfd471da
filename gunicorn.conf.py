"""What gunicorn reads from the working directory: the app must be able to start before any worker does.

A worker that ends with code 2 is replaced for ever, so the check comes first, in a process of its own: the
master must not import the app, or a reload would keep the old code.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def on_starting(server: Any) -> None:
    """End with the app's own list of problems and its exit code when it cannot start."""
    if server.app.app_uri.partition(":")[0] != "wsgi":
        return  # somebody else's app
    trial = subprocess.run([sys.executable, "-c", "import wsgi"], check=False)
    if trial.returncode != 0:
        sys.exit(trial.returncode)
