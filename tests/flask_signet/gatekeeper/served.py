"""The small app for gunicorn: which Auth server it trusts comes from the environment."""

from __future__ import annotations

import os

from flask import Flask

from flask_signet.gatekeeper import Gatekeeper, GatekeeperSettings
from tests.flask_signet.gatekeeper.gatekept import SECRET, SITE, add_pages

app = Flask(__name__)
app.config.update(SECRET_KEY=SECRET)
Gatekeeper(
    app,
    GatekeeperSettings(
        supabase_url=os.environ["SUPABASE_URL"],
        publishable_key="sb_publishable_test",
        site_url=SITE,
        secret_keys=(SECRET,),
        issuer=f"{os.environ['SUPABASE_URL']}/auth/v1",
    ),
)
add_pages(app)
