"""Errors of the lab's forms."""

from __future__ import annotations


class BadChoice(Exception):
    """Raised when a form names something that is not there; ``field`` is the form's field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
