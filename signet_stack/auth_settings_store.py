"""Where changed Auth settings are kept: the database, read once and again after each change."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from signet_stack.auth_settings import NAMES, AuthSettings, checked
from signet_stack.postgres.database import Pool

UPSERT = """
    insert into signet_stack.auth_settings (name, value, updated_at) values (%s, %s, %s)
    on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at
"""


class AuthSettingsStore:
    """The settings of one stack, shared by all of its services."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._lock = threading.Lock()
        self._current: AuthSettings | None = None

    def current(self) -> AuthSettings:
        """Return the settings in force."""
        current = self._current
        if current is not None:
            return current
        with self._lock:
            if self._current is None:
                with self._pool.connection() as connection:
                    rows = connection.execute("select name, value from signet_stack.auth_settings").fetchall()
                # A row that a newer version wrote means nothing to this one.
                self._current = AuthSettings(**{name: value for name, value in rows if name in NAMES})
            return self._current

    def change(self, changes: Mapping[str, Any]) -> AuthSettings:
        """Change some settings, all or none; raise SettingsRefused."""
        kept = checked(changes)
        with self._pool.connection() as connection, connection.cursor() as cursor:
            now = self._clock()
            cursor.executemany(UPSERT, [(name, json.dumps(value), now) for name, value in kept.items()])
        self.forget()
        return self.current()

    def forget(self) -> None:
        """Read the settings again at the next use."""
        with self._lock:
            self._current = None
