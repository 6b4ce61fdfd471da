"""One page, served in four ways; which one, the environment says (bench/gatekeeper.py starts it)."""

from __future__ import annotations

import os

import httpx
from flask import Flask, g, render_template_string, request

from flask_signet.gatekeeper import Gatekeeper, GatekeeperSettings, current_identity
from flask_signet.gatekeeper import verification as gatekeeper_verification
from tests.flask_signet.gatekeeper.gatekept import SECRET, SITE

PAGE = """<!doctype html><html lang="en"><title>Page</title><h1>Hello {{ name }}</h1>
<ul>{% for number in range(10) %}<li>Item {{ number }}</li>{% endfor %}</ul></html>"""
KIND = os.environ["BENCH_KIND"]
URL = os.environ["SUPABASE_URL"]

app = Flask(__name__)
app.config.update(SECRET_KEY=SECRET)

if KIND in ("guarded", "forgetful"):
    if KIND == "forgetful":
        gatekeeper_verification.CACHE_SIZE = 0
        gatekeeper_verification.VerifiedTokens.__init__.__defaults__ = (0,)
    settings = GatekeeperSettings(
        supabase_url=URL,
        publishable_key="sb_publishable_bench",
        site_url=SITE,
        secret_keys=(SECRET,),
        issuer=f"{URL}/auth/v1",
    )
    Gatekeeper(app, settings)
if KIND == "get_user":
    auth = httpx.Client()

    @app.before_request
    def ask_auth() -> None:
        """Do what the article does: ask Auth on every request."""
        answer = auth.get(
            f"{URL}/auth/v1/user", headers={"Authorization": f"Bearer {request.cookies['sb-80']}"}
        )
        g.name = answer.json()["email"]


@app.get("/page")
def page() -> str:
    """Render the page."""
    identity = current_identity() if KIND in ("guarded", "forgetful") else None
    return render_template_string(PAGE, name=identity.email if identity else g.get("name", "nobody"))
