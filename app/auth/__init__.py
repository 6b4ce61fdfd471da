"""Sign-up, log-in, sign-out, mailed links and codes."""

from __future__ import annotations

from app.auth.routes import bp

__all__ = ["bp"]
