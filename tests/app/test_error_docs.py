"""docs/errors.md says what the tables say; a failing test prints the line that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import AppError
from app.service_errors.auth_codes import AUTH_WORDS
from app.service_errors.data_api_codes import CLASS_WORDS, PGRST_WORDS, SQLSTATE_WORDS
from app.service_errors.words import Words
from app.web.error_pages import HTTP_WORDS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()


def row(service_code: str, words: Words) -> str:
    """Return the line of the document for one row of a table."""
    code = words.code or service_code
    return f"| `{service_code}` | `{code}` | {words.kind.status} | {words.message} | {words.hint} |"


SERVICE_ROWS = [
    row(code, words)
    for table in (AUTH_WORDS, PGRST_WORDS, SQLSTATE_WORDS, CLASS_WORDS)
    for code, words in table.items()
]
HTTP_ROWS = [
    f"| {status} | `{code}` | {message} | {hint} |" for status, (code, message, hint) in HTTP_WORDS.items()
]
KIND_ROWS = [
    f"| `{kind.__name__}` | {kind.status} | `{kind.code}` |"
    for kind in AppError.__subclasses__()
    if kind.__module__ == AppError.__module__
]


@pytest.mark.parametrize("line", [*SERVICE_ROWS, *HTTP_ROWS, *KIND_ROWS])
def test_the_document_has_the_line(line: str) -> None:
    assert line in DOCUMENT


def test_the_document_has_no_line_too_many() -> None:
    lines = [line for line in DOCUMENT.splitlines() if line.startswith("| `") and line.count("|") == 6]
    assert sorted(lines) == sorted(SERVICE_ROWS)
