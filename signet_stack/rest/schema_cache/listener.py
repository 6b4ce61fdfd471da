"""Reload the schema cache on ``NOTIFY pgrst`` without a restart.

One thread holds one connection that listens on the channel ``pgrst``. Each notification, and each new
connection (a notification may have been missed), loads a new schema cache. A request uses one cache from
start to end. The thread ends when the pool is closed.
"""

from __future__ import annotations

import logging
import threading

import psycopg

from signet_stack.postgres.database import Pool
from signet_stack.rest.errors import RestError
from signet_stack.rest.schema_cache.load import load_schema_cache
from signet_stack.rest.schema_cache.model import SchemaCache
from signet_stack.rest.settings import RestSettings

CHANNEL = "pgrst"
WAIT_SECONDS = 10
CHECK_SECONDS = 0.5
MAX_PAUSE_SECONDS = 8.0

_log = logging.getLogger(__name__)


class SchemaCacheListener:
    """The current schema cache; the first request starts the thread that loads it."""

    def __init__(self, pool: Pool, settings: RestSettings) -> None:
        self._pool = pool
        self._settings = settings
        self._cache: SchemaCache | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def current(self) -> SchemaCache:
        """Return the newest schema cache; raise PGRST002 (503) if the first load does not finish in time."""
        if (cache := self._cache) is not None:
            return cache
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="schema-cache", daemon=True)
                self._thread.start()
            self._changed.wait_for(lambda: self._cache is not None, WAIT_SECONDS)
        if self._cache is None:
            raise RestError("PGRST002", "Could not query the database for the schema cache. Retrying.")
        return self._cache

    def _run(self) -> None:
        pause = CHECK_SECONDS
        while not self._is_closed():
            try:
                with psycopg.connect(str(self._pool.conninfo), autocommit=True) as connection:
                    connection.execute(f"listen {CHANNEL}".encode())
                    pause = CHECK_SECONDS
                    self._load_on_notify(connection)
            except psycopg.Error as error:
                if self._is_closed():
                    return
                _log.warning("schema cache: %s; trying again", error)
                threading.Event().wait(pause)
                pause = min(pause * 2, MAX_PAUSE_SECONDS)

    def _is_closed(self) -> bool:
        return bool(self._pool.closed)

    def _load_on_notify(self, connection: psycopg.Connection) -> None:
        """Load once, then after each notification, until the pool is closed."""
        is_due = True
        while not self._is_closed():
            if is_due:
                cache = load_schema_cache(connection, self._settings)
                with self._changed:
                    self._cache = cache
                    self._changed.notify_all()
            # All notifications that have arrived count as one.
            is_due = bool(list(connection.notifies(timeout=CHECK_SECONDS, stop_after=1)))
