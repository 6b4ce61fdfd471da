"""JSON read strictly: UTF-8, one object, no duplicate members, no NaN or Infinity.

Parsers differ in what they do with duplicate members (RFC 8259 section 4), so a token that has them means
different things to different readers, and is refused here.
"""

from __future__ import annotations

import json
from typing import Any


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in ``raw``; raise ValueError when there is anything else or anything more."""
    try:
        value = _decoder.decode(raw.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(value) is not dict:
        raise ValueError("not an object")
    return value
