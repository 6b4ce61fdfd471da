"""Profiles: your own, and those that others made public.

Every read and write goes through the data API as the person who is signed in. Nothing in here decides who may
see what: the policies of the table do.
"""

from __future__ import annotations

from app.profiles.routes import bp

__all__ = ["bp"]
