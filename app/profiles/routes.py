"""Views: your profile, and the public profiles of others. All require a session."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask import render_template as render
from werkzeug import Response

from app.errors import AppError
from app.profiles import store
from app.profiles.forms import DeleteForm, ProfileForm
from app.web.drafts import take_draft
from app.web.forms import form_checks_token, render_form
from app.web.headers import allow_remote_images
from app.web.messages import (
    DRAFT_RESTORED,
    PROFILE_CREATED,
    PROFILE_DELETED,
    PROFILE_SAVED,
    PROFILE_WAS_GONE,
    flash_message,
)
from app.web.session import signed_in_identity
from flask_signet.gatekeeper import Identity

bp = Blueprint("profiles", __name__)


@bp.route("/profile", methods=["GET", "POST"])
@form_checks_token
def show() -> Response:
    """Show and save the user's own profile."""
    if request.method == "POST":
        return _submitted(signed_in_identity(), ProfileForm())
    profile = store.find_own(signed_in_identity())
    form = ProfileForm(obj=profile)
    if form.restore(take_draft(request.path)):
        flash_message(DRAFT_RESTORED)
    return _page(form, profile)


@bp.route("/profile/delete", methods=["GET", "POST"])
@form_checks_token
def delete() -> Response:
    """Ask first, then delete the profile."""
    form = DeleteForm()
    if form.validate_on_submit():
        try:
            flash_message(PROFILE_DELETED if store.delete(signed_in_identity()) else PROFILE_WAS_GONE)
            return redirect(url_for("profiles.show"), 303)
        except AppError as error:
            form.refuse(error)
    return render_form("profiles/delete.html", form)


@bp.get("/people")
def people() -> str:
    """List the profiles that other people made public."""
    page = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    profiles, has_more = store.list_public(signed_in_identity(), page)
    allow_remote_images()
    return render("profiles/people.html", profiles=profiles, page=page, has_more=has_more)


def _submitted(me: Identity, form: ProfileForm) -> Response:
    """Save the form, or return it with its problems."""
    try:
        return _save(me, form) if form.validate() else _page(form, store.find_own(me))
    except AppError as error:
        current = error.current if isinstance(error, store.ProfileChanged) else None
        if isinstance(error, store.ProfileChanged):
            # The next submit acknowledges what is stored now.
            form.version.data = current.version if current else ""
        form.refuse(error)
        return _page(form, current, conflict=current)


def _save(me: Identity, form: ProfileForm) -> Response:
    if version := form.text("version"):
        store.change(me, form.entry(), version)
        flash_message(PROFILE_SAVED)
    else:
        store.create(me, form.entry())
        flash_message(PROFILE_CREATED)
    return redirect(url_for("profiles.show"), 303)


def _page(form: ProfileForm, profile: store.Profile | None, **context: object) -> Response:
    allow_remote_images()
    return render_form("profiles/show.html", form, profile=profile, **context)
