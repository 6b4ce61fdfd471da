"""The management API of a project: the local stack's or the platform's, the same calls on both.

Trust boundary: the token opens everything of the project, so it goes to the platform's address or to loopback
only, and appears in no message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.errors import AppError, InputRejected, Misconfigured, NotAllowed, NotFound, ServiceUnavailable
from app.local_stack import lease_for
from app.startup import wants_local_stack

PLATFORM = "https://api.supabase.com"
LOCAL_PROJECT = "local"
SECONDS = 30.0
_ERRORS: Mapping[int, tuple[type[AppError], str]] = {
    400: (InputRejected, ""),
    401: (Misconfigured, "Check SUPABASE_ACCESS_TOKEN."),
    403: (NotAllowed, "Use an access token of somebody who may administer this project."),
    404: (NotFound, "flask keys list"),
    422: (InputRejected, "flask keys list"),
    429: (ServiceUnavailable, "The platform allows a change every few minutes; try again then."),
}


@dataclass(frozen=True, slots=True)
class ManagementApi:
    """One project's management API."""

    base: str
    project: str
    token: str = field(repr=False)

    @property
    def name(self) -> str:
        """What commands call the project."""
        return "local stack" if self.is_local else f"project {self.project}"

    @property
    def is_local(self) -> bool:
        """Whether it is the local stack."""
        return self.project == LOCAL_PROJECT

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one request below the project and return its answer; raise AppError."""
        url = f"{self.base}/v1/projects/{self.project}{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = httpx.request(
                method, url, json=body, headers=headers, timeout=SECONDS, trust_env=not self.is_local
            )
        except httpx.HTTPError as error:
            raise ServiceUnavailable(
                f"The management API of the {self.name} does not answer.",
                hint="Check the connection, then try again.",
                detail=str(error),
            ) from error
        content = _object(answer)
        if not answer.is_success:
            raise _refusal(answer.status_code, content)
        return content


def find_project(environ: Mapping[str, str] = os.environ) -> ManagementApi:
    """Return the project to work on, starting the local stack for it when that is meant; raise AppError."""
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


def local_project() -> ManagementApi:
    """Return the local stack, started or joined for the life of this process; raise AppError."""
    stack = lease_for().stack
    return ManagementApi(stack.api_url, LOCAL_PROJECT, stack.management_token)


def _read(environ: Mapping[str, str], name: str) -> str:
    if value := environ.get(name, "").strip():
        return value
    if not (path := environ.get(f"{name}_FILE")):
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name}_FILE names {path}, which cannot be read.", hint="Correct it.") from error


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _refusal(status: int, content: Mapping[str, Any]) -> AppError:
    kind, hint = _ERRORS.get(status, (ServiceUnavailable, "Try again in a moment."))
    message = str(content.get("message") or f"The management API answered with status {status}.")
    return kind(message, hint=hint)
