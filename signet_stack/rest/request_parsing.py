"""Read the WSGI environment (PEP 3333) into an ApiRequest, within size limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from wsgiref.types import WSGIEnvironment

from signet_stack.rest.errors import RestError
from signet_stack.rest.settings import RestSettings


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request; ``path`` (below ``prefix``) and ``query`` are raw, header names are in lower case."""

    method: str
    prefix: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, or the empty string."""
        return self.headers.get(name, "")


def read_request(environ: WSGIEnvironment, headers: Mapping[str, str], settings: RestSettings) -> ApiRequest:
    """Read a request; raise PGRST100 (414) or PGRST102 (413) if its address or body is too long."""
    path, query, limit = _raw_path(environ), _query(environ), settings.max_query_bytes
    if len(path) + len(query) > limit:
        hint = "Send long lists in the body of a function call"
        raise RestError("PGRST100", f"The address is longer than {limit} bytes", status=414, hint=hint)
    length, limit = int(environ.get("CONTENT_LENGTH") or 0), settings.max_body_bytes
    if length > limit:
        hint = "Send the rows in several requests"
        raise RestError("PGRST102", f"The body is longer than {limit} bytes", status=413, hint=hint)
    body = bytes(environ["wsgi.input"].read(length)) if length else b""
    return ApiRequest(environ["REQUEST_METHOD"], environ.get("SCRIPT_NAME", ""), path, query, headers, body)


def read_headers(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the headers, names in lower case."""
    headers = {
        name[5:].replace("_", "-").lower(): _as_utf8(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if content_type := environ.get("CONTENT_TYPE"):
        headers["content-type"] = content_type
    return headers


def _query(environ: WSGIEnvironment) -> str:
    """Return the query string without ``apikey=``, which may stand in for the header."""
    query = _as_utf8(environ.get("QUERY_STRING", ""))
    if "apikey=" not in query or environ.get("HTTP_APIKEY"):
        return query
    return "&".join(pair for pair in query.split("&") if not pair.startswith("apikey="))


def _as_utf8(text: str) -> str:
    """Decode text that WSGI passes as latin-1 (PEP 3333) as UTF-8."""
    return text.encode("latin-1").decode(errors="replace")


def _raw_path(environ: WSGIEnvironment) -> str:
    """Return the path as sent, still percent-encoded, without the mount prefix."""
    raw = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    prefix = str(environ.get("SCRIPT_NAME", ""))
    if raw.startswith(prefix + "/"):
        return raw[len(prefix) :]
    return str(environ.get("PATH_INFO", "")) or "/"
