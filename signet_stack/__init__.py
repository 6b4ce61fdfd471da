"""The local stack: Auth, data API, mailbox and a real PostgreSQL from one `pip install`, offline.

It speaks the hosted services' protocols and listens on loopback only. It is for development and tests, and
not hardened for the open internet. Programs use it over HTTP and SQL, as they use a hosted project.

    from signet_stack import LocalStack
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signet_stack.handle import LocalStack as LocalStack

__all__ = ["LocalStack"]


def __getattr__(name: str) -> Any:
    """Import LocalStack on first use (PEP 562): the supervisor imports this package, and must stay small."""
    if name != "LocalStack":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from signet_stack.handle import LocalStack

    return LocalStack
