"""The Auth service, mounted at /auth/v1: accounts, sessions, tokens and mails, in Supabase Auth's protocol.

A request passes a thin route, one operation (`sign_up`, `password_grant`, `refresh_grant`, ...) and the rows
that it works on (`users`, `sessions`, ...). What is hard stands in pure modules that know neither HTTP nor
SQL: token formats, session validity, password rules, redirect rules, rate limits, mail texts.
Trust boundary: everything of a request is untrusted; the API key was checked by the gateway.
"""

from __future__ import annotations

from signet_stack.auth.application import create_auth

__all__ = ["create_auth"]
