"""Profiles: your own, and those that others made public.

Every read and write goes through the data API as the signed-in user; the table's policies decide who may see
and change what.
"""

from __future__ import annotations

from app.profiles.routes import bp

__all__ = ["bp"]
