"""Plan a call of a function: choose the overload by the names of the arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from signet_stack.rest import body
from signet_stack.rest.body import Payload
from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.query_params import split_pairs
from signet_stack.rest.plan.suggestions import suggest_routine
from signet_stack.rest.schema_cache.model import Parameter, Place, Routine, SchemaCache

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


def plan_get(cache: SchemaCache, place: Place, arguments: Iterable[tuple[str, str]]) -> CallPlan:
    """Plan a call with the arguments in the URL or a form; the last of a name wins, variadics collect."""
    values: dict[str, tuple[str, ...]] = {}
    for key, value in arguments:
        values[key] = (*values.get(key, ()), value)
    found = [routine for routine in cache.routines.get(place, ()) if _fits(routine, values)]
    routine = _only_one(found, cache, place, values)
    if _is_unnamed(routine):
        return CallPlan(routine, unnamed=values[""][-1] if "" in values else None)
    given = (parameter for parameter in routine.parameters if parameter.name in values)
    texts = ((one, values[one.name] if one.variadic else values[one.name][-1:]) for one in given)
    return CallPlan(routine, tuple(texts))


def plan_post(
    cache: SchemaCache,
    place: Place,
    content: bytes,
    content_type: str,
    columns: tuple[str, ...] | None,
) -> CallPlan:
    """Plan a call with the arguments in the body."""
    kind = body.media_type(content_type)
    if kind == "application/x-www-form-urlencoded":
        return plan_get(cache, place, split_pairs(body.decode(content)))
    is_json = kind == "application/json"
    payload = _payload(body.decode(content), columns) if is_json else Payload("", False, ())
    keys, types = payload.keys, UNNAMED.get(kind, ())
    routines = cache.routines.get(place, ())
    # Named arguments come first; a text or bytes are never a call without arguments.
    named = [one for one in routines if _fits(one, keys) and (is_json or one.parameters)]
    found = named or [one for one in routines if _is_unnamed(one) and one.parameters[0].type in types]
    wanted = "/".join(types or UNNAMED["application/json"])
    routine = _only_one(found, cache, place, keys, f" or with a single unnamed {wanted} parameter")
    if not _is_unnamed(routine):
        parameters = tuple(parameter for parameter in routine.parameters if parameter.name in keys)
        return CallPlan(routine, payload=payload if parameters else None, payload_parameters=parameters)
    if is_json:
        return CallPlan(routine, unnamed=payload.text if content or not named else None)
    is_bytes = routine.parameters[0].type == "bytea"
    return CallPlan(routine, unnamed="\\x" + content.hex() if is_bytes else body.decode(content))


def _payload(text: str, columns: tuple[str, ...] | None) -> Payload:
    """Read the arguments; an empty body has none."""
    return body.parse_json_payload(text, columns) if text else Payload("", False, columns or ())


def _is_unnamed(routine: Routine) -> bool:
    return [parameter.name for parameter in routine.parameters] == [""]


def _fits(routine: Routine, names: Iterable[str]) -> bool:
    known = {parameter.name for parameter in routine.parameters}
    return {parameter.name for parameter in routine.parameters if parameter.required} <= set(names) <= known


def _only_one(
    found: list[Routine], cache: SchemaCache, place: Place, names: Collection[str], alternative: str = ""
) -> Routine:
    if len(found) == 1:
        return found[0]
    if found:
        raise RestError(
            "PGRST203",
            "Could not choose the best candidate function between: " + ", ".join(map(_signature, found)),
            hint="Try renaming the parameters or the function itself in the database so function overloading"
            " can be resolved",
        )
    given = ", ".join(sorted(names))
    searched = f"with parameter{'s' if len(names) > 1 else ''} {given}" if names else "without parameters"
    label = ".".join(place)
    called = f"{label}({given})" if names else f"{label} without parameters"
    raise RestError(
        "PGRST202",
        f"Could not find the function {called} in the schema cache",
        details=f"Searched for the function {label} {searched}{alternative},"
        " but no matches were found in the schema cache.",
        hint=suggest_routine(cache, *place, names, cache.routines.get(place, ())),
    )


def _signature(routine: Routine) -> str:
    parameters = ", ".join(f"{parameter.name} => {parameter.type}" for parameter in routine.parameters)
    return f"{routine.schema}.{routine.name}({parameters})"
