"""The services in this process: Auth and the data API behind the gateway, served by waitress.

Imported late and beside the start of PostgreSQL, because it pulls in Flask, psycopg and cryptography.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from wsgiref.types import WSGIApplication

from signet_stack.auth import create_auth
from signet_stack.auth.mail_delivery import SmtpUrlRefused
from signet_stack.auth_settings import AuthSettingsStore
from signet_stack.context import ApiKeys, Context, system_clock
from signet_stack.errors import BadSetting
from signet_stack.gateway import Gateway
from signet_stack.http_server import new_server
from signet_stack.mailbox import create_mailbox
from signet_stack.management import create_management
from signet_stack.options import Options
from signet_stack.postgres.cluster import Cluster
from signet_stack.postgres.database import Database
from signet_stack.process.stack_file import Installation
from signet_stack.rest import create_rest
from signet_stack.signing_keys import SigningKeys

CHEAP_PASSWORDS = 4  # bcrypt cost, for tests


@dataclass(frozen=True, slots=True)
class Services:
    """Running services; ``close`` them before PostgreSQL stops."""

    context: Context

    def describe(self) -> dict[str, Any]:
        """Return what only the running services know."""
        key = self.context.signing_keys.in_use()
        return {"signing_key_id": key.kid, "signing_key_algorithm": key.algorithm}

    def close(self) -> None:
        """Let go of the database; the listening socket belongs to the caller."""
        self.context.database.close()


def start_services(context: Context, listener: socket.socket) -> Services:
    """Build the services and serve them on a listening socket; raise StackError for a setting of no use."""
    context.signing_keys.ensure_one()
    context.auth_settings.reload()
    try:
        services: dict[str, WSGIApplication] = {
            "/auth/v1": create_auth(context),
            "/rest/v1": create_rest(context),
            "/v1": create_management(context),
            "/mailbox": create_mailbox(context),
        }
    except SmtpUrlRefused as error:
        raise BadSetting(str(error), "correct or unset SMTP_URL") from error
    server = new_server(Gateway(context, services), sockets=[listener])
    threading.Thread(target=server.run, daemon=True).start()
    return Services(context)


def open_context(
    cluster: Cluster, installation: Installation, options: Options, environ: Mapping[str, str]
) -> Context:
    """Connect to a running cluster and gather what every service needs to know."""
    database = Database(cluster.dsn("supabase_auth_admin"), cluster.dsn("authenticator"))
    context = make_context(database, installation, options.site_url)
    return replace(
        context,
        password_cost=CHEAP_PASSWORDS if options.is_ephemeral else context.password_cost,
        smtp_url=environ.get("SMTP_URL") or None,
    )


def make_context(database: Database, installation: Installation, site_url: str) -> Context:
    """Open the database and gather what follows from it and the installation."""
    database.open()
    return Context(
        database=database,
        signing_keys=SigningKeys(database.auth, system_clock),
        auth_settings=AuthSettingsStore(database.auth, system_clock),
        api_keys=ApiKeys(installation.publishable_key, installation.secret_key),
        management_token=installation.management_token,
        api_url=installation.api_url,
        issuer=installation.issuer,
        site_url=site_url,
    )
