"""Change a setting of the local stack for the length of a test, as a project's owner would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from signet_stack.handle import RunningStack


@contextmanager
def changed(stack: RunningStack, **settings: object) -> Iterator[None]:
    """Apply settings through the management API; put the old values back afterwards."""
    url = f"{stack.api_url}/v1/projects/local/config/auth"
    headers = {"Authorization": f"Bearer {stack.management_token}"}
    before = httpx.get(url, headers=headers).raise_for_status().json()
    httpx.patch(url, headers=headers, json=settings).raise_for_status()
    try:
        yield
    finally:
        old = {name: before[name] for name in settings}
        httpx.patch(url, headers=headers, json=old).raise_for_status()
