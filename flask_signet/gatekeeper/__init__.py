"""Sessions of Supabase Auth for Flask, verified locally with the project's public keys.

The counterpart of ``@supabase/ssr`` and its middleware in Next.js. ``Gatekeeper(app)`` closes every view of
an app; ``public`` opens one. Import the names from ``flask_signet``; this package imports nothing of ours, so
that it can also be copied into a project as it is.
"""

from __future__ import annotations

from .current import (
    annotate_flow,
    begin_flow,
    current_identity,
    end_session,
    finish_flow,
    pending_flow,
    session_in_doubt,
    start_session,
)
from .decorators import bearer_only, bearer_or_cookie, login_required, public, requires
from .errors import FlowRefused, SessionEnded
from .flows import Flow, FlowTokens
from .hooks import Gatekeeper
from .identity import Authentication, Identity
from .refusals import RoleRequired, StepUpRequired
from .settings import GatekeeperSettings
from .tokens import SessionTokens

__all__ = [
    "Authentication",
    "Flow",
    "FlowRefused",
    "FlowTokens",
    "Gatekeeper",
    "GatekeeperSettings",
    "Identity",
    "RoleRequired",
    "SessionEnded",
    "SessionTokens",
    "StepUpRequired",
    "annotate_flow",
    "bearer_only",
    "bearer_or_cookie",
    "begin_flow",
    "current_identity",
    "end_session",
    "finish_flow",
    "login_required",
    "pending_flow",
    "public",
    "requires",
    "session_in_doubt",
    "start_session",
]
