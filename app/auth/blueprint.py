"""The blueprint of all pages about signing in, up and out; its views live in the modules beside."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("auth", __name__)
