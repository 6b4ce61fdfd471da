"""Settings of the data API; names as PostgREST's, defaults as hosted projects'.

Hosted projects change them in the database: ``alter role authenticator set pgrst.db_max_rows = '50'``, then
``notify pgrst, 'reload config'``. Source: PostgREST, "Configuration", section "In-Database Configuration".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

_TRUE, _FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestSettings:
    """The data API's settings. The first schema is the default one."""

    schemas: tuple[str, ...] = ("public",)
    extra_search_path: tuple[str, ...] = ("public", "extensions")
    anonymous_role: str = "anon"
    max_rows: int = 1000
    plan_enabled: bool = False
    aggregates_enabled: bool = False
    pre_request: tuple[str, ...] = ()  # a function, with or without its schema, that runs before each request
    safe_updates: bool = True  # refuse DELETE and UPDATE without a WHERE clause
    rolls_back: bool = False  # end every transaction with ROLLBACK
    end_override: bool = False  # let `Prefer: tx=` choose how a transaction ends
    max_query_bytes: int = 16 * 1024
    max_body_bytes: int = 5 * 1024 * 1024


def configure(settings: RestSettings, pairs: Iterable[tuple[str, str]]) -> RestSettings:
    """Return the settings with ``pgrst.*`` pairs applied; log and skip what cannot be applied."""
    changed: dict[str, Any] = {}
    for key, text in pairs:
        try:
            changed |= _READ[key.removeprefix("pgrst.")](text)
        except KeyError:
            _log.warning("data API: the setting %s is not supported by the local stack", key)
        except ValueError:
            _log.warning("data API: %r is not a value for the setting %s", text, key)
    return replace(settings, **changed)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not names:
        raise ValueError
    return names


def _switch(text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise ValueError
    return text.lower() in _TRUE


def _tx_end(text: str) -> dict[str, Any]:
    words = ("commit", "commit-allow-override", "rollback", "rollback-allow-override")
    if text not in words:
        raise ValueError
    return {"rolls_back": text.startswith("rollback"), "end_override": text.endswith("-override")}


def _row_limit(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError
    return number


def _function(text: str) -> tuple[str, ...]:
    return tuple(part.strip('"') for part in text.split(".", 1) if part)


_READ: dict[str, Callable[[str], dict[str, Any]]] = {
    "db_schemas": lambda text: {"schemas": _names(text)},
    "db_extra_search_path": lambda text: {"extra_search_path": _names(text) if text else ()},
    "db_anon_role": lambda text: {"anonymous_role": text},
    "db_max_rows": lambda text: {"max_rows": _row_limit(text)},
    "db_plan_enabled": lambda text: {"plan_enabled": _switch(text)},
    "db_aggregates_enabled": lambda text: {"aggregates_enabled": _switch(text)},
    "db_pre_request": lambda text: {"pre_request": _function(text)},
    "db_tx_end": _tx_end,
    "safeupdate.enabled": lambda text: {"safe_updates": _switch(text)},
}
