"""The Auth service's HTTP side: read a request, call one operation, write its answer."""

from __future__ import annotations

from signet_stack.auth.routes import absent, admin, discovery, mails, tokens, user, verify

BLUEPRINTS = (absent.bp, admin.bp, discovery.bp, mails.bp, tokens.bp, user.bp, verify.bp)
