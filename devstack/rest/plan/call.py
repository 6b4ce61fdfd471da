"""Plan a call of a function: choose the overload by the names of the arguments."""

from __future__ import annotations

from collections.abc import Iterable
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
    routine = _choose(routines, place, values.keys())
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
    unnamed = _unnamed(routines, kind)
    if kind != "application/json":
        if unnamed is None:
            raise _not_found(
                place, (), f"a single unnamed {'/'.join(UNNAMED.get(kind, ('json',)))} parameter"
            )
        text = "\\x" + content.hex() if kind == "application/octet-stream" else body.decode(content)
        return CallPlan(unnamed, unnamed=text)
    payload = _arguments(content, columns)
    fits = [routine for routine in routines if _fits(routine, payload.keys)]
    if unnamed is not None and not (fits and payload.keys):
        return CallPlan(unnamed, unnamed=body.decode(content))
    routine = _choose(routines, place, payload.keys, or_unnamed=True)
    parameters = tuple(parameter for parameter in routine.parameters if parameter.name in payload.keys)
    return CallPlan(routine, payload=payload if parameters else None, payload_parameters=parameters)


def _arguments(content: bytes, columns: tuple[str, ...] | None) -> Payload:
    if not content:
        return Payload("{}", False, columns or ())
    text = body.decode(content)
    value = body.parse_json(text)
    first = value[0] if isinstance(value, list) and value else value
    keys = tuple(first) if isinstance(first, dict) else ()
    return Payload(text, isinstance(value, list), columns or keys)


def _unnamed(routines: tuple[Routine, ...], kind: str) -> Routine | None:
    types = UNNAMED.get(kind, ())
    for routine in routines:
        if [parameter.name for parameter in routine.parameters] == [""] and routine.parameters[
            0
        ].type in types:
            return routine
    return None


def _fits(routine: Routine, names: Iterable[str]) -> bool:
    given = set(names)
    known = {parameter.name for parameter in routine.parameters}
    required = {parameter.name for parameter in routine.parameters if parameter.required}
    return required <= given <= known and "" not in known


def _choose(
    routines: tuple[Routine, ...], place: str, names: Iterable[str], *, or_unnamed: bool = False
) -> Routine:
    found = [routine for routine in routines if _fits(routine, names)]
    if not found:
        raise _not_found(place, names, "a single unnamed json/jsonb parameter" if or_unnamed else None)
    if len(found) > 1:
        raise _several(found)
    return found[0]


def _not_found(place: str, names: Iterable[str], alternative: str | None) -> RestError:
    given = ", ".join(sorted(names))
    count = "parameters" if "," in given else "parameter"
    searched = f"with {count} {given}" if given else "without parameters"
    if alternative:
        searched += f" or with {alternative}"
    signature = f"{place}({given})" if given else f"{place} without parameters"
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
