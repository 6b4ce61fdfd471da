"""Sessions of Supabase Auth for Flask, verified locally with the project's public keys.

The counterpart of ``@supabase/ssr`` and its middleware in Next.js. ``Gatekeeper(app)`` closes every view of
an app; ``public`` opens one. Import the names from ``flask_signet``; this package imports nothing of ours, so
that it can also be copied into a project as it is.
"""

from __future__ import annotations

from .decorators import bearer_only, login_required, public
from .errors import FlowRefused, SessionEnded
from .flows import Flow, FlowTokens
from .hooks import (
    Gatekeeper,
    annotate_flow,
    begin_flow,
    current_identity,
    end_session,
    finish_flow,
    pending_flow,
    session_in_doubt,
    start_session,
)
from .settings import GatekeeperSettings
from .tokens import Identity, SessionTokens

__all__ = [
    "Flow",
    "FlowRefused",
    "FlowTokens",
    "Gatekeeper",
    "GatekeeperSettings",
    "Identity",
    "SessionEnded",
    "SessionTokens",
    "annotate_flow",
    "bearer_only",
    "begin_flow",
    "current_identity",
    "end_session",
    "finish_flow",
    "login_required",
    "pending_flow",
    "public",
    "session_in_doubt",
    "start_session",
]
