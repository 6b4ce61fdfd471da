"""What is where, for a person, a program and a shell; secrets are masked unless asked for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from signet_stack.process.running import RunningStack

HIDDEN = "…"
LEGACY = "legacy default privileges: new tables and functions are open to anon and authenticated"
WIDTH = 12
SHOWN_CHARACTERS = 6  # of a secret: enough to recognise it, too few to use it


def describe(
    stack: RunningStack, status: Mapping[str, Any], folder: Path, app_url: str, *, show_secrets: bool
) -> dict[str, Any]:
    """Return the addresses and keys as plain values."""
    return {
        "running": True,
        "pid": stack.pid,
        "app_url": app_url,
        "api_url": stack.api_url,
        "mailbox_url": stack.mailbox_login_url,
        "issuer": stack.issuer,
        "database_url": stack.database_url if show_secrets else without_password(stack.database_url),
        "publishable_key": stack.publishable_key if show_secrets else mask_key(stack.publishable_key),
        "logs": str(folder / "*.log"),
        "secret_key": stack.secret_key if show_secrets else mask_key(stack.secret_key),
        "management_token": stack.management_token if show_secrets else HIDDEN,
        "signing_key_id": status.get("signing_key_id"),
        "signing_key_algorithm": status.get("signing_key_algorithm"),
        "default_privileges": stack.default_privileges,
    }


def table(described: Mapping[str, Any], migrations: str, command: str) -> list[str]:
    """Return the addresses and keys as lines; ``command`` is what shows the secrets."""
    hint = f"      ({command} status --show-secrets)" if HIDDEN in described["secret_key"] else ""
    rows = {
        "App": described["app_url"],
        "API": f"{described['api_url']}      auth/v1 · rest/v1",
        "Mail": described["mailbox_url"],
        "Database": described["database_url"],
        "Keys": f"publishable {described['publishable_key']}   secret {described['secret_key']}{hint}",
        "Signing key": f"{described['signing_key_id']}  {described['signing_key_algorithm']}, in use",
        "Migrations": migrations,
        **({"Privileges": LEGACY} if described["default_privileges"] == "legacy" else {}),
        "Logs": described["logs"],
    }
    return [f"{name:<{WIDTH}} {text}" for name, text in rows.items()]


def environment(stack: RunningStack) -> list[str]:
    """Return ``NAME=value`` lines that a shell can source and dotenv files can hold, secrets included."""
    values = {
        "SUPABASE_URL": stack.api_url,
        "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key,
        "SUPABASE_SECRET_KEY": stack.secret_key,
        "DATABASE_URL": stack.database_url,
        "MAILBOX_URL": stack.mailbox_login_url,
    }
    return [f"{name}={shlex.quote(value)}" for name, value in values.items()]


def mask_key(key: str) -> str:
    """Return an API key's kind and its first characters."""
    kind, _, rest = key.partition("_")[2].partition("_")
    return f"sb_{kind}_{rest[:SHOWN_CHARACTERS]}{HIDDEN}"


def without_password(url: str) -> str:
    """Return a connection string with its password masked."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{HIDDEN}@{parts.hostname}:{parts.port}"))


def used_by(leases: Sequence[Mapping[str, Any]]) -> str:
    """Return the processes that use the stack: `flask run (process 123), pytest (process 124)`."""
    return ", ".join(f"{lease['name']} (process {lease['pid']})" for lease in leases)
