"""What one installation of the data API serves; names as PostgREST's own, defaults as hosted projects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestSettings:
    """The data API's settings. The first schema is the default one."""

    schemas: tuple[str, ...] = ("public",)
    extra_search_path: tuple[str, ...] = ("public", "extensions")
    anonymous_role: str = "anon"
    max_rows: int = 1000
    plan_enabled: bool = False
    aggregates_enabled: bool = False
    rolls_back: bool = False  # end every transaction with ROLLBACK
    end_override: bool = False  # let `Prefer: tx=` choose how a transaction ends
    max_query_bytes: int = 16 * 1024
    max_body_bytes: int = 5 * 1024 * 1024
