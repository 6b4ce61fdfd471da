"""The lab: pages that show why a row is visible, what a rotation does to a token, and what is inside a token.

For development only: ``Lab(app)`` registers its pages at /lab, reads the database as its owner and runs every
example in a transaction that is rolled back. An app that does not call it serves none of its URLs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask, current_app

from flask_signet.gatekeeper.settings import is_loopback
from flask_signet.lab.keys import SeenTokens
from signet_db.errors import Misconfigured

if TYPE_CHECKING:
    from signet_stack.api_clients import ManagementApi

EXTENSION = "signet_lab"
# A change locks its table until it is rolled back: the app must not wait for that for long, nor the lab.
LIMITS = "-c statement_timeout=15s -c lock_timeout=3s -c application_name=signet_lab"


class Lab:
    """The Flask extension; ``database_url`` is the owner's, ``find_project`` returns the management API.

    Raises ValueError for a database that is not on this machine.
    """

    def __init__(
        self, app: Flask, *, database_url: str, find_project: Callable[[], ManagementApi] | None = None
    ) -> None:
        if not is_loopback(database_url):
            raise ValueError("the lab works on a database of this machine only")
        self._database_url = database_url
        self._find_project = find_project
        self.seen_tokens = SeenTokens()
        from flask_signet.lab.routes import bp

        app.extensions[EXTENSION] = self
        app.register_blueprint(bp)

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection as the owner of the tables; raises Misconfigured when there is none."""
        try:
            return psycopg.connect(self._database_url, connect_timeout=5, options=LIMITS)
        except psycopg.OperationalError as error:
            raise Misconfigured(
                "The lab cannot reach the database.", hint="flask local status", detail=str(error)
            ) from error

    def project(self) -> ManagementApi:
        """Return the management API of the project; raises SignetError."""
        from flask_signet.keys.management_api import find_project

        return (self._find_project or find_project)()


def current_lab() -> Lab:
    """Return the lab of the current app."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Lab)  # noqa: S101 - set in the constructor
    return found
