"""JSON request bodies: untrusted bytes in, fields of the expected type out.

Whatever the database could not store, or could not be read back, is refused here: NUL characters, numbers
beyond JSON, nesting without end.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from signet_stack.auth.errors import AuthError, bad_json, invalid

MAX_DEPTH = 32


class Body:
    """One JSON object. A field that is null counts as absent."""

    def __init__(self, raw: bytes) -> None:
        try:
            fields = json.loads(raw, parse_constant=_refuse)
        except RecursionError:  # how deep that is depends on the interpreter; too deep it is on each
            raise _too_deep() from None
        except ValueError:
            raise _not_parsed() from None
        if not isinstance(fields, dict):
            raise _not_parsed()
        self._fields = {name: _storable(value) for name, value in fields.items()}

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text field, empty when absent."""
        return str(self._field(name, str, ""))

    def optional_text(self, name: str) -> str | None:
        """Return a text field, None when absent."""
        return self.text(name) if self.has(name) else None

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean field."""
        return bool(self._field(name, bool, default))

    def mapping(self, name: str) -> dict[str, Any]:
        """Return an object field, empty when absent."""
        value = self._field(name, dict, {})
        return dict(value)

    def _field(self, name: str, kind: type, default: object) -> Any:
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise bad_json(f"Could not parse request body as JSON: {name} is of the wrong type")
        return value


def _storable(value: Any, depth: int = 1) -> Any:
    """Return a value that PostgreSQL and every reader can hold; raise AuthError for others."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        return {_storable(name): _storable(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, str):
        if "\0" in value:
            raise invalid("The request body must not contain NUL characters")
        # Half of a surrogate pair is no character; Go's reader replaces it, and so do we.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        raise _not_parsed()
    return value


def _too_deep() -> AuthError:
    return invalid(f"The request body is nested deeper than {MAX_DEPTH} levels")


def _not_parsed() -> AuthError:
    return bad_json("Could not parse request body as JSON")


def _refuse(_name: str) -> NoReturn:
    raise ValueError
