"""Plan a call of a function: choose the overload by the names of the arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from devstack.rest import body
from devstack.rest.body import Payload
from devstack.rest.catalog.model import Parameter, Routine
from devstack.rest.errors import RestError
from devstack.rest.grammar.query import split_pairs

# What fills a single unnamed parameter: the media type of the body for each type.
UNNAMED = {
    "application/json": ("json", "jsonb"),
    "text/plain": ("text",),
    "application/octet-stream": ("bytea",),
}


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call: arguments as texts by name, as one JSON payload, or one unnamed text."""

    routine: Routine
    texts: tuple[tuple[Parameter, tuple[str, ...]], ...] = ()
    payload: Payload | None = None
    payload_parameters: tuple[Parameter, ...] = ()
    unnamed: str | None = None


def plan_get(routines: tuple[Routine, ...], place: str, arguments: tuple[tuple[str, str], ...]) -> CallPlan:
    """Plan a call with the arguments in the URL or a form; the last of a name wins, variadics collect."""
    values: dict[str, list[str]] = {}
    for key, value in arguments:
        values.setdefault(key, []).append(value)
    found = [routine for routine in routines if _fits(routine, values)]
    routine = _the_one(found, place, values)
    if _is_unnamed(routine):
        return CallPlan(routine, unnamed=values[""][-1] if "" in values else None)
    texts = tuple(
        (parameter, tuple(values[parameter.name] if parameter.variadic else values[parameter.name][-1:]))
        for parameter in routine.parameters
        if parameter.name in values
    )
    return CallPlan(routine, texts)


def plan_post(
    routines: tuple[Routine, ...],
    place: str,
    content: bytes,
    content_type: str,
    columns: tuple[str, ...] | None,
) -> CallPlan:
    """Plan a call with the arguments in the body."""
    kind = body.media_type(content_type)
    if kind == "application/x-www-form-urlencoded":
        return plan_get(routines, place, tuple(split_pairs(body.decode(content))))
    is_json = kind == "application/json"
    payload = _arguments(content, columns) if is_json else Payload("", False, ())
    # Named arguments come first; a text or bytes are never a call without arguments.
    named = [
        routine for routine in routines if _fits(routine, payload.keys) and (is_json or routine.parameters)
    ]
    found = named or [routine for routine in routines if _takes_body(routine, kind)]
    routine = _the_one(found, place, payload.keys, f"a single unnamed {_wanted_types(kind)} parameter")
    if not _is_unnamed(routine):
        parameters = tuple(parameter for parameter in routine.parameters if parameter.name in payload.keys)
        return CallPlan(routine, payload=payload if parameters else None, payload_parameters=parameters)
    if not content:
        return CallPlan(routine)
    is_bytes = routine.parameters[0].type == "bytea"
    return CallPlan(routine, unnamed="\\x" + content.hex() if is_bytes else body.decode(content))


def _arguments(content: bytes, columns: tuple[str, ...] | None) -> Payload:
    if not content:
        return Payload("{}", False, columns or ())
    text = body.decode(content)
    value = body.parse_json(text)
    first = value[0] if isinstance(value, list) and value else value
    keys = tuple(first) if isinstance(first, dict) else ()
    return Payload(text, isinstance(value, list), columns or keys)


def _is_unnamed(routine: Routine) -> bool:
    return [parameter.name for parameter in routine.parameters] == [""]


def _takes_body(routine: Routine, kind: str) -> bool:
    return _is_unnamed(routine) and routine.parameters[0].type in UNNAMED.get(kind, ())


def _wanted_types(kind: str) -> str:
    return "/".join(UNNAMED.get(kind, UNNAMED["application/json"]))


def _fits(routine: Routine, names: Iterable[str]) -> bool:
    given = set(names)
    known = {parameter.name for parameter in routine.parameters}
    return {parameter.name for parameter in routine.parameters if parameter.required} <= given <= known


def _the_one(
    found: list[Routine], place: str, names: Collection[str], alternative: str | None = None
) -> Routine:
    if not found:
        raise _not_found(place, names, alternative)
    if len(found) > 1:
        raise _several(found)
    return found[0]


def _not_found(place: str, names: Collection[str], alternative: str | None) -> RestError:
    given = ", ".join(sorted(names))
    searched = f"with parameter{'s' if len(names) > 1 else ''} {given}" if names else "without parameters"
    if alternative:
        searched += f" or with {alternative}"
    signature = f"{place}({given})" if names else f"{place} without parameters"
    return RestError(
        "PGRST202",
        f"Could not find the function {signature} in the schema cache",
        details=f"Searched for the function {place} {searched},"
        " but no matches were found in the schema cache.",
    )


def _several(found: list[Routine]) -> RestError:
    signatures = ", ".join(
        f"{routine.schema}.{routine.name}({', '.join(f'{p.name} => {p.type}' for p in routine.parameters)})"
        for routine in found
    )
    return RestError(
        "PGRST203",
        f"Could not choose the best candidate function between: {signatures}",
        hint="Try renaming the parameters or the function itself in the database so function overloading can"
        " be resolved",
    )
