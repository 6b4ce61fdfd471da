"""The account pages: sessions."""

from __future__ import annotations

from app.account.routes import bp

__all__ = ["bp"]
