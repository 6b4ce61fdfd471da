"""Which page of the rows: limit and offset, cut by the Range header."""

from __future__ import annotations

import re

from devstack.rest.errors import RestError
from devstack.rest.grammar.trees import Window

_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})?")


def within_range(window: Window, header: str) -> Window:
    """Intersect a window with a Range header (RFC 9110 section 14.2, in rows); raise for an empty range."""
    check_limit(window)
    found = _RANGE.fullmatch(header)
    if found is None or window.limit == 0:
        return window
    first = int(found[1])
    ends = [] if window.limit is None else [window.offset + window.limit]
    if found[2] is not None:
        if int(found[2]) < first:
            raise _not_satisfiable(
                "The lower boundary must be lower than or equal to the upper boundary in the Range header."
            )
        ends.append(int(found[2]) + 1)
    offset = max(first, window.offset)
    return Window(max(0, min(ends) - offset) if ends else None, offset)


def check_limit(window: Window) -> None:
    """Raise for a negative limit."""
    if window.limit is not None and window.limit < 0:
        raise _not_satisfiable("Limit should be greater than or equal to zero.")


def _not_satisfiable(details: str) -> RestError:
    return RestError("PGRST103", "Requested range not satisfiable", details=details)
