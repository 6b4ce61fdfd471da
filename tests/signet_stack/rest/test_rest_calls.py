"""Which overload a call means, by the names of its arguments and the type of its body."""

from __future__ import annotations

import pytest

from signet_stack.rest.errors import RestError
from signet_stack.rest.plan.call import CallPlan, plan_get, plan_post
from signet_stack.rest.schema_cache.model import Parameter, Routine, SchemaCache
from tests.support.rest_sample import routine


def parameter(name: str, type_: str, *, required: bool = True, variadic: bool = False) -> Parameter:
    return Parameter(name, type_, required, variadic)


NOTHING = routine("f", "scalar")
ONE = routine("f", "scalar", parameter("a", "integer"))
OPTIONAL = routine("f", "scalar", parameter("a", "integer"), parameter("b", "text", required=False))
TEXT = routine("f", "scalar", parameter("", "text"))
JSON = routine("f", "scalar", parameter("", "json"))
BYTES = routine("f", "scalar", parameter("", "bytea"))
DEFAULT = routine("f", "scalar", parameter("", "text", required=False))
VARIADIC = routine("f", "scalar", parameter("n", "integer[]", variadic=True))


def cache_of(*routines: Routine) -> SchemaCache:
    return SchemaCache(routines={("s", "f"): routines})


def post(routines: tuple[Routine, ...], content: bytes, kind: str = "") -> CallPlan:
    return plan_post(cache_of(*routines), ("s", "f"), content, kind, None)


@pytest.mark.parametrize(
    ("routines", "content", "kind", "chosen", "unnamed"),
    [
        ((NOTHING, ONE), b"", "", NOTHING, None),
        ((NOTHING, ONE), b'{"a":1}', "", ONE, None),
        ((ONE, TEXT), b'[{"a":1},{"a":2}]', "", ONE, None),
        ((OPTIONAL,), b'{"a":1}', "", OPTIONAL, None),
        ((OPTIONAL,), b'{"b":"x","a":1}', "", OPTIONAL, None),
        ((NOTHING, TEXT), b"x", "text/plain", TEXT, "x"),
        ((NOTHING, TEXT), b'{"":"x"}', "", TEXT, '{"":"x"}'),
        ((ONE, JSON), b'{"x":1}', "", JSON, '{"x":1}'),
        ((ONE, JSON), b'[{"b":1}]', "application/json", JSON, '[{"b":1}]'),
        ((JSON, BYTES), b"\x01", "application/octet-stream", BYTES, "\\x01"),
        ((DEFAULT,), b"", "", DEFAULT, None),
        ((DEFAULT,), b"x", "text/plain", DEFAULT, "x"),
        ((TEXT,), b"=x", "application/x-www-form-urlencoded", TEXT, "x"),
    ],
)
def test_chooses_the_overload(
    routines: tuple[Routine, ...], content: bytes, kind: str, chosen: Routine, unnamed: str | None
) -> None:
    plan = post(routines, content, kind)
    assert (plan.routine, plan.unnamed) == (chosen, unnamed)


@pytest.mark.parametrize(
    ("routines", "content", "kind", "searched"),
    [
        ((), b"", "", "without parameters or with a single unnamed json/jsonb parameter"),
        ((ONE,), b'{"b":1}', "", "with parameter b or with a single unnamed json/jsonb parameter"),
        ((ONE,), b'{"b":1,"a":1}', "", "with parameters a, b or with a single unnamed json/jsonb parameter"),
        ((ONE,), b'{"":1}', "", "with parameter  or with a single unnamed json/jsonb parameter"),
        ((NOTHING,), b"x", "text/plain", "without parameters or with a single unnamed text parameter"),
        (
            (TEXT,),
            b"x",
            "application/octet-stream",
            "without parameters or with a single unnamed bytea parameter",
        ),
    ],
)
def test_none_that_fits_is_PGRST202(
    routines: tuple[Routine, ...], content: bytes, kind: str, searched: str
) -> None:
    with pytest.raises(RestError) as refused:
        post(routines, content, kind)
    assert (refused.value.code, refused.value.status) == ("PGRST202", 404)
    assert refused.value.details == (
        f"Searched for the function s.f {searched}, but no matches were found in the schema cache."
    )


def test_several_that_fit_are_PGRST203() -> None:
    with pytest.raises(RestError) as refused:
        post((NOTHING, DEFAULT), b"")
    assert (refused.value.code, refused.value.status) == ("PGRST203", 300)
    assert refused.value.message.endswith("between: s.f(), s.f( => text)")


def test_the_last_text_of_a_name_counts_and_a_variadic_collects() -> None:
    arguments = (("a", "1"), ("a", "2"))
    assert plan_get(cache_of(ONE), ("s", "f"), arguments).texts == ((ONE.parameters[0], ("2",)),)
    collected = plan_get(cache_of(VARIADIC), ("s", "f"), (("n", "1"), ("n", "2"))).texts
    assert collected == ((VARIADIC.parameters[0], ("1", "2")),)


def test_an_unnamed_argument_in_the_address_is_no_empty_name() -> None:
    assert plan_get(cache_of(TEXT), ("s", "f"), (("", "x"),)).unnamed == "x"
