"""The values of attributes whose history is kept, version by version, generated through sqlglot.

What counts as a change is in `history/attribute_changes.sql`; what a value is, in `attributes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlglot
from sqlglot import exp

from schemas.attribute_values import Value, values_of
from schemas.definitions import Procedure
from transforms.attributes import options_only, read_changes

_COLUMNS = {
    "process_id": "uuid",
    "procedure": "varchar",
    "version_no": "bigint",
    "state_rank": "integer",
    "assigned_to": "uuid",
    "updated_at": "timestamp",
    "started_at": "timestamp",
}


def attribute_changes_sql(procedures: Sequence[Procedure], select: str) -> str:
    """The statement `select`, which reads `tracked_values`, with those of `procedures`."""
    changes = sqlglot.parse_one(select, dialect="duckdb")
    assert isinstance(changes, exp.Query)
    query = exp.select("*").from_(changes.subquery("changes"))
    tracking = [procedure for procedure in procedures if _tracked(procedure)]
    values = _nothing()
    for procedure in tracking:
        typed = read_changes(procedure, _tracked(procedure), list(_COLUMNS))
        query = query.with_(_typed_name(procedure), as_=typed)
        for part in _texts(procedure):
            values = values.union(part, distinct=False)
    query = query.with_("tracked_values", as_=values)
    return query.sql(dialect="duckdb", pretty=True, comments=False)


def _tracked(procedure: Procedure) -> list[Value]:
    kept = {attribute.id for attribute in procedure.attributes if attribute.track}
    return [value for value in values_of(procedure) if value.id in kept]


def _typed_name(procedure: Procedure) -> str:
    return f"{procedure.short_id.lower()}_tracked"


def _texts(procedure: Procedure) -> Iterator[exp.Select]:
    """Grain of each: one row per version, with the value of one attribute as text."""
    for value in _tracked(procedure):
        kept = options_only(value, exp.column(value.column, quoted=True))
        yield exp.select(
            *_COLUMNS,
            exp.alias_(exp.Literal.string(value.short_id), "attribute"),
            exp.alias_(exp.Literal.string(value.type), "type"),
            exp.alias_(exp.cast(kept, "varchar"), "value"),
        ).from_(_typed_name(procedure))


def _nothing() -> exp.Query:
    columns = _COLUMNS | dict.fromkeys(("attribute", "type", "value"), "varchar")
    nulls = (exp.alias_(exp.cast(exp.null(), kind), name) for name, kind in columns.items())
    return exp.select(*nulls).where(exp.false())
