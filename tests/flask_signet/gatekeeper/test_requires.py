"""`@requires`: a second factor, a recent proof or a role; words for browsers, codes for programs."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import pytest
from flask import Flask
from flask.views import MethodView

from flask_signet import bearer_only, public, requires
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app, signed_in

JSON = {"Accept": "application/json"}


def guarded(auth: FaultyAuth, clock: Clock | None = None, **changes: Any) -> Flask:
    """Return an app with a view for each requirement."""
    app = make_app(auth, clock, **changes)

    @app.route("/second", methods=["GET", "POST"])
    @requires(aal="aal2")
    def second() -> str:
        return "second"

    @app.get("/fresh")
    @requires(fresh=600)
    def fresh() -> str:
        return "fresh"

    @app.get("/admin")
    @requires(role="admin")
    def admin() -> str:
        return "admin"

    @app.get("/all")
    @requires(aal="aal2", fresh=600, role="admin")
    def all_of_them() -> str:
        return "all"

    @app.get("/api/second")
    @bearer_only
    @requires(aal="aal2")
    def api_second() -> str:
        return "second"

    @app.get("/step-up")
    def step_up() -> str:
        return "prove it"

    class Things(MethodView):
        decorators: ClassVar[Any] = [requires(role="admin")]

        def get(self) -> str:
            return "things"

    app.add_url_rule("/things", view_func=Things.as_view("things"))
    return app


def proofs(*methods: str, age: int = 0) -> list[dict[str, Any]]:
    return [{"method": method, "timestamp": int(time.time()) - age} for method in methods]


def test_a_second_factor_opens_the_view(auth: FaultyAuth) -> None:
    app = guarded(auth)
    assert signed_in(app, auth.sign_in(aal="aal2")).get("/second").text == "second"
    response = signed_in(app, auth.sign_in()).get("/second", headers=JSON)
    assert response.status_code == 403
    assert response.json["code"] == "aal2_required"
    assert response.json["hint"]
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_user_authentication", acr_values="aal2"'
    )
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_proof_is_fresh_for_the_seconds_given(auth: FaultyAuth) -> None:
    clock = Clock.stopped()
    app = guarded(auth, clock)
    client = signed_in(app, auth.sign_in(amr=proofs("password")))
    clock.offset += 599
    assert client.get("/fresh").status_code == 200
    clock.offset += 5
    response = client.get("/fresh", headers=JSON)
    assert response.status_code == 403
    assert response.json["code"] == "fresh_login_required"
    assert response.headers["WWW-Authenticate"].endswith("max_age=600")


def test_a_refresh_makes_no_proof_fresh(auth: FaultyAuth) -> None:
    app = guarded(auth)
    amr = [*proofs("token_refresh"), *proofs("password", age=1000)]
    assert signed_in(app, auth.sign_in(amr=amr)).get("/fresh", headers=JSON).status_code == 403
    assert signed_in(app, auth.sign_in(amr=[])).get("/fresh", headers=JSON).status_code == 403


@pytest.mark.parametrize("path", ["/admin", "/things"])
def test_a_role_opens_the_view_also_of_a_class(auth: FaultyAuth, path: str) -> None:
    app = guarded(auth)
    assert signed_in(app, auth.sign_in(app_metadata={"role": "admin"})).get(path).status_code == 200
    assert signed_in(app, auth.sign_in(user_role="admin")).get(path).status_code == 200
    response = signed_in(app, auth.sign_in(user_metadata={"role": "admin"})).get(path, headers=JSON)
    assert response.status_code == 403
    assert response.json["code"] == "role_required"


def test_all_requirements_must_hold_and_the_role_is_checked_first(auth: FaultyAuth) -> None:
    app = guarded(auth)
    changes: list[tuple[dict[str, Any], str]] = [
        ({}, "role_required"),
        ({"user_role": "admin"}, "aal2_required"),
        ({"user_role": "admin", "aal": "aal2", "amr": proofs("totp", age=700)}, "fresh_login_required"),
    ]
    for claims, code in changes:
        assert signed_in(app, auth.sign_in(**claims)).get("/all", headers=JSON).json["code"] == code
    good = auth.sign_in(user_role="admin", aal="aal2", amr=proofs("totp"))
    assert signed_in(app, good).get("/all").status_code == 200


@pytest.mark.parametrize("is_closed", [True, False])
def test_without_a_session_the_login_page_comes_first(auth: FaultyAuth, is_closed: bool) -> None:
    client = guarded(auth, is_closed=is_closed).test_client()
    response = client.get("/second")
    assert (response.status_code, response.headers["Location"]) == (303, "/login?next=/second")
    assert client.get("/second", headers=JSON).status_code == 401


def test_browsers_go_to_the_step_up_page_and_come_back(auth: FaultyAuth) -> None:
    client = signed_in(guarded(auth, step_up_endpoint="step_up"), auth.sign_in(amr=[]))
    response = client.get("/second?tab=2")
    assert response.status_code == 303
    assert response.headers["Location"] == "/step-up?next=/second?tab%3D2&need=aal2_required"
    assert client.get("/fresh").headers["Location"] == "/step-up?next=/fresh&need=fresh_login_required"
    assert client.get("/second", headers=JSON).status_code == 403, "programs get the reason"
    assert client.get("/admin").status_code == 403, "no proof gives a role"


def test_a_form_comes_back_to_its_page_and_says_that_nothing_was_saved(auth: FaultyAuth) -> None:
    client = signed_in(guarded(auth, step_up_endpoint="step_up"), auth.sign_in())
    response = client.post("/second", headers={"Referer": "http://localhost/settings"})
    assert response.status_code == 303
    assert response.headers["Location"] == "/step-up?next=/settings&need=aal2_required"
    assert "Nothing was saved" in " ".join(client.get("/login").json["messages"])


def test_without_a_step_up_page_a_browser_gets_the_403(auth: FaultyAuth) -> None:
    response = signed_in(guarded(auth), auth.sign_in()).get("/second")
    assert response.status_code == 403
    assert "second step" in response.text


def test_a_bearer_token_is_asked_for_the_same_proof(auth: FaultyAuth) -> None:
    client = guarded(auth, step_up_endpoint="step_up").test_client()
    for pair, status in ((auth.sign_in(), 403), (auth.sign_in(aal="aal2"), 200)):
        response = client.get("/api/second", headers={"Authorization": f"Bearer {pair['access_token']}"})
        assert response.status_code == status
    assert client.get("/api/second").status_code == 401


def test_a_public_view_with_a_requirement_is_closed(auth: FaultyAuth) -> None:
    app = make_app(auth)

    @app.get("/odd")
    @public
    @requires(role="admin")
    def odd() -> str:
        return "odd"

    assert app.test_client().get("/odd").status_code == 303


def test_requirements_that_mean_nothing_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="needs aal, fresh or role"):
        requires()
    with pytest.raises(ValueError, match="only aal2"):
        requires(aal="aal1")  # type: ignore[arg-type]
