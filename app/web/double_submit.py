"""WSGI middleware for double submits: a repeated form gets the response of the first, once.

A double click sends the same form twice, and the browser shows the second response. A mailed link works
once, so without this the second response would be an error although the first succeeded. Requests with equal
cookies, path and body share one response while it is made, and a redirect for REMEMBER_SECONDS more. The
cookies contain the form token's secret, so only the same browser matches. Responses are shared within one
process; with JavaScript the form is sent once anyway.
"""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REMEMBER_SECONDS = 10
WAIT_SECONDS = 20  # for the first response; after that the request is served on its own
MAX_ENTRIES = 256
MAX_BODY_BYTES = 64 * 1024
KEY_FIELDS = (
    "HTTP_HOST",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_COOKIE",
    "HTTP_ORIGIN",
    "HTTP_SEC_FETCH_SITE",
    "HTTP_ACCEPT",
)
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(slots=True)
class _Submit:
    """A submitted form: its response as soon as it is complete."""

    done: threading.Event = field(default_factory=threading.Event)
    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    forgotten_at: float = float("inf")  # monotonic seconds


class DoubleSubmit:
    """Wraps a WSGI app; ``monotonic`` gives seconds."""

    def __init__(self, wsgi_app: WSGIApplication, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wsgi_app = wsgi_app
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._submits: OrderedDict[bytes, _Submit] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        key = _key(environ)
        if key is None:
            return self._wsgi_app(environ, start_response)
        submit, is_first = self._enter(key)
        if is_first:
            self._serve(environ, key, submit)
        elif not submit.done.wait(WAIT_SECONDS) or not submit.status:
            return self._wsgi_app(environ, start_response)
        start_response(submit.status, list(submit.headers))
        return submit.body

    def _enter(self, key: bytes) -> tuple[_Submit, bool]:
        now = self._monotonic()
        with self._lock:
            found = self._submits.get(key)
            if found is not None and now < found.forgotten_at:
                return found, False
            self._submits[key] = submit = _Submit()
            self._submits.move_to_end(key)
            while len(self._submits) > MAX_ENTRIES:
                self._submits.popitem(last=False)
            return submit, True

    def _serve(self, environ: WSGIEnvironment, key: bytes, submit: _Submit) -> None:
        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], object]:
            submit.status, submit.headers = status, headers
            return submit.body.append

        try:
            parts = self._wsgi_app(environ, start)
            submit.body.extend(parts)
            if close := getattr(parts, "close", None):
                close()
        except BaseException:
            submit.status = ""
            raise
        finally:
            is_redirect = submit.status.startswith("3")
            with self._lock:
                submit.forgotten_at = self._monotonic() + REMEMBER_SECONDS * is_redirect
                if not is_redirect and self._submits.get(key) is submit:
                    del self._submits[key]
            submit.done.set()


def register(app: Flask) -> None:
    """Share the responses of double submits of an app's forms."""
    app.wsgi_app = DoubleSubmit(app.wsgi_app)  # type: ignore[method-assign]


def _key(environ: WSGIEnvironment) -> bytes | None:
    """Return the digest that equal submits share, None for a request that is not a form of a browser."""
    if environ["REQUEST_METHOD"] != "POST" or not environ.get("CONTENT_TYPE", "").startswith(FORM_TYPES):
        return None
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES or not environ.get("HTTP_COOKIE"):
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    digest = hashlib.sha256()
    for name in KEY_FIELDS:
        digest.update(environ.get(name, "").encode("latin-1", "replace") + b"\0")
    digest.update(body)
    return digest.digest()
