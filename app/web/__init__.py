"""What every blueprint uses: forms, flash messages, error pages, headers; home page and health probe."""

from __future__ import annotations

from app.web.routes import bp

__all__ = ["bp"]
