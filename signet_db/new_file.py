"""Make a new migration file: a version that sorts last, a name that every file system takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from signet_db.errors import FileRefused
from signet_db.files import FILE_NAME
from signet_db.place import shown_path

_EMPTY = "-- {name}\n\n"


def create(folder: Path, name: str, now: datetime, text: str | None = None) -> Path:
    """Write ``<14 digits>_<name>.sql`` into the folder and return its path; raises FileRefused."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not slug:
        raise FileRefused(
            f"“{name}” holds no letter or digit to name a file with.",
            hint="Say what the migration does:  flask db new add_notes",
        )
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_next_version(folder, now)}_{slug}.sql"
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(_EMPTY.format(name=slug.replace("_", " ").capitalize()) if text is None else text)
    except OSError as error:
        raise FileRefused(
            f"{shown_path(path)} cannot be written: {error.strerror}.",
            hint="Check the folder and its permissions.",
        ) from error
    return path


def _next_version(folder: Path, now: datetime) -> str:
    """Return the time as 14 digits in UTC, or one more than the newest file where a clock was ahead."""
    version = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    matches = (FILE_NAME.fullmatch(path.name) for path in folder.iterdir())
    newest = max((match["version"] for match in matches if match), default="")
    return version if version > newest else str(int(newest) + 1).zfill(len(newest))
