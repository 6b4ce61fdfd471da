"""Management API of the project that the environment names, else of the local stack; its signing keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask_signet.cli.local import wants_local_stack
from signet_db.errors import Misconfigured
from signet_stack.api_clients import PLATFORM, ManagementApi
from signet_stack.config_command import local_project

KEYS_PATH = "/config/auth/signing-keys"
DEFAULT_TOKEN_LIFE = 3600  # seconds


def signing_keys_of(project: ManagementApi) -> list[dict[str, Any]]:
    """Return the project's signing keys; raise SignetError."""
    return list(project.call("GET", KEYS_PATH).get("keys", []))


def token_life_of(project: ManagementApi) -> timedelta:
    """Return how long an access token of the project is valid; raise SignetError."""
    life = project.call("GET", "/config/auth").get("jwt_exp")
    return timedelta(seconds=life if isinstance(life, int) else DEFAULT_TOKEN_LIFE)


def find_project(environ: Mapping[str, str] = os.environ) -> ManagementApi:
    """Return the management API of the project to work on; raise SignetError.

    If the environment asks for the local stack, it is started or joined.
    """
    token, project = _read(environ, "SUPABASE_ACCESS_TOKEN"), _read(environ, "SUPABASE_PROJECT_REF")
    if token and project:
        return ManagementApi(PLATFORM, project, token)
    if not token and not project and wants_local_stack(environ):
        return local_project()
    missing = "SUPABASE_PROJECT_REF" if token else "SUPABASE_ACCESS_TOKEN"
    raise Misconfigured(
        f"{missing} is not set.",
        code="no_project",
        hint="Set SUPABASE_ACCESS_TOKEN (a personal access token) and SUPABASE_PROJECT_REF, or unset both"
        " for the local stack.",
    )


def names_project(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names a project and a token for its management API."""
    return bool(_read(environ, "SUPABASE_ACCESS_TOKEN") and _read(environ, "SUPABASE_PROJECT_REF"))


def _read(environ: Mapping[str, str], name: str) -> str:
    if value := environ.get(name, "").strip():
        return value
    if not (path := environ.get(f"{name}_FILE")):
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name}_FILE names {path}, which cannot be read.", hint="Correct it.") from error
