"""Static files: URLs with a content digest, and Subresource Integrity."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Flask, url_for

FOLDER = Path(__file__).parent.parent / "static"


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file; ``version`` and ``integrity`` are digests of its content."""

    name: str
    version: str
    integrity: str  # Subresource Integrity (W3C)

    @property
    def url(self) -> str:
        return url_for("static", filename=self.name, v=self.version)


def asset(name: str) -> Asset:
    """Return a file of the static folder; raise FileNotFoundError."""
    return _asset(name, (FOLDER / name).stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _asset(name: str, _modified_ns: int) -> Asset:
    digest = hashlib.sha384((FOLDER / name).read_bytes()).digest()
    return Asset(name, digest[:8].hex(), f"sha384-{base64.b64encode(digest).decode()}")


def is_current_version(name: str, version: str) -> bool:
    """Whether a version is that of the file's present content."""
    try:
        return asset(name).version == version
    except (OSError, ValueError):
        return False


def register(app: Flask) -> None:
    """Add the function ``asset`` to the templates of an app."""
    app.jinja_env.globals["asset"] = asset
