"""``stack.json``: addresses, keys and passwords of a stack. Mode 0600.

The first part survives restarts (ports, keys, passwords, issuer). The second part is for other processes: the
process id and control socket of the running stack; it is stale when no process holds the folder's lock.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from signet_stack.options import DefaultPrivileges
from signet_stack.postgres.cluster import LOGIN_ROLES, new_passwords
from signet_stack.process.folder import write_private
from signet_stack.process.ports import LOOPBACK

NAME = "stack.json"


@dataclass(frozen=True, slots=True)
class Installation:
    """What stays the same from start to start."""

    api_port: int
    db_port: int
    issuer: str  # that of the first start, also when the port has changed since
    publishable_key: str
    secret_key: str = field(repr=False)
    management_token: str = field(repr=False)
    passwords: dict[str, str] = field(repr=False)
    default_privileges: DefaultPrivileges = "current"

    @property
    def api_url(self) -> str:
        """Where the services listen, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def database_url(self) -> str:
        """The connection string of role postgres, which migrations use."""
        return f"postgresql://postgres:{self.passwords['postgres']}@{LOOPBACK}:{self.db_port}/postgres"


def new_installation(api_port: int, db_port: int) -> Installation:
    """Make an installation with keys and passwords of its own."""
    return Installation(
        api_port=api_port,
        db_port=db_port,
        issuer=f"http://{LOOPBACK}:{api_port}/auth/v1",
        publishable_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
        secret_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        management_token=f"sbp_{secrets.token_hex(20)}",
        passwords=new_passwords(),
    )


def load(folder: Path) -> Installation | None:
    """Read the installation; None when there is none or the file is damaged (the cluster survives that)."""
    try:
        read = json.loads((folder / NAME).read_text())
        read.setdefault("default_privileges", "current")  # older files have none
        found = Installation(**{item.name: read[item.name] for item in fields(Installation)})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return found if set(LOGIN_ROLES) <= set(found.passwords) else None


def save(folder: Path, installation: Installation, site_url: str, control: dict[str, Any] | None) -> None:
    """Write the file; ``control`` is the address of the control socket, None when the stack has stopped."""
    content: dict[str, Any] = {item.name: getattr(installation, item.name) for item in fields(Installation)}
    content |= {
        "api_url": installation.api_url,
        "database_url": installation.database_url,
        "mailbox_url": f"{installation.api_url}/mailbox",
        "site_url": site_url,
    }
    if control is not None:
        content |= {"pid": os.getpid(), "control": control}
    write_private(folder / NAME, json.dumps(content, indent=2) + "\n")
