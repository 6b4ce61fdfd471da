"""CPU time of a signed-in page against a bare Flask page, in one process.

python -m bench.pages [--requests 300] [--rounds 7]

Each page's baseline renders the same templates in a Flask app without session, gatekeeper, hooks or form
tokens. The profile's form is built once beforehand, and its baseline makes the same data API call by the same
client. Prints the medians of CPU milliseconds per request, and their ratio with its spread over the rounds.
The stack is another process.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from flask import Flask, g, render_template, request
from flask.testing import FlaskClient
from markupsafe import Markup

from app import create_app
from app.profiles.forms import ProfileForm
from app.settings import Settings
from app.web import assets, filters
from flask_signet.clients import user_client
from flask_signet.gatekeeper import Identity, current_identity
from signet_stack.handle import LocalStack
from tests.support.markup import parse

SITE = "http://127.0.0.1:8000"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"


def cpu_ms(visits: Sequence[Callable[[], object]], requests: int) -> list[float]:
    """Return the CPU milliseconds of each visit, taken in turns so that a slow moment meets all alike."""
    spent = [0.0] * len(visits)
    for _ in range(requests):
        for number, visit in enumerate(visits):
            started = time.process_time()
            visit()
            spent[number] += time.process_time() - started
    return [seconds / requests * 1000 for seconds in spent]


def signed_in_client(app: Flask) -> FlaskClient:
    client = app.test_client()
    page = parse(client.get("/login", base_url=SITE).text)
    token = page.find("main").find("input", name="csrf_token")["value"]
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", base_url=SITE, data=form).status_code == 303
    client.get("/", base_url=SITE)  # shows the message of the login
    return client


def identity_and_cookies(client: FlaskClient) -> tuple[Identity, dict[str, str]]:
    with client:
        client.get("/", base_url=SITE)
        identity, cookies = current_identity(), request.cookies.to_dict()
    assert identity is not None
    return identity, cookies


def bare_pages(app: Flask, identity: Identity, form: ProfileForm, read: Callable[[], object]) -> FlaskClient:
    """Render both pages' own templates in a Flask app without session, hooks or form tokens."""
    bare = Flask("bare", template_folder=f"{app.root_path}/templates", static_folder=app.static_folder)
    bare.extensions["settings"] = app.extensions["settings"]
    assets.register(bare, is_development=False)
    filters.register(bare)
    field = Markup('<input type="hidden" name="csrf_token" value="token">')
    bare.jinja_env.globals.update(form_token=lambda: field, get_flashed_messages=lambda **_: [])
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in ("static", "pages.home", "profiles.show"):
            bare.add_url_rule(rule.rule, rule.endpoint, lambda **_: "")

    @bare.get("/", endpoint="pages.home")
    def home() -> str:
        g.gatekeeper_ms = 0.1
        return render_template("pages/home.html", identity=identity)

    @bare.get("/profile", endpoint="profiles.show")
    def profile() -> str:
        read()
        return render_template("profiles/show.html", identity=identity, form=form, profile=None)

    return bare.test_client()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with LocalStack() as stack:
        stack.apply_migrations("migrations")
        stack.create_user(EMAIL, PASSWORD)
        app = create_app(
            Settings(
                supabase_url=stack.url,
                publishable_key=stack.publishable_key,
                issuer=f"{stack.url}/auth/v1",
                site_url=SITE,
                secret_key="k" * 40,
            )
        )
        client = signed_in_client(app)
        identity, cookies = identity_and_cookies(client)

        def read() -> None:
            with app.app_context():
                user_client(identity).rpc("my_profile", get=True).execute()

        with app.test_request_context("/profile", base_url=SITE):
            form = ProfileForm()
        baseline = bare_pages(app, identity, form, read)
        for name, value in cookies.items():  # the same request, though the bare app reads no cookie
            baseline.set_cookie(name, value, domain="127.0.0.1")
        for path in ("/", "/profile"):
            same = (
                client.get(path, base_url=SITE).text.count("<"),
                baseline.get(path, base_url=SITE).text.count("<"),
            )
            assert same[0] == same[1], f"the baseline of {path} has other markup"
            visits = (partial(client.get, path, base_url=SITE), partial(baseline.get, path, base_url=SITE))
            rounds = [cpu_ms(visits, options.requests) for _ in range(options.rounds)]
            ours, bare = zip(*rounds, strict=True)
            ratios = [a / b for a, b in rounds]
            print(
                f"{path:9} {statistics.median(ours):.2f} ms, bare {statistics.median(bare):.2f} ms, "
                f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
