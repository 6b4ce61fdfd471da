import re
import time

import pytest

PATIENCE = 60  # seconds; only a hang reaches it


@pytest.fixture
def app(supabase_stack, monkeypatch):
    monkeypatch.setenv("SUPABASE_URL", supabase_stack.url)
    monkeypatch.setenv("SUPABASE_PUBLISHABLE_KEY", supabase_stack.publishable_key)
    monkeypatch.setenv("SITE_URL", "http://localhost:8000")
    monkeypatch.setenv("SECRET_KEY", "a-secret-key-of-more-than-32-bytes-for-tests")
    from minimal import app

    return app


def log_in(client, email, password):
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").text)
    form = {"email": email, "password": password, "csrf_token": token[1]}
    return client.post("/login", data=form)


def test_a_closed_page_leads_to_the_login_and_back(app, new_user):
    client, user = app.test_client(), new_user()
    assert client.get("/").headers["Location"].startswith("/login")
    assert "Invalid login credentials" in log_in(client, user.email, "wrong").text
    assert log_in(client, user.email, user.password).headers["Location"] == "/"
    assert client.get("/").text == f"Hello {user.email}"


def test_a_session_is_refreshed_before_its_token_expires(app, supabase_stack, new_user):
    supabase_stack.change_auth_settings(jwt_exp=4)
    client, user = app.test_client(), new_user()
    log_in(client, user.email, user.password)
    deadline = time.monotonic() + PATIENCE
    while "Set-Cookie" not in (page := client.get("/")).headers:  # the new tokens
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert page.text == f"Hello {user.email}"
