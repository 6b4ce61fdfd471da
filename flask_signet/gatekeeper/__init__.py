"""Sessions of Supabase Auth for Flask, verified locally with the project's public keys.

The counterpart of ``@supabase/ssr`` and its middleware in Next.js. ``Gatekeeper(app)`` closes every view of
an app; ``public`` opens one. Import the names from ``flask_signet``; this package imports nothing of ours, so
that it can also be copied into a project as it is.
"""

from __future__ import annotations

from .decorators import bearer_only, login_required, public
from .errors import SessionEnded
from .hooks import Gatekeeper, current_identity, end_session, session_in_doubt, start_session
from .settings import GatekeeperSettings
from .tokens import Identity, SessionTokens

__all__ = [
    "Gatekeeper",
    "GatekeeperSettings",
    "Identity",
    "SessionEnded",
    "SessionTokens",
    "bearer_only",
    "current_identity",
    "end_session",
    "login_required",
    "public",
    "session_in_doubt",
    "start_session",
]
