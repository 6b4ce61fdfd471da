"""Static files: URLs with a content digest, and Subresource Integrity."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app, request

EXTENSION = "assets"
FOLDER = Path(__file__).parent.parent / "static"


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file; ``version`` and ``integrity`` are digests of its content."""

    name: str
    version: str
    integrity: str  # Subresource Integrity (W3C)

    @property
    def url(self) -> str:
        # Written out: `url_for` costs more than the rest of a template's line, and every page has four.
        return f"{request.root_path}{current_app.static_url_path}/{self.name}?v={self.version}"


class Assets:
    """The static files of an app, each read once per process; in development again when it was modified."""

    def __init__(self, folder: Path = FOLDER, *, is_development: bool = True) -> None:
        self._folder = folder
        self._is_development = is_development
        self._found: dict[str, tuple[int, Asset]] = {}

    def get(self, name: str) -> Asset:
        """Return a file of the folder; raise FileNotFoundError."""
        known = self._found.get(name)
        if known is not None and not self._is_development:
            return known[1]
        modified_ns = os.stat(f"{self._folder}/{name}").st_mtime_ns
        if known is None or known[0] != modified_ns:
            self._found[name] = known = (modified_ns, _read(self._folder / name, name))
        return known[1]

    def is_current_version(self, name: str, version: str) -> bool:
        """Whether a version is that of the file's content."""
        try:
            return self.get(name).version == version
        except (OSError, ValueError):
            return False


def _read(path: Path, name: str) -> Asset:
    digest = hashlib.sha384(path.read_bytes()).digest()
    return Asset(name, digest[:8].hex(), f"sha384-{base64.b64encode(digest).decode()}")


def register(app: Flask, *, is_development: bool = True) -> None:
    """Add the function ``asset`` to the templates of an app."""
    app.extensions[EXTENSION] = found = Assets(is_development=is_development)
    app.jinja_env.globals["asset"] = found.get


def is_current_version(name: str, version: str) -> bool:
    """Whether a version is that of a static file of the current app."""
    found: Assets = current_app.extensions[EXTENSION]
    return found.is_current_version(name, version)
