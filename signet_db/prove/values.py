"""Values for rows: by type, with the mark of their owner where the type can carry one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from signet_db.prove.relations import Column, Table

_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.'])")

_BY_TYPE: dict[str, tuple[str, ...]] = {
    "bool": ("false", "true"),
    "date": ("2030-06-01", "2001-06-01"),
    "time": ("12:00",),
    "timetz": ("12:00+00",),
    "timestamp": ("2030-06-01 12:00", "2001-06-01 12:00"),
    "timestamptz": ("2030-06-01 12:00+00", "2001-06-01 12:00+00"),
    "interval": ("1 hour",),
    "inet": ("203.0.113.7",),
    "cidr": ("203.0.113.0/24",),
    "macaddr": ("08:00:2b:01:02:03",),
    "money": ("1",),
    "point": ("(1,2)",),
    "line": ("{1,2,3}",),
    "lseg": ("[(0,0),(1,1)]",),
    "box": ("(1,1),(0,0)",),
    "path": ("((0,0),(1,1))",),
    "polygon": ("((0,0),(1,1))",),
    "circle": ("<(0,0),1>",),
    "bit": ("1",),
    "varbit": ("1",),
    "int4range": ("[1,2)",),
    "int8range": ("[1,2)",),
    "numrange": ("[1,2)",),
    "daterange": ("[2030-01-01,2030-01-02)",),
    "tsrange": ("[2030-01-01,2030-01-02)",),
    "tstzrange": ("[2030-01-01,2030-01-02)",),
    "jsonpath": ("$",),
    "ltree": ("a.b",),
    "geometry": ("POINT(0 0)",),
    "geography": ("POINT(0 0)",),
    "vector": ("[1,2,3]",),
    "regclass": ("pg_class",),
    "oid": ("1",),
}


def candidates(table: Table, column: Column, mark: str, number: int) -> Iterator[str]:
    """Yield values for a column, the likeliest first; none for a type of which no value is known."""
    texts = [text for names, text in table.checks.values() if column.name in names]
    if column.labels:
        return _arrays(column, _preferred(column, column.labels))
    if column.is_array:
        return _arrays(column, [mark] if column.is_text else [])
    if column.is_text:
        return (value[: column.length] for value in _texts(column, mark, number, texts))
    if column.type in ("int2", "int4", "int8", "numeric", "float4", "float8"):
        return iter(_numbers(column, number, texts))
    if column.type == "uuid":
        return iter((f"00000000-0000-4000-8000-{number:012x}",))
    if column.type in ("json", "jsonb"):
        return iter((f'{{"mark": "{mark}"}}', f'["{mark}"]', f'"{mark}"', "{}", "[]"))
    if column.type in ("bytea", "xml", "tsvector", "name", "hstore"):
        return iter({"xml": (f"<a>{mark}</a>",), "hstore": (f"mark=>{mark}",)}.get(column.type, (mark,)))
    return iter(_BY_TYPE.get(column.type, ()))


def is_known(column: Column) -> bool:
    """Whether values of the column's type can be made up."""
    known = {"int2", "int4", "int8", "numeric", "float4", "float8", "uuid", "json", "jsonb"}
    known |= {"bytea", "xml", "tsvector", "name", "hstore"}
    return column.is_array or column.is_text or bool(column.labels) or column.type in known | _BY_TYPE.keys()


def _arrays(column: Column, values: list[str]) -> Iterator[str]:
    if not column.is_array:
        return iter(values)
    return iter([*(f'{{"{value}"}}' for value in values), "{}"])


def _preferred(column: Column, labels: tuple[str, ...] | list[str]) -> list[str]:
    """Put first what opens least: a public label comes last, that of a pending member too."""
    last = ("public", "published", "pending", "invited", "deleted", "archived", "banned")
    return sorted(labels, key=lambda label: label.lower() in last)


def _texts(column: Column, mark: str, number: int, checks: list[str]) -> Iterator[str]:
    allowed = [one.replace("''", "'") for text in checks if "ARRAY[" in text for one in _QUOTED.findall(text)]
    allowed += [one for text in checks for one in re.findall(r"= '((?:[^']|'')*)'", text)]
    if allowed:
        yield from _preferred(column, [one for one in dict.fromkeys(allowed) if one])
        return
    name = column.name.lower()
    formats = [
        mark,
        f"https://example.com/{mark}",
        f"{mark}@example.com",
        f"/{mark}",
        f"#{number % 0xFFFFFF:06x}",
    ]
    if "mail" in name:
        formats.insert(0, f"{mark}@example.com")
    elif "url" in name or "link" in name or "website" in name:
        formats.insert(0, f"https://example.com/{mark}")
    elif re.search("phone|mobile", name):
        formats.insert(0, f"+1555{number % 10**7:07d}")
    yield from formats
    yield from (
        f"+1555{number % 10**7:07d}",
        "EUR",
        "eur",
        "en",
        "en-US",
        "US",
        "UTC",
        f"{number:04d}",
        f"{number:05d}",
    )
    yield from (
        "a",
        "a-b",
        mark[-8:],
        mark.upper(),
        f"{mark} {mark}",
        f"{mark} " * 20,
        "12:00",
        "2030-01-01",
        "1.0.0",
    )


def _numbers(column: Column, number: int, checks: list[str]) -> list[str]:
    """Yield a number that no other row has, then small ones and those around the bounds of checks."""
    first = str(number % 30_000 if column.type == "int2" else 700_000 + number)
    bounds = [float(one) for text in checks for one in _NUMBER.findall(text)]
    around = [f"{bound + step:g}" for bound in bounds for step in (0, 1, -1)]
    whole = [one for one in around if "." not in one and "e" not in one]
    return [first, "1", "0", "5", "10", "50", "0.5", *whole, "-1"]
