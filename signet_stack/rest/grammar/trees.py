"""The trees that the URL grammar produces. Values only, without tables or SQL."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str, ...]  # names of embeds from the root; () is the root


@dataclass(frozen=True, slots=True)
class JsonStep:
    """One ``->`` or, as text, ``->>`` step into a JSON value, by key or by index."""

    key: str | int
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or a place inside a JSON column."""

    name: str
    path: tuple[JsonStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``.sum()`` and its like with a cast of the result."""

    function: str
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One selected value; the field ``*`` stands for all columns. Without a field: ``count()``."""

    field: Field | None
    alias: str | None = None
    cast: str | None = None
    aggregate: Aggregate | None = None

    @property
    def is_star(self) -> bool:
        """Whether this is ``*``."""
        return self.field == Field("*") and self.aggregate is None

    @property
    def label(self) -> str:
        """The name in the result: alias, aggregate, last key of a JSON path, or column."""
        if self.alias is not None or self.aggregate is not None or self.field is None:
            return self.alias or (self.aggregate.function if self.aggregate else "")
        keys = [step.key for step in self.field.path if isinstance(step.key, str)]
        return keys[-1] if keys else self.field.name


@dataclass(frozen=True, slots=True)
class Embed:
    """Related rows inside each row; spread lifts their columns into the row."""

    target: str
    items: tuple[SelectItem, ...]
    alias: str | None = None
    hint: str | None = None
    join: str | None = None  # inner or left
    is_spread: bool = False

    @property
    def label(self) -> str:
        """The name in the result and in the paths of filters."""
        return self.alias or self.target


SelectItem = Column | Embed


@dataclass(frozen=True, slots=True)
class Comparison:
    """``[not.]operator[(any|all or config)].value``; a list of values for ``in``."""

    operator: str
    value: str | tuple[str, ...]
    negated: bool = False
    modifier: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one field."""

    field: Field
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Logic:
    """``and`` or ``or`` of several conditions."""

    operator: str
    children: tuple[Tree, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class NullTest:
    """Whether an embed has no row (or, negated, has one): what a plan makes of a condition on an embed."""

    alias: str
    is_to_one: bool
    negated: bool


Tree = Condition | Logic | NullTest


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One sort key, of the table itself or of a to-one embed: asc or desc, nullsfirst or nullslast."""

    field: Field
    direction: str | None = None
    nulls: str | None = None
    embed: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``limit`` and ``offset`` of one level."""

    limit: int | None = None
    offset: int = 0
