"""The request body: JSON, a form or CSV in, one JSON text and its keys out.

The text itself goes to PostgreSQL, which gives every value its type. Here it is only checked: that it is
JSON, not nested too deeply, and that all rows have the same keys.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NoReturn

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.query_params import split_pairs

MAX_DEPTH = 64
INVALID = "Empty or invalid json"
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]')


@dataclass(frozen=True, slots=True)
class Payload:
    """Rows (or arguments) as JSON text; ``keys`` in the order of the first row, None where not inspected."""

    text: str
    is_array: bool
    keys: tuple[str, ...]


def parse_body(body: bytes, content_type: str, columns: tuple[str, ...] | None) -> Payload:
    """Read the rows of a write; ``columns`` says which keys count, and then the rows may differ."""
    kind = media_type(content_type)
    if kind == "application/json":
        return parse_json_payload(decode(body), columns)
    if kind == "application/x-www-form-urlencoded":
        row = dict(split_pairs(decode(body)))
        return Payload(json.dumps(row), False, columns or tuple(row))
    if kind == "text/csv":
        return _csv_payload(decode(body), columns)
    raise RestError("PGRST102", f"Content-Type not acceptable: {content_type}")


def media_type(content_type: str) -> str:
    """Return the type without its parameters; JSON where none is given."""
    return content_type.partition(";")[0].strip().lower() or "application/json"


def decode(body: bytes) -> str:
    """Decode UTF-8 or raise."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise RestError("PGRST102", INVALID) from None


def parse_json(text: str) -> Any:
    """Parse strict JSON within the depth limit or raise."""
    try:
        # Numbers stay text: only the structure matters here, and a long number costs nothing.
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise RestError("PGRST102", INVALID) from None
    _check_depth(text)
    return value


def parse_json_payload(text: str, columns: tuple[str, ...] | None) -> Payload:
    """Read rows or arguments; without ``columns`` all rows need the same keys, and a scalar is no row."""
    if columns is not None:
        _check_depth(text)
        return Payload(text, text.lstrip(" \t\r\n")[:1] == "[", columns)
    value = parse_json(text)
    if isinstance(value, dict):
        return Payload(text, False, tuple(value))
    if not isinstance(value, list):
        return Payload("[]", True, ())
    keys = tuple(value[0]) if value and isinstance(value[0], dict) else ()
    if not all(isinstance(row, dict) and row.keys() == set(keys) for row in value):
        raise RestError("PGRST102", "All object keys must match")
    return Payload(text, True, keys)


def _csv_payload(text: str, columns: tuple[str, ...] | None) -> Payload:
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (ValueError, csv.Error):
        raise RestError("PGRST102", "Empty or invalid CSV") from None
    if any(len(row) != len(header) for row in rows):
        raise RestError("PGRST102", "All lines must have same number of fields")
    nulls = ([None if value == "NULL" else value for value in row] for row in rows)
    values = [dict(zip(header, row, strict=True)) for row in nulls]
    return Payload(json.dumps(values), True, columns or tuple(header))


def _check_depth(text: str) -> None:
    """Raise if JSON is nested deeper than MAX_DEPTH; brackets inside strings do not count."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    steps = {"[": 1, "{": 1, "]": -1, "}": -1}
    if max(accumulate(steps.get(token, 0) for token in _TOKENS.findall(text)), default=0) > MAX_DEPTH:
        raise RestError("PGRST102", f"JSON nested deeper than {MAX_DEPTH} levels")


def refuse_constant(_name: str) -> NoReturn:
    """Refuse NaN and the infinities, which Python reads and JSON has not."""
    raise ValueError
