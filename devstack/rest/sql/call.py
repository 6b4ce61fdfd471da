"""Write the call of a function."""

from __future__ import annotations

from devstack.rest.catalog.model import Parameter
from devstack.rest.plan.call import CallPlan
from devstack.rest.sql import fragments
from devstack.rest.sql.fragments import Parameters, name, qualified


def call(plan: CallPlan, bind: Parameters) -> str:
    """Write a SELECT that calls once; a scalar comes as the column ``pgrst_scalar``."""
    arguments, source = _arguments(plan, bind)
    invocation = f"{qualified(plan.routine.schema, plan.routine.name)}({arguments})"
    if plan.routine.returns == "composite":
        rows = f"{source}, LATERAL {invocation}" if source else invocation
        return f"SELECT pgrst_call.* FROM {rows} AS pgrst_call"
    return f"SELECT {invocation} AS pgrst_scalar" + (f" FROM {source}" if source else "")


def _arguments(plan: CallPlan, bind: Parameters) -> tuple[str, str]:
    """Return the argument list and the source that it reads from, if any."""
    if plan.unnamed is not None:
        return f"{bind(plan.unnamed)}::{plan.routine.parameters[0].type}", ""
    if plan.payload is None:
        texts = (_text_argument(parameter, values, bind) for parameter, values in plan.texts)
        return ", ".join(texts), ""
    types = ", ".join(f"{name(parameter.name)} {parameter.type}" for parameter in plan.payload_parameters)
    function = "json_to_recordset" if plan.payload.is_array else "json_to_record"
    body = f"{function}({bind(plan.payload.text)}::json) AS _({types})"
    arguments = (
        _named(parameter, f"pgrst_body.{name(parameter.name)}") for parameter in plan.payload_parameters
    )
    return ", ".join(arguments), f"(SELECT * FROM {body} LIMIT 1) AS pgrst_body"


def _text_argument(parameter: Parameter, values: tuple[str, ...], bind: Parameters) -> str:
    value = fragments.array_literal(values) if parameter.variadic else values[0]
    return _named(parameter, f"{bind(value)}::{parameter.type}")


def _named(parameter: Parameter, value: str) -> str:
    return f"{'VARIADIC ' if parameter.variadic else ''}{name(parameter.name)} := {value}"
