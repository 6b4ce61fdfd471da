"""Forms of the auth pages; password rules are stated before the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from wtforms import EmailField, Field, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Regexp, ValidationError

from app.web.forms import Form, at_most, strip, usable_text

MIN_PASSWORD_CHARACTERS = 8
MAX_PASSWORD_BYTES = 72  # bcrypt, which Auth uses, takes no more into account
PASSWORD_RULE = f"At least {MIN_PASSWORD_CHARACTERS} characters; a few words in a row are easy to remember."
EMAIL_MAX = 254  # RFC 5321 section 4.5.3.1, without the angle brackets

EMAIL_ATTRIBUTES = {
    "autocomplete": "username",
    "inputmode": "email",
    "autocapitalize": "none",
    "spellcheck": "false",
    "maxlength": str(EMAIL_MAX),
}


def acceptable_password(_form: object, field: Field) -> None:
    """Refuse a new password that is too short, or longer than bcrypt reads."""
    if len(field.data) < MIN_PASSWORD_CHARACTERS:
        raise ValidationError(f"The password must have at least {MIN_PASSWORD_CHARACTERS} characters.")
    if len(field.data.encode()) > MAX_PASSWORD_BYTES:
        raise ValidationError(
            f"The password must have at most {MAX_PASSWORD_BYTES} letters or digits; "
            "other characters count as two to four."
        )


def email_field() -> EmailField:
    """Return the e-mail field that every form here uses."""
    return EmailField(
        "E-mail address",
        filters=[strip],
        validators=[
            InputRequired("Enter your e-mail address."),
            usable_text,
            at_most(EMAIL_MAX),
            Regexp(r"[^@\s]+@[^@\s]+\Z", message="Enter an e-mail address like name@example.com."),
        ],
        render_kw=EMAIL_ATTRIBUTES,
    )


def new_password_field(label: str, missing: str) -> PasswordField:
    """Return the field for a new password."""
    return PasswordField(
        label,
        description=PASSWORD_RULE,
        validators=[InputRequired(missing), usable_text, acceptable_password],
        render_kw={
            "autocomplete": "new-password",
            "minlength": str(MIN_PASSWORD_CHARACTERS),
            "passwordrules": f"minlength: {MIN_PASSWORD_CHARACTERS}; maxlength: {MAX_PASSWORD_BYTES};",
        },
    )


class LogInForm(Form):
    """E-mail and password of an account that exists."""

    email = email_field()
    password = PasswordField(
        "Password",
        description=f"New here? Choose at least {MIN_PASSWORD_CHARACTERS} characters, then press Sign up.",
        validators=[InputRequired("Enter your password."), usable_text],
        render_kw={"autocomplete": "current-password"},
    )


class SignUpForm(Form):
    """E-mail and password of a new account."""

    field_of_code: ClassVar[Mapping[str, str]] = {
        "user_already_exists": "email",
        "email_address_invalid": "email",
        "validation_failed": "email",
        "weak_password": "password",
    }
    email = email_field()
    password = new_password_field("Password", "Choose a password.")


class ForgotForm(Form):
    """The address for the mail that allows to set a new password."""

    email = email_field()


class CodeForm(Form):
    """The six digits of a mail that was opened on another device."""

    field_of_code: ClassVar[Mapping[str, str]] = {"otp_expired": "code"}
    code = StringField(
        "Code from the mail",
        description="Six digits. Blanks do not matter.",
        filters=[lambda text: "".join(text.split()) if text else text],
        validators=[
            InputRequired("Enter the code."),
            Regexp(r"[0-9]{6,10}\Z", message="The code has six digits."),
        ],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"},
    )


class NewPasswordForm(Form):
    """A new password for the person who is signed in."""

    field_of_code: ClassVar[Mapping[str, str]] = {"weak_password": "password", "same_password": "password"}
    password = new_password_field("New password", "Choose a new password.")


class ConfirmForm(Form):
    """The button that redeems a mailed link, with the link's parameters as hidden fields."""

    token_hash = HiddenField()
    type = HiddenField()


class SignOutForm(Form):
    """No visible field; the value of the pressed button is the sign-out scope."""

    scope = HiddenField(default="local")


class AgainForm(Form):
    """No field; the address is that of the pending mail."""
