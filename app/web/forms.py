"""Base form: the CSRF token, refusals beside their fields, and the HTTP status of a returned form.

Trust boundary: form fields are untrusted input. The token proves that a form of this app was filled in under
the present session; the check runs before the gatekeeper, so a forged request learns nothing about it.
The gatekeeper renews the secret at every sign-in, which invalidates earlier tokens. A returned form keeps
what was typed, never passwords.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, ParamSpec, TypeVar

from flask import Flask, Response, g, make_response, render_template, request
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType
from wtforms import BooleanField, Field, ValidationError

from app.errors import AppError, log_error
from app.web.filters import wait_words

P = ParamSpec("P")
R = TypeVar("R")

# A form may stay open for a working day; afterwards it is returned filled in, to be sent once more.
TOKEN_LIFE_SECONDS = 8 * 3600
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
TOKEN_FIELD = (Markup('<input type="hidden" name="csrf_token" value="'), Markup('">'))
SUBMIT_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})

STALE_FORM = (
    "This form was open for too long, or you signed in or out in another window. Nothing was saved: check it "
    "and send it again. If this comes back at once, allow cookies for this site."
)

csrf = CSRFProtect()


def register(app: Flask) -> None:
    """Require a form token of every request of an app that changes something."""
    app.config["WTF_CSRF_TIME_LIMIT"] = TOKEN_LIFE_SECONDS
    # flask_signet.origin checks where a request comes from; privacy tools remove the Referer.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    # The last key signs, all are accepted: a new SECRET_KEY does not invalidate open forms.
    app.config["WTF_CSRF_SECRET_KEY"] = [
        *reversed(app.config["SECRET_KEY_FALLBACKS"]),
        app.config["SECRET_KEY"],
    ]
    csrf.init_app(app)
    app.add_template_global(form_token)


def form_token() -> Markup:
    """Return the hidden field with the form token, signed once per page."""
    if "form_token" not in g:
        g.form_token = TOKEN_FIELD[0] + generate_csrf() + TOKEN_FIELD[1]
    field: Markup = g.form_token
    return field


def form_checks_token(view: Callable[P, R]) -> Callable[P, R]:
    """Leave the token check to the view's form, which returns typed values when its token is out of date."""
    csrf.exempt(view)
    return view


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A form that lists its problems, those of its fields and the refusal of a service."""

    # Which field a refusal is about, by the error's code; a code that is not here is about the whole form.
    field_of_code: ClassVar[Mapping[str, str]] = {}

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Read the fields of an HTML form only; other bodies are refused before any field sees them."""

        def wrap_formdata(self, form: FlaskForm, formdata: object) -> MultiDict[str, str] | None:
            """Return the submitted fields, None for a GET; raise UnsupportedMediaType."""
            if request.method not in SUBMIT_METHODS:
                return None
            if request.mimetype not in FORM_TYPES and (request.mimetype or request.content_length):
                raise UnsupportedMediaType(f"not a form: {request.mimetype or 'no content type'}")
            return request.form

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.refusal: AppError | None = None
        self.reference = ""  # of the log line about a refusal that is a fault of the site

    def text(self, name: str) -> str:
        """Return the text of a field; empty when nothing was typed."""
        return self[name].data or ""

    def restore(self, fields: Mapping[str, str]) -> bool:
        """Fill in the fields of a draft; return whether there was one. An unchecked box is not sent."""
        if fields:
            for field in self._own_fields():
                value = fields.get(field.name, "")
                field.data = field.name in fields if isinstance(field, BooleanField) else value
        return bool(fields)

    def refuse(self, error: AppError) -> None:
        """Attach the error of a service, beside its field where `field_of_code` names one."""
        self.refusal = error
        reference = log_error(error)
        self.reference = reference if error.status >= 500 else ""
        if error.code in self.field_of_code:
            field = self[self.field_of_code[error.code]]
            field.errors = [*field.errors, error.message]

    def problems(self) -> list[tuple[str, str]]:
        """Return (field id, problem) pairs; the id is empty for a problem of the whole form."""
        found = [(field.id, str(text)) for field in self._own_fields() for text in field.errors[:1]]
        if self.csrf_token.errors:
            found.insert(0, ("", STALE_FORM))
        if self.refusal is not None and self.refusal.code not in self.field_of_code:
            found.insert(0, ("", self.refusal.message))
        return found

    @property
    def next_step(self) -> str:
        """The next step after the refusal."""
        if self.refusal is None:
            return ""
        return wait_words(self.refusal.retry_after) if self.refusal.retry_after else self.refusal.hint

    @property
    def status(self) -> int:
        """The HTTP status of the page with this form: 422 for rejected input, the refusal's own otherwise."""
        if self.refusal is not None and self.refusal.status != 400:
            return self.refusal.status
        return 422 if self.problems() else 200

    def _own_fields(self) -> list[Field]:
        return [field for field in self if field.id != "csrf_token"]


def render_form(template: str, form: Form, **context: object) -> Response:
    """Render a page around a form with the form's status, and Retry-After where a limit was reached."""
    response = make_response(render_template(template, form=form, **context), form.status)
    if form.refusal is not None and form.refusal.retry_after:
        response.headers["Retry-After"] = str(form.refusal.retry_after)
    return response


def strip(text: str | None) -> str | None:
    """Remove blanks around a typed text."""
    return text.strip() if text else text


def usable_text(_form: object, field: Field) -> None:
    """Refuse control characters: no name or address needs one, and PostgreSQL stores no NUL."""
    if any(ord(character) < 32 or ord(character) == 127 for character in field.data or ""):
        raise ValidationError(f"{field.label.text} contains a character that cannot be used.")


def at_most(count: int) -> Callable[[object, Field], None]:
    """Return a validator for a maximal length in characters; its message states the actual length."""

    def check(_form: object, field: Field) -> None:
        length = len(field.data or "")
        if length > count:
            raise ValidationError(
                f"{field.label.text} must have at most {count} characters; this has {length}."
            )

    return check
