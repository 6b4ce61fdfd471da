"""Keeps the schema cache up to date without a restart.

One thread holds one connection that listens on the channel ``pgrst``; every notification, and every new
connection (something may have been missed), loads a new schema_cache. Requests take the newest whole one and keep
it until they end. The thread ends with the pool.
"""

from __future__ import annotations

import logging
import threading

import psycopg

from signet_stack.postgres.database import Pool
from signet_stack.rest.errors import RestError
from signet_stack.rest.schema_cache.load import load_schema_cache
from signet_stack.rest.schema_cache.model import SchemaCache

CHANNEL = "pgrst"
WAIT_SECONDS = 10
CHECK_SECONDS = 0.5
MAX_PAUSE_SECONDS = 8.0

_log = logging.getLogger(__name__)


class SchemaCacheListener:
    """The newest schema cache; the first request starts the thread that loads it."""

    def __init__(self, pool: Pool, schemas: tuple[str, ...]) -> None:
        self._pool = pool
        self._schemas = schemas
        self._schema_cache: SchemaCache | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def current(self) -> SchemaCache:
        """Return the newest schema cache; raise PGRST002 (503) when the first cannot be loaded in time."""
        if (schema_cache := self._schema_cache) is not None:
            return schema_cache
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._keep, name="schema-cache", daemon=True)
                self._thread.start()
            self._changed.wait_for(lambda: self._schema_cache is not None, WAIT_SECONDS)
        if self._schema_cache is None:
            raise RestError("PGRST002", "Could not query the database for the schema cache. Retrying.")
        return self._schema_cache

    def _keep(self) -> None:
        pause = CHECK_SECONDS
        while not self._is_over():
            try:
                with psycopg.connect(str(self._pool.conninfo), autocommit=True) as connection:
                    connection.execute(f"listen {CHANNEL}".encode())
                    pause = CHECK_SECONDS
                    self._follow(connection)
            except psycopg.Error as error:
                if self._is_over():
                    return
                _log.warning("schema cache: %s; trying again", error)
                threading.Event().wait(pause)
                pause = min(pause * 2, MAX_PAUSE_SECONDS)

    def _is_over(self) -> bool:
        return bool(self._pool.closed)

    def _follow(self, connection: psycopg.Connection) -> None:
        """Load now and after each notification, until the pool closes."""
        is_due = True
        while not self._is_over():
            if is_due:
                schema_cache = load_schema_cache(connection, self._schemas)
                with self._changed:
                    self._schema_cache = schema_cache
                    self._changed.notify_all()
            is_due = bool(list(connection.notifies(timeout=CHECK_SECONDS, stop_after=1)))  # all that came
