"""A stranger guesses passwords at 20 a second: people with an account go on working, with and without limits.

python -m bench.limits [--seconds 60]

One ephemeral local stack per run, whose Auth sees one caller, as on a hosted project. The app is behind one
proxy, so that the stranger and the people come from different addresses. Counts: guesses that were tried and
those refused with 429 (by the app or by Auth), page views of a signed-in person that failed, and logins with
the right password from other addresses that failed.
"""

from __future__ import annotations

import argparse
import threading
import time

from flask.testing import FlaskClient

from app import create_app
from app.settings import Settings
from signet_stack.handle import LocalStack
from tests.support.markup import parse

SITE = "http://127.0.0.1:8000"
PASSWORD = "correct horse battery staple"
GUESSES_PER_SECOND = 20


def client_from(app, address: str) -> FlaskClient:  # type: ignore[no-untyped-def]
    client: FlaskClient = app.test_client()
    client.environ_base["HTTP_X_FORWARDED_FOR"] = address
    return client


def log_in(client: FlaskClient, email: str, password: str) -> int:
    page = parse(client.get("/login", base_url=SITE).text)
    token = page.find("main").find("input", name="csrf_token")["value"]
    form = {"email": email, "password": password, "csrf_token": token}
    return client.post("/login", base_url=SITE, data=form).status_code


def measure(settings: Settings, email: str, seconds: float) -> dict[str, int]:
    app = create_app(settings)
    counts = {
        "guesses": 0,
        "refused with 429": 0,
        "views failed": 0,
        "views": 0,
        "logins failed": 0,
        "logins": 0,
    }
    person = client_from(app, "192.0.2.2")
    assert log_in(person, email, PASSWORD) == 303
    ends_at = time.monotonic() + seconds
    lock = threading.Lock()

    def guess() -> None:
        stranger = client_from(app, "192.0.2.1")
        while time.monotonic() < ends_at:
            started = time.monotonic()
            status = log_in(stranger, email, "a wrong guess")
            with lock:
                counts["guesses"] += 1
                counts["refused with 429"] += status == 429
            time.sleep(max(0.0, 2 / GUESSES_PER_SECOND - (time.monotonic() - started)))

    threads = [threading.Thread(target=guess) for _ in range(2)]
    for thread in threads:
        thread.start()
    number = 0
    while time.monotonic() < ends_at:
        counts["views"] += 1
        counts["views failed"] += person.get("/profile", base_url=SITE).status_code != 200
        if counts["views"] % 10 == 0:
            number += 1
            counts["logins"] += 1
            counts["logins failed"] += (
                log_in(client_from(app, f"198.51.100.{number}"), email, PASSWORD) != 303
            )
        time.sleep(0.5)
    for thread in threads:
        thread.join()
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    for name, uri in (("without limits", None), ("with limits", "memory://")):
        with LocalStack() as stack:
            stack.apply_migrations("migrations")
            stack.create_user("ada@example.com", PASSWORD)
            stack.change_auth_settings(rate_limit_header="apikey")  # one caller: the site, as Auth sees it
            settings = Settings(
                supabase_url=stack.url,
                publishable_key=stack.publishable_key,
                issuer=f"{stack.url}/auth/v1",
                site_url=SITE,
                secret_key="k" * 40,
                trusted_proxies=1,
                ratelimit_storage_uri=uri,
            )
            print(name, measure(settings, "ada@example.com", seconds), flush=True)


if __name__ == "__main__":
    main()
