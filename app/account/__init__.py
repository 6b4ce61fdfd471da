"""A person's account: where it is signed in.

Everything is asked and done as the person who is signed in, through the data API and Auth: the app holds no
key that could do it to anybody else.
"""

from __future__ import annotations

from app.account import sessions
from app.account.blueprint import bp

__all__ = ["bp", "sessions"]
