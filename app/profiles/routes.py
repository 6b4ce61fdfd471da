"""Your profile, and the people who made theirs public. All closed: the gatekeeper knows who asks."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask import render_template as render
from werkzeug import Response

from app.errors import AppError
from app.profiles import store
from app.profiles.forms import DeleteForm, ProfileForm
from app.web.closed_views import see_out, signed_in
from app.web.csrf import form_checks_token
from app.web.forms import render_form
from app.web.headers import allow_remote_images
from app.web.messages import (
    NOTHING_SAVED,
    PROFILE_CREATED,
    PROFILE_DELETED,
    PROFILE_SAVED,
    PROFILE_WAS_GONE,
    say,
)
from flask_signet.gatekeeper import Identity

bp = Blueprint("profiles", __name__)

# What an ended session meets, because the policies show it nothing.
HIDES_ROWS = frozenset({"refused_by_policy", "profile_changed"})


@bp.route("/profile", methods=["GET", "POST"])
@form_checks_token
def show() -> Response:
    """Show the profile of whoever is signed in, and save it."""
    if request.method == "POST":
        return _submitted(signed_in(), ProfileForm())
    me = signed_in()
    profile = store.find_own(me)
    if profile is None and not store.session_lives(me):
        return see_out()
    return _page(ProfileForm(obj=profile), profile)


@bp.route("/profile/delete", methods=["GET", "POST"])
@form_checks_token
def delete() -> Response:
    """Ask first, then delete the profile."""
    form = DeleteForm()
    if form.validate_on_submit():
        try:
            say(PROFILE_DELETED if store.delete(signed_in()) else PROFILE_WAS_GONE)
            return redirect(url_for("profiles.show"), 303)
        except AppError as error:
            form.refuse(error)
    return render_form("profiles/delete.html", form)


@bp.get("/people")
def people() -> str | Response:
    """List the profiles that other people made public."""
    page = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    me = signed_in()
    profiles, has_more = store.list_public(me, page)
    if not profiles and not store.session_lives(me):
        return see_out()
    allow_remote_images()
    return render("profiles/people.html", profiles=profiles, page=page, has_more=has_more)


def _submitted(me: Identity, form: ProfileForm) -> Response:
    """Save what was sent, or bring it back with what stands in the way."""
    try:
        return _save(me, form) if form.validate() else _page(form, store.find_own(me))
    except AppError as error:
        current = error.current if isinstance(error, store.ProfileChanged) else None
        if current is None and error.code in HIDES_ROWS and not store.session_lives(me):
            response = see_out()
            say(NOTHING_SAVED)
            return response
        if isinstance(error, store.ProfileChanged):
            # The next press of the button means: I have seen what is stored now.
            form.version.data = current.version if current else ""
        form.refuse(error)
        return _page(form, current, conflict=current)


def _save(me: Identity, form: ProfileForm) -> Response:
    if version := form.text("version"):
        store.change(me, form.entry(), version)
        say(PROFILE_SAVED)
    else:
        store.create(me, form.entry())
        say(PROFILE_CREATED)
    return redirect(url_for("profiles.show"), 303)


def _page(form: ProfileForm, profile: store.Profile | None, **context: object) -> Response:
    allow_remote_images()
    return render_form("profiles/show.html", form, profile=profile, **context)
