"""Find the one relation that an embed means."""

from __future__ import annotations

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.trees import Embed
from signet_stack.rest.plan.suggestions import suggest_relation
from signet_stack.rest.schema_cache.model import Relation, SchemaCache, Table


def find_relation(cache: SchemaCache, table: Table, embed: Embed) -> Relation:
    """Return the one relation that an embed names; raise PGRST200 for none, PGRST201 for several."""
    candidates = cache.relations.get((table.schema, table.name), ())
    found = [relation for relation in candidates if _matches(relation, embed.target, embed.hint, cache)]
    if not found:
        raise _none(cache, table, embed)
    if len(found) > 1:
        raise _several(table.name, embed.target, found)
    return found[0]


def _matches(relation: Relation, target: str, hint: str | None, cache: SchemaCache) -> bool:
    """Whether target and hint name a relation.

    A target is a table, or (of tables, not of views) a constraint or the key's only column. A hint is the
    constraint, the only column on either side, or the junction. A computed relationship has the name of
    its function.
    """
    if relation.function is not None:
        return target == relation.constraint
    if relation.source == relation.target:
        return _matches_self_reference(relation, target, hint)
    columns = relation.columns[0] if len(relation.columns) == 1 and relation.junction is None else ()
    if hint is not None:
        key = relation.constraint if relation.junction is None else relation.junction
        return target == relation.target and hint in (key, *columns)
    if target == relation.target:
        return True
    if relation.junction is not None or cache.tables[relation.schema, relation.target].is_view:
        return False
    return target in (relation.constraint, *columns[:1])


def _matches_self_reference(relation: Relation, target: str, hint: str | None) -> bool:
    """The table's name means the rows below (one-to-many), the column's name the row above (many-to-one)."""
    near, far = (list(columns) for columns in zip(*relation.columns, strict=True))
    if hint is not None:
        is_column = relation.kind == "one-to-many" and far == [hint]
        return target == relation.target and (is_column or hint == relation.junction)
    if target == relation.target:
        return not relation.is_to_one
    return relation.is_to_one and near == [target]


def _none(cache: SchemaCache, table: Table, embed: Embed) -> RestError:
    hint = f" using the hint '{embed.hint}'" if embed.hint else ""
    return RestError(
        "PGRST200",
        f"Could not find a relationship between '{table.name}' and '{embed.target}' in the schema cache",
        details=f"Searched for a foreign key relationship between '{table.name}' and '{embed.target}'{hint}"
        f" in the schema '{table.schema}', but no matches were found.",
        hint=suggest_relation(cache, table, embed),
    )


def _several(source: str, target: str, found: list[Relation]) -> RestError:
    choices = ", ".join(f"'{target}!{relation.junction or relation.constraint}'" for relation in found)
    return RestError(
        "PGRST201",
        f"Could not embed because more than one relationship was found for '{source}' and '{target}'",
        details=[_described(relation) for relation in found],
        hint=f"Try changing '{target}' to one of the following: {choices}."
        " Find the desired relationship in the 'details' key.",
    )


def _described(relation: Relation) -> dict[str, str]:
    near, far = (", ".join(columns) for columns in zip(*relation.columns, strict=True))
    text = f"{relation.constraint} using {relation.source}({near}) and {relation.target}({far})"
    if relation.junction is not None:
        beyond = ", ".join(column for column, _ in relation.far_columns)
        text = (
            f"{relation.junction} using {relation.constraint}({far}) and {relation.far_constraint}({beyond})"
        )
    return {
        "cardinality": relation.kind,
        "embedding": f"{relation.source} with {relation.target}",
        "relationship": text,
    }
