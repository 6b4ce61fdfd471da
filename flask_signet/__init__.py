"""Supabase Auth for Flask: the gatekeeper, Supabase clients, and the commands `flask db | keys | local`.

    from flask_signet import Gatekeeper, current_identity, public

The names below are imported on first use, so that commands which need none of them start faster.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clients import anonymous_client as anonymous_client
    from .clients import user_client as user_client
    from .gatekeeper import Authentication as Authentication
    from .gatekeeper import Flow as Flow
    from .gatekeeper import FlowRefused as FlowRefused
    from .gatekeeper import FlowTokens as FlowTokens
    from .gatekeeper import Gatekeeper as Gatekeeper
    from .gatekeeper import GatekeeperSettings as GatekeeperSettings
    from .gatekeeper import Identity as Identity
    from .gatekeeper import RoleRequired as RoleRequired
    from .gatekeeper import SessionEnded as SessionEnded
    from .gatekeeper import SessionTokens as SessionTokens
    from .gatekeeper import StepUpRequired as StepUpRequired
    from .gatekeeper import annotate_flow as annotate_flow
    from .gatekeeper import bearer_only as bearer_only
    from .gatekeeper import bearer_or_cookie as bearer_or_cookie
    from .gatekeeper import begin_flow as begin_flow
    from .gatekeeper import current_identity as current_identity
    from .gatekeeper import end_session as end_session
    from .gatekeeper import finish_flow as finish_flow
    from .gatekeeper import login_required as login_required
    from .gatekeeper import pending_flow as pending_flow
    from .gatekeeper import public as public
    from .gatekeeper import requires as requires
    from .gatekeeper import session_in_doubt as session_in_doubt
    from .gatekeeper import start_session as start_session
    from .redirects import safe_next as safe_next

_MODULES = {
    "Authentication": "gatekeeper",
    "Flow": "gatekeeper",
    "FlowRefused": "gatekeeper",
    "FlowTokens": "gatekeeper",
    "Gatekeeper": "gatekeeper",
    "GatekeeperSettings": "gatekeeper",
    "Identity": "gatekeeper",
    "RoleRequired": "gatekeeper",
    "SessionEnded": "gatekeeper",
    "SessionTokens": "gatekeeper",
    "StepUpRequired": "gatekeeper",
    "annotate_flow": "gatekeeper",
    "anonymous_client": "clients",
    "bearer_only": "gatekeeper",
    "bearer_or_cookie": "gatekeeper",
    "begin_flow": "gatekeeper",
    "current_identity": "gatekeeper",
    "end_session": "gatekeeper",
    "finish_flow": "gatekeeper",
    "login_required": "gatekeeper",
    "pending_flow": "gatekeeper",
    "public": "gatekeeper",
    "requires": "gatekeeper",
    "safe_next": "redirects",
    "session_in_doubt": "gatekeeper",
    "start_session": "gatekeeper",
    "user_client": "clients",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value
