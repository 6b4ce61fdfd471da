"""The blueprint of all pages about one's own account; its views live in the modules beside."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("account", __name__)
