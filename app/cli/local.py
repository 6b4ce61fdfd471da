"""`flask local`: the local stack of this checkout.

Other commands get it from ``stack_for``: the stack is started or joined, and stays until this process ends.
"""

from __future__ import annotations

import atexit
import sys
from pathlib import Path

import click

from app.cli.lease import ROOT, Lease, take_lease
from app.cli.output import tell
from app.cli.running_stack import RunningStack
from app.config import LocalStack
from app.errors import Misconfigured

INSTANCE = ROOT / "instance"

_leases: dict[Path, Lease] = {}


def stack_for(instance_path: Path = INSTANCE, site_port: int = 8000) -> LocalStack:
    """Start or join the stack of an instance folder, for the life of this process; raises AppError."""
    return running_stack_for(instance_path, site_port).for_app()


def running_stack_for(instance_path: Path = INSTANCE, site_port: int = 8000) -> RunningStack:
    """Like ``stack_for``, with what commands need beyond the web app: secret key and management token."""
    if sys.platform == "win32":
        raise Misconfigured(
            "The local stack does not run on Windows itself.",
            hint="Use it in WSL, or set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY for a hosted project.",
        )
    folder = instance_path / "devstack"
    if folder not in _leases:
        _leases[folder] = take_lease(
            folder, f"http://127.0.0.1:{site_port}", command_name(), tell, on_lost=_lost
        )
        atexit.register(_leases[folder].release)
    return _leases[folder].stack


def command_name() -> str:
    """Return what this process is called by people: `flask run` and the like."""
    context = click.get_current_context(silent=True)
    return context.command_path if context else Path(sys.argv[0]).name


def _lost() -> None:
    tell("The local stack has ended. Next: stop this command and start it again")


@click.group()
def local() -> None:
    """The local stack: Auth, data API, mailbox and PostgreSQL on this machine."""
