"""Which representation the Accept header asks for (RFC 9110 section 12)."""

from __future__ import annotations

from dataclasses import dataclass

from devstack.rest.errors import RestError

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
        if media := _representation(media_type, parameters, plan_enabled):
            return media
    raise _none_available(accept)


def negotiate_root(accept: str) -> Media:
    """Return the representation of the API's own description."""
    for media_type, _ in _ranked(accept):
        if media_type in ("*/*", "application/json", "application/openapi+json"):
            return OPENAPI
    raise _none_available(accept)


def _representation(media_type: str, parameters: dict[str, str], plan_enabled: bool) -> Media | None:
    strips = parameters.get("nulls") == "stripped"
    suffix = ";nulls=stripped; charset=utf-8" if strips else "; charset=utf-8"
    if media_type in ("*/*", "application/json") or (media_type in ARRAY and not strips):
        return JSON
    if media_type in ARRAY:
        return Media("array", ARRAY[0] + suffix, strips)
    if media_type in OBJECT:
        return Media("object", OBJECT[0] + suffix, strips)
    if media_type == "text/csv":
        return CSV
    if media_type in (PLAN, f"{PLAN}+text", f"{PLAN}+json") and plan_enabled:
        return _plan(media_type, parameters)
    return None


def _plan(media_type: str, parameters: dict[str, str]) -> Media | None:
    explained = parameters.get("for", "application/json").strip('"')
    inner = _representation(explained, {}, plan_enabled=False)
    if inner is None:
        return None
    plan_format = "json" if media_type.endswith("+json") else "text"
    options = tuple(word for word in parameters.get("options", "").split("|") if word in PLAN_OPTIONS)
    shown = f"; options={'|'.join(options)}" if options else ""
    content_type = f'{PLAN}+{plan_format}; for="{explained}"{shown}; charset=utf-8'
    return Media(inner.kind, content_type, inner.strips_nulls, plan_format, options)


def _ranked(accept: str) -> list[tuple[str, dict[str, str]]]:
    """Split the header; the highest quality comes first, and what has none in the order given."""
    ranked: list[tuple[float, str, dict[str, str]]] = []
    for part in accept.split(",") if accept.strip() else ["*/*"]:
        media_type, *rest = (piece.strip() for piece in part.split(";"))
        parameters = dict(piece.split("=", 1) for piece in rest if "=" in piece)
        ranked.append((_quality(parameters.get("q", "1")), media_type.lower(), parameters))
    ranked.sort(key=lambda entry: -entry[0])
    return [(media_type, parameters) for _, media_type, parameters in ranked]


def _quality(text: str) -> float:
    try:
        return max(0.0, min(1.0, float(text)))
    except ValueError:
        return 1.0


def _none_available(accept: str) -> RestError:
    return RestError("PGRST107", f"None of these media types are available: {accept}")
