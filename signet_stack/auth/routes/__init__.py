"""The Auth service's HTTP side: read a request, call one operation, write its answer."""

from __future__ import annotations

from signet_stack.auth.routes import (
    admin,
    discovery,
    factors,
    mail_requests,
    oauth,
    tokens,
    unsupported,
    user,
    verify,
)

BLUEPRINTS = (
    admin.bp,
    discovery.bp,
    factors.bp,
    mail_requests.bp,
    oauth.bp,
    tokens.bp,
    unsupported.bp,
    user.bp,
    verify.bp,
)
