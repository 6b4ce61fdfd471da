"""One row of the tables of this package: which error a service's code becomes, and in which words."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import AppError


@dataclass(frozen=True, slots=True)
class Words:
    """The error for a code; without ``code`` it keeps the service's own."""

    kind: type[AppError]
    message: str
    hint: str = ""
    code: str = ""

    def error(self, service_code: str, detail: str, retry_after: int | None = None) -> AppError:
        """Return the error to raise."""
        code = self.code or service_code
        return self.kind(self.message, code=code, hint=self.hint, detail=detail, retry_after=retry_after)


def words_for(codes: str, words: Words) -> dict[str, Words]:
    """Return a part of a table: the same words for each of several codes, given with blanks between."""
    return dict.fromkeys(codes.split(), words)
