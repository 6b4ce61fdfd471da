"""Content negotiation: the representation for an Accept header (RFC 9110 section 12)."""

from __future__ import annotations

from dataclasses import dataclass

from signet_stack.rest.errors import RestError

OBJECT = ("application/vnd.pgrst.object+json", "application/vnd.pgrst.object")
ARRAY = ("application/vnd.pgrst.array+json", "application/vnd.pgrst.array")
PLAN = "application/vnd.pgrst.plan"
PLAN_OPTIONS = ("analyze", "verbose", "settings", "buffers", "wal")


@dataclass(frozen=True, slots=True)
class Media:
    """One representation: how the body is made, and its Content-Type."""

    kind: str  # "array", "object", "csv" or "openapi"
    content_type: str
    strips_nulls: bool = False
    plan_format: str | None = None  # "text" or "json": show how the statement would run instead
    plan_options: tuple[str, ...] = ()


JSON = Media("array", "application/json; charset=utf-8")
CSV = Media("csv", "text/csv; charset=utf-8")
OPENAPI = Media("openapi", "application/openapi+json; charset=utf-8")


def negotiate(accept: str, *, plan_enabled: bool = False) -> Media:
    """Return the first acceptable representation of rows; raise where there is none."""
    for media_type, parameters in _ranked(accept):
        if plan_enabled and media_type in (PLAN, f"{PLAN}+text", f"{PLAN}+json"):
            media = _plan(media_type, parameters)
        else:
            media = _representation(media_type, strips=parameters.get("nulls") == "stripped")
        if media:
            return media
    raise _none_available(accept)


def negotiate_root(accept: str) -> Media:
    """Return the representation of the API's own description."""
    if any(kind in ("*/*", "application/json", "application/openapi+json") for kind, _ in _ranked(accept)):
        return OPENAPI
    raise _none_available(accept)


def _representation(media_type: str, *, strips: bool) -> Media | None:
    suffix = ";nulls=stripped; charset=utf-8" if strips else "; charset=utf-8"
    if media_type in ("*/*", "application/json") or (media_type in ARRAY and not strips):
        return JSON
    for kind, names in (("array", ARRAY), ("object", OBJECT)):
        if media_type in names:
            return Media(kind, names[0] + suffix, strips)
    return CSV if media_type == "text/csv" else None


def _plan(media_type: str, parameters: dict[str, str]) -> Media | None:
    explained = parameters.get("for", "application/json").strip('"')
    inner = _representation(explained, strips=False)
    if inner is None:
        return None
    plan_format = "json" if media_type.endswith("+json") else "text"
    options = tuple(word for word in parameters.get("options", "").split("|") if word in PLAN_OPTIONS)
    shown = f"; options={'|'.join(options)}" if options else ""
    content_type = f'{PLAN}+{plan_format}; for="{explained}"{shown}; charset=utf-8'
    return Media(inner.kind, content_type, inner.strips_nulls, plan_format, options)


def _ranked(accept: str) -> list[tuple[str, dict[str, str]]]:
    """Split the header; the highest quality comes first, and what has none in the order given."""
    found = []
    for part in accept.split(",") if accept.strip() else ["*/*"]:
        media_type, *rest = (piece.strip() for piece in part.split(";"))
        found.append((media_type.lower(), dict(piece.split("=", 1) for piece in rest if "=" in piece)))
    return sorted(found, key=lambda entry: -_quality(entry[1].get("q", "1")))


def _quality(text: str) -> float:
    try:
        return max(0.0, min(1.0, float(text)))
    except ValueError:
        return 1.0


def _none_available(accept: str) -> RestError:
    return RestError("PGRST107", f"None of these media types are available: {accept}")
