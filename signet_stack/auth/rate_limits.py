"""Token buckets: how many requests a caller may send in a burst, and how fast the bucket fills again.

Pure but for a lock; the clock is an argument. Per process, as on the hosted service.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

BURST = 30
MAX_BUCKETS = 10_000
FIVE_MINUTES = 300.0
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` in ``period`` seconds, of which ``burst`` may come at once."""

    count: int
    period: float
    burst: int = BURST


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime


class RateLimits:
    """All buckets of one process, by scope and caller."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, scope: str, caller: str, rate: Rate) -> bool:
        """Take one token; False when the bucket is empty."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.pop((scope, caller), None) or _Bucket(rate.burst, now)
            gained = max(0.0, (now - bucket.filled_at).total_seconds()) * rate.count / rate.period
            bucket.tokens = min(rate.burst, bucket.tokens + gained)
            bucket.filled_at = now
            self._buckets[scope, caller] = bucket  # the last in order: the longest unused is the first
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.pop(next(iter(self._buckets)))
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True
