"""Attribute values as they stood at an instant, generated through sqlglot.

Which attributes are needed is in `schemas/values_then.py`; what a value is, in `attributes.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from schemas.attribute_values import values_of
from schemas.definitions import Procedure
from schemas.values_then import values_needed_then
from transforms.attributes import column_values, options_only, read_changes
from transforms.derived_tables import call

VERSION_NO = "version no"
"""The column with the number of the version; no attribute can have a blank in its name."""


def values_table(procedure: Procedure) -> str:
    """The name of the history table with the values of each version."""
    return f"{procedure.short_id.lower()}_values"


def values_sql(procedure: Procedure) -> str:
    """Grain: one row per version that may have changed a value of the procedure's attributes.

    `process_id`, `updated_at`, "version no" and one typed column per attribute that is needed. The
    first version is always there.
    """
    needed = set(values_needed_then(procedure))
    values = [value for value in values_of(procedure) if needed & value.columns.keys()]
    typed = read_changes(procedure, values, ["process_id", "updated_at", "version_no"])
    select = exp.select("process_id", "updated_at")
    select.select(exp.alias_(exp.column("version_no"), VERSION_NO, quoted=True), copy=False)
    for value in values:
        kept = options_only(value, exp.column(value.column, quoted=True))
        for name, part in column_values(value, kept).items():
            if name in needed:
                select.select(exp.alias_(part, name, quoted=True), copy=False)
    query = select.from_(typed.subquery("typed", copy=False), copy=False)
    return query.sql(dialect="duckdb", pretty=True)


def with_values_then(moments: str, procedure: Procedure, *, keep: Sequence[str]) -> exp.Select:
    """The rows of `moments` with the values in force at each, for formulas to read.

    `moments` has `process_id`, `happened_at` and `version_no`: the version that shows what
    happened, null where none does. In force is the last version until the instant, of those of one
    instant none after `version_no`; before the first version, that one. The columns `keep` are
    there under their names with a blank before them, so that they cannot meet those of attributes;
    together they tell the rows apart. Moments of other procedures' processes may be left out.
    """
    needed = values_needed_then(procedure)
    kept = [exp.alias_(exp.column(name, "m"), f" {name}", quoted=True) for name in keep]
    source = exp.alias_(exp.to_table(moments), "m", table=True)
    if not needed:
        return exp.select(*kept).from_(source)
    packed = call(
        "struct_pack",
        *(
            exp.PropertyEQ(
                this=exp.to_identifier(name, quoted=True),
                expression=exp.column(name, "v", quoted=True),
            )
            for name in needed
        ),
    )
    version_no = exp.column(VERSION_NO, "v", quoted=True).sql(dialect="duckdb")
    in_force = (
        f"v.updated_at <= m.happened_at and (m.version_no is null or {version_no} <= m.version_no)"
    )
    latest = (
        exp.select(*kept)
        .select(
            exp.alias_(
                call("arg_max", packed, exp.column(VERSION_NO, "v", quoted=True)),
                "values then",
                quoted=True,
            )
        )
        .from_(source)
        .join(
            exp.alias_(exp.to_table(f"history_{values_table(procedure)}"), "v", table=True),
            on=f"v.process_id = m.process_id and ({version_no} = 1 or ({in_force}))",
        )
        .group_by(*(exp.column(name, "m") for name in keep))
    )
    names = [exp.column(f" {name}", quoted=True) for name in keep]
    values = [
        exp.alias_(
            call(
                "struct_extract",
                exp.column("values then", quoted=True),
                exp.Literal.string(name),
            ),
            name,
            quoted=True,
        )
        for name in needed
    ]
    return exp.select(*names, *values).from_(latest.subquery("latest"))
