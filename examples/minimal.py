import os

from flask import Flask, redirect, render_template, request
from flask_wtf import CSRFProtect
from markupsafe import escape
from supabase import AuthError, ClientOptions, create_client

from flask_signet import Gatekeeper, SessionTokens, current_identity, public, start_session

app = Flask(__name__)
for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SITE_URL", "SECRET_KEY"):
    app.config[name] = os.environ[name]
app.config["GATEKEEPER_LOGIN_ENDPOINT"] = "login"
CSRFProtect(app)
Gatekeeper(app)  # every view that is not public requires a session
app.add_url_rule("/", "home", lambda: f"Hello {escape(current_identity().email)}")


@app.route("/login", methods=["GET", "POST"])
@public
def login(error=""):
    if request.method == "POST":
        options = ClientOptions(auto_refresh_token=False, persist_session=False)
        client = create_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_PUBLISHABLE_KEY"], options)
        try:
            start_session(SessionTokens.of(client.auth.sign_in_with_password(request.form).session))
            return redirect("/", 303)
        except AuthError as refusal:
            error = refusal.message
    return render_template("login.html", error=error)
