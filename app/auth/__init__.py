"""Signing up, in and out; confirming an address; setting a new password by mail.

All of these pages are open, except the one that sets a new password. None of them holds a token: what Auth
gives goes straight to the gatekeeper, and answers never tell whether an address has an account here.
"""

from __future__ import annotations

from app.auth import confirm, mails, new_password, sign_in
from app.auth.blueprint import bp

__all__ = ["bp", "confirm", "mails", "new_password", "sign_in"]
