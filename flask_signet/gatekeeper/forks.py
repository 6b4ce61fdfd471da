"""A forked worker begins anew: no lock that is held, no thread that is not there, no socket that is shared.

Servers that load the app before they fork (``gunicorn --preload``) copy whatever a first request or a
warm-up left. Two workers on one copied connection would read each other's answers, tokens included.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """What holds locks, threads or sockets of one process."""

    def begin_anew(self) -> None:
        """Drop them, and begin as at the start."""


_living: WeakSet[Renewable] = WeakSet()


def renew_after_fork(renewable: Renewable) -> None:
    """Let this begin anew in every process that is forked from the present one."""
    _living.add(renewable)


def _begin_anew() -> None:
    for renewable in list(_living):
        renewable.begin_anew()


if hasattr(os, "register_at_fork"):  # Windows never forks
    os.register_at_fork(after_in_child=_begin_anew)
