"""Form tokens: every request that changes something carries one, bound to this browser's session.

Trust boundary: the token proves that a form of this app was filled in under the present session. The check
runs before the gatekeeper, so a forged request learns nothing about who is signed in. The gatekeeper renews
the secret at every sign-in; a token from before it no longer counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask
from flask_wtf.csrf import CSRFProtect

P = ParamSpec("P")
R = TypeVar("R")

# A form may wait on a screen for a working day; afterwards it comes back filled in, to be sent once more.
TOKEN_LIFE_SECONDS = 8 * 3600

csrf = CSRFProtect()


def form_checks_token(view: Callable[P, R]) -> Callable[P, R]:
    """Leave the check to the view's form, which brings typed values back when its token is out of date."""
    csrf.exempt(view)
    return view


def register(app: Flask) -> None:
    """Check the form token of every request of an app that changes something."""
    app.config["WTF_CSRF_TIME_LIMIT"] = TOKEN_LIFE_SECONDS
    # The check of origin.py replaces the one of the Referer, which privacy tools remove.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    csrf.init_app(app)
