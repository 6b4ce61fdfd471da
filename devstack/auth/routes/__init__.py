"""The Auth service's HTTP side: read a request, call one operation, write its answer."""

from __future__ import annotations

from devstack.auth.routes import discovery, tokens, user

BLUEPRINTS = (discovery.bp, tokens.bp, user.bp)
