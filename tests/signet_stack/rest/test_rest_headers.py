"""The headers that steer the data API: Prefer, Accept, Range, and those that SQL code sets."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signet_stack.rest import cors
from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.trees import Window
from signet_stack.rest.media import negotiate, negotiate_root
from signet_stack.rest.plan.request import within_range
from signet_stack.rest.preferences import ALWAYS, CHOICES, parse_preferences
from signet_stack.rest.response import set_by_sql

ALL_KINDS = frozenset(CHOICES)


@pytest.mark.parametrize(
    ("header", "applied"),
    [
        ("", ""),
        ("return=minimal", "return=minimal"),
        ("count=exact, return=representation", "return=representation, count=exact"),
        ("return=minimal,return=representation", "return=minimal"),
        ("return=nonsense,return=minimal", "return=minimal"),
        (" resolution=merge-duplicates ,tx=rollback", "resolution=merge-duplicates, tx=rollback"),
        ("max-affected=3, handling=lenient", "handling=lenient, max-affected=3"),
        ("timezone=Europe/Berlin,missing=default", "missing=default, timezone=Europe/Berlin"),
        ("foo=bar, x, max-affected=-1, max-affected=many, timezone=", ""),
    ],
)
def test_the_first_valid_preference_of_a_kind_counts(header: str, applied: str) -> None:
    assert parse_preferences(header).applied(ALL_KINDS) == applied


def test_only_what_a_request_can_apply_is_applied() -> None:
    assert parse_preferences("return=minimal, count=exact").applied(ALWAYS) == "count=exact"


def test_strict_handling_refuses_what_is_unknown() -> None:
    with pytest.raises(RestError) as refused:
        parse_preferences("foo=bar, handling=strict, count=all")
    assert (refused.value.code, refused.value.status) == ("PGRST122", 400)
    assert refused.value.details == "Invalid preferences: foo=bar, count=all"


def test_max_affected_counts_with_strict_handling_only() -> None:
    assert parse_preferences("max-affected=5").max_affected is None
    assert parse_preferences("max-affected=5, handling=strict").max_affected == 5


@pytest.mark.parametrize(
    ("accept", "kind", "content_type"),
    [
        ("", "array", "application/json; charset=utf-8"),
        ("*/*", "array", "application/json; charset=utf-8"),
        ("text/html, */*;q=0.1", "array", "application/json; charset=utf-8"),
        ("Application/JSON", "array", "application/json; charset=utf-8"),
        ("text/csv", "csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.1, application/json;q=0.2", "array", "application/json; charset=utf-8"),
        ("text/csv;q=high, application/json", "csv", "text/csv; charset=utf-8"),
        ("application/vnd.pgrst.object", "object", "application/vnd.pgrst.object+json; charset=utf-8"),
        (
            "application/vnd.pgrst.object+json;nulls=stripped",
            "object",
            "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
        ),
        ("application/vnd.pgrst.array+json", "array", "application/json; charset=utf-8"),
        (
            "application/vnd.pgrst.array+json; nulls=stripped",
            "array",
            "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
        ),
    ],
)
def test_accept_chooses_the_representation(accept: str, kind: str, content_type: str) -> None:
    media = negotiate(accept)
    assert (media.kind, media.content_type) == (kind, content_type)
    assert media.strips_nulls == ("stripped" in content_type)


@pytest.mark.parametrize("accept", ["text/html", "application/geo+json", "application/vnd.pgrst.plan", ","])
def test_what_is_not_available_is_406(accept: str) -> None:
    with pytest.raises(RestError) as refused:
        negotiate(accept)
    assert (refused.value.code, refused.value.status) == ("PGRST107", 406)
    assert refused.value.message == f"None of these media types are available: {accept}"


@pytest.mark.parametrize(
    ("accept", "plan_format", "options", "content_type"),
    [
        ("application/vnd.pgrst.plan", "text", (), 'plan+text; for="application/json"; charset=utf-8'),
        (
            'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|verbose|nonsense',
            "json",
            ("analyze", "verbose"),
            'plan+json; for="text/csv"; options=analyze|verbose; charset=utf-8',
        ),
    ],
)
def test_a_plan_is_shown_where_that_is_enabled(
    accept: str, plan_format: str, options: tuple[str, ...], content_type: str
) -> None:
    media = negotiate(accept, plan_enabled=True)
    assert (media.plan_format, media.plan_options) == (plan_format, options)
    assert media.content_type == f"application/vnd.pgrst.{content_type}"


def test_a_plan_for_what_is_not_available_is_406() -> None:
    with pytest.raises(RestError):
        negotiate('application/vnd.pgrst.plan; for="text/html"', plan_enabled=True)


def test_the_root_has_one_representation() -> None:
    assert (
        negotiate_root("application/openapi+json").content_type == "application/openapi+json; charset=utf-8"
    )
    with pytest.raises(RestError):
        negotiate_root("text/csv")


@given(st.text())
def test_any_accept_header_is_understood_or_refused(accept: str) -> None:
    with suppress(RestError):
        negotiate(accept, plan_enabled=True)


@given(st.text())
def test_any_prefer_header_is_understood_or_refused(header: str) -> None:
    with suppress(RestError):
        parse_preferences(header)


@pytest.mark.parametrize(
    ("header", "window", "expected"),
    [
        ("0-1", Window(), Window(2, 0)),
        ("5-", Window(), Window(None, 5)),
        ("5-", Window(3, 0), Window(0, 5)),
        ("0-10", Window(3, 1), Window(3, 1)),
        ("2-3", Window(10, 3), Window(1, 3)),
        ("0-1", Window(0, 0), Window(0, 0)),
        ("-5", Window(4, 1), Window(4, 1)),
        ("items=0-1", Window(), Window()),
        ("", Window(), Window()),
    ],
)
def test_range_and_window_intersect(header: str, window: Window, expected: Window) -> None:
    assert within_range(window, header) == expected


@pytest.mark.parametrize(
    ("header", "window", "details"),
    [
        (
            "3-1",
            Window(),
            "The lower boundary must be lower than or equal to the upper boundary in the Range header.",
        ),
        ("", Window(-1), "Limit should be greater than or equal to zero."),
    ],
)
def test_a_window_that_cannot_be_is_416(header: str, window: Window, details: str) -> None:
    with pytest.raises(RestError) as refused:
        within_range(window, header)
    assert (refused.value.code, refused.value.status) == ("PGRST103", 416)
    assert refused.value.details == details


def test_sql_code_sets_headers_and_status() -> None:
    assert set_by_sql(b'[{"X-A": "1"}, {"Set-Cookie": "a"}, {"Set-Cookie": "b"}]', b"418") == (
        [("X-A", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b")],
        418,
    )
    assert set_by_sql(None, None) == ([], None)


@pytest.mark.parametrize(
    "headers",
    [b"x", b"{}", b"1", b'"x"', b'[{"a": 1}]', b'[{"a": "b", "c": "d"}]', b"[{}]", b"[1]", b'[{"": "x"}]',
     b'[{"a": "b\\r\\nSet-Cookie: c"}]', b'[{"a\\n": "b"}]', '[{"a": "é"}]'.encode(), b"[" * 5000],
)  # fmt: skip
def test_headers_that_are_none_are_PGRST111(headers: bytes) -> None:
    with pytest.raises(RestError) as refused:
        set_by_sql(headers, None)
    assert (refused.value.code, refused.value.status) == ("PGRST111", 500)


@pytest.mark.parametrize("status", [b"x", b"99", b"600", b"20.5", b"-200", b"1000000"])
def test_a_status_that_is_none_is_PGRST112(status: bytes) -> None:
    with pytest.raises(RestError) as refused:
        set_by_sql(None, status)
    assert (refused.value.code, refused.value.status) == ("PGRST112", 500)


def test_only_a_browsers_question_is_a_preflight() -> None:
    asked = {"origin": "http://a", "access-control-request-method": "POST"}
    assert cors.preflight("OPTIONS", asked) is not None
    assert cors.preflight("GET", asked) is None
    assert cors.preflight("OPTIONS", {"origin": "http://a"}) is None
