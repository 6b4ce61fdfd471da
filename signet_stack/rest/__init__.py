"""The data API, mounted at /rest/v1: tables and functions over HTTP, in PostgREST's protocol.

A request passes grammar (text to trees), plan (names looked up, rules decided), SQL (one statement),
transaction (role and claims) and response. Trust boundary: everything of a request is untrusted; names reach
SQL only quoted, values only as bound parameters; what a caller may do is decided by PostgreSQL alone.
"""

from __future__ import annotations

from signet_stack.context import Context
from signet_stack.rest.application import RestApplication
from signet_stack.rest.settings import RestSettings


def create_rest(context: Context, settings: RestSettings | None = None) -> RestApplication:
    """Build the data API for one stack."""
    return RestApplication(context, settings or RestSettings())
