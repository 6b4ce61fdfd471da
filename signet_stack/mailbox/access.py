"""Access control of the mailbox: browsers by the token of the printed address, programs by the secret key.

Trust boundary: mails open accounts, and every account of the machine reaches loopback. The token follows from
the secret key, which only the owner of the data folder can read. A browser sends it once, in the address that
the terminal shows, and keeps it as a cookie; cookies ignore ports, so the cookie's name carries the port.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, jsonify, redirect, render_template, request
from werkzeug import Response as AnyResponse

from signet_stack.context import Context
from signet_stack.gateway import current_caller
from signet_stack.process.running import mailbox_token

PARAMETER = "token"
COOKIE_PATH = "/mailbox"
NEEDS_KEY = {
    "message": "The mailbox needs the secret API key",
    "hint": "Send it as the header apikey. `flask local status --show-secrets` shows it.",
}


def protect(app: Flask, context: Context) -> None:
    """Refuse requests to everything but the stylesheet without token, cookie or secret key."""
    token = mailbox_token(context.api_keys.secret)
    cookie = f"signet-mailbox-{urlsplit(context.api_url).port}"

    def is_token(text: str) -> bool:
        return hmac.compare_digest(text.encode(), token.encode())

    @app.before_request
    def check() -> AnyResponse | tuple[Response | str, int] | None:
        """Let the request pass, keep the token of its address as a cookie, or refuse it."""
        if request.endpoint == "static" or current_caller().role == "service_role":
            return None
        if is_token(request.args.get(PARAMETER, "")):
            response = redirect(_without_token(), 303)
            response.set_cookie(cookie, token, path=COOKIE_PATH, httponly=True, samesite="Lax")
            return response
        if is_token(request.cookies.get(cookie, "")):
            return None
        if request.path.startswith("/api/"):
            return jsonify(NEEDS_KEY), 401
        return render_template("mailbox/closed.html"), 401


def _without_token() -> str:
    """Return this request's address without the token, so that no history or referrer keeps it."""
    rest = request.args.copy()
    rest.pop(PARAMETER)
    query = urlencode(list(rest.items(multi=True)))
    return f"{request.script_root}{request.path}" + (f"?{query}" if query else "")
