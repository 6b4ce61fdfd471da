"""Bodies of the data API: what becomes of each, and what is refused before PostgreSQL sees it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signet_stack.rest.body import MAX_DEPTH, Payload, parse_body
from signet_stack.rest.errors import RestError


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b'{"a":1,"b":null}', Payload('{"a":1,"b":null}', False, ("a", "b"))),
        (b'[{"a":1},{"a":2}]', Payload('[{"a":1},{"a":2}]', True, ("a",))),
        (b'[{"a":1,"b":2},{"b":2,"a":1}]', Payload('[{"a":1,"b":2},{"b":2,"a":1}]', True, ("a", "b"))),
        (b"{}", Payload("{}", False, ())),
        (b"[]", Payload("[]", True, ())),
        (b"[{},{}]", Payload("[{},{}]", True, ())),
        (b"3", Payload("[]", True, ())),
        (b'"x"', Payload("[]", True, ())),
        (b"null", Payload("[]", True, ())),
        (b'{"a":1,"a":2}', Payload('{"a":1,"a":2}', False, ("a",))),
        (b'{"a":' + b"9" * 9000 + b"}", Payload('{"a":' + "9" * 9000 + "}", False, ("a",))),
    ],
    ids=lambda value: str(value)[:40],
)
def test_json_goes_on_as_it_is(body: bytes, payload: Payload) -> None:
    for content_type in ("", "application/json", "Application/JSON; charset=utf-8"):
        assert parse_body(body, content_type, None) == payload


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Empty or invalid json"),
        (b"{", "Empty or invalid json"),
        (b'{"a":NaN}', "Empty or invalid json"),
        (b'{"a":Infinity}', "Empty or invalid json"),
        (b"\xff", "Empty or invalid json"),
        (b"\x1f\x8b\x08\x00", "Empty or invalid json"),
        (b"[" * 100_000, "Empty or invalid json"),
        (
            b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
            f"JSON nested deeper than {MAX_DEPTH} levels",
        ),
        (b'[{"a":1},{"b":1}]', "All object keys must match"),
        (b'[{"a":1},{"a":1,"b":1}]', "All object keys must match"),
        (b'[{"a":1},3]', "All object keys must match"),
        (b"[[]]", "All object keys must match"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_json_is_PGRST102(body: bytes, message: str) -> None:
    with pytest.raises(RestError) as refused:
        parse_body(body, "application/json", None)
    assert (refused.value.code, refused.value.status, refused.value.message) == ("PGRST102", 400, message)


def test_json_may_be_nested_up_to_the_limit() -> None:
    body = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert parse_body(body, "", None).keys == ("a",)
    wide = b"[" + b",".join([b'{"a":[]}'] * 1000) + b"]"
    assert parse_body(wide, "", None).keys == ("a",)


@pytest.mark.parametrize(("body", "is_array"), [(b"[", True), (b' \n["x', True), (b"{", False), (b"", False)])
def test_named_columns_leave_the_body_to_postgresql(body: bytes, is_array: bool) -> None:
    assert parse_body(body, "", ("a", "b")) == Payload(body.decode(), is_array, ("a", "b"))


def test_a_form_is_one_row_of_texts() -> None:
    payload = parse_body(b"a=1&b=x+y%26&a=2", "application/x-www-form-urlencoded", None)
    assert (json.loads(payload.text), payload.is_array, payload.keys) == (
        {"a": "2", "b": "x y&"},
        False,
        ("a", "b"),
    )


def test_csv_is_rows_of_texts_and_NULL_is_null() -> None:
    payload = parse_body(b'a,b\n1,"x,\ny"\nNULL,', "text/csv", None)
    assert json.loads(payload.text) == [{"a": "1", "b": "x,\ny"}, {"a": None, "b": ""}]
    assert (payload.is_array, payload.keys) == (True, ("a", "b"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Empty or invalid CSV"),
        (b'a\n"x', "Empty or invalid CSV"),
        (b"a,b\n1", "All lines must have same number of fields"),
    ],
)
def test_bad_csv_is_PGRST102(body: bytes, message: str) -> None:
    with pytest.raises(RestError) as refused:
        parse_body(body, "text/csv", None)
    assert (refused.value.code, refused.value.message) == ("PGRST102", message)


def test_another_type_is_PGRST102() -> None:
    with pytest.raises(RestError, match="Content-Type not acceptable: application/xml"):
        parse_body(b"<a/>", "application/xml", None)


@given(st.binary(), st.sampled_from(["", "text/csv", "application/x-www-form-urlencoded"]))
def test_any_bytes_are_read_or_refused(body: bytes, content_type: str) -> None:
    with suppress(RestError):
        payload = parse_body(body, content_type, None)
        json.loads(payload.text)
