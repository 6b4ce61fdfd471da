"""The local stack in words: what `flask run` and `flask local` print. Secrets are masked unless asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from app.settings_reader import mask
from signet_stack.handle import RunningStack

HIDDEN = "…"
WIDTH = 12


def describe(
    stack: RunningStack, status: Mapping[str, Any], folder: Path, app_url: str, *, show_secrets: bool
) -> dict[str, Any]:
    """Return what is where as plain values."""
    return {
        "running": True,
        "pid": stack.pid,
        "app_url": app_url,
        "api_url": stack.api_url,
        "mailbox_url": stack.mailbox_url,
        "issuer": stack.issuer,
        "database_url": stack.database_url if show_secrets else without_password(stack.database_url),
        "publishable_key": stack.publishable_key if show_secrets else mask_key(stack.publishable_key),
        "logs": str(folder / "*.log"),
        "secret_key": stack.secret_key if show_secrets else mask_key(stack.secret_key),
        "management_token": stack.management_token if show_secrets else HIDDEN,
        "signing_key_id": status.get("signing_key_id"),
        "signing_key_algorithm": status.get("signing_key_algorithm"),
    }


def table(described: Mapping[str, Any], migrations: str) -> list[str]:
    """Return the same as lines."""
    hint = "      (flask local status --show-secrets)" if HIDDEN in described["secret_key"] else ""
    rows = {
        "App": described["app_url"],
        "API": f"{described['api_url']}      auth/v1 · rest/v1",
        "Mail": described["mailbox_url"],
        "Database": described["database_url"],
        "Keys": f"publishable {described['publishable_key']}   secret {described['secret_key']}{hint}",
        "Signing key": f"{described['signing_key_id']}  {described['signing_key_algorithm']}, in use",
        "Migrations": migrations,
        "Logs": described["logs"],
    }
    return [f"{name:<{WIDTH}} {text}" for name, text in rows.items()]


def mask_key(key: str) -> str:
    """Return an API key's kind and its first characters."""
    prefix, _, rest = key.partition("_")[2].partition("_")
    return f"sb_{prefix}_{mask(rest)}"


def without_password(url: str) -> str:
    """Return a connection string with its password masked."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{HIDDEN}@{parts.hostname}:{parts.port}"))


def used_by(leases: Sequence[Mapping[str, Any]]) -> str:
    """Return who uses the stack: `flask run (process 123), pytest (process 124)`."""
    return ", ".join(f"{lease['name']} (process {lease['pid']})" for lease in leases)
