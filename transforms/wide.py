"""The tables of one procedure's attributes, generated through sqlglot.

What an attribute value is and how it converts is in `attributes.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from schemas.attribute_values import values_of
from schemas.definitions import Procedure
from transforms.attributes import column_values, options_only, read_values
from transforms.dimensions import record_columns, records_table, with_labels


def attributes_table(procedure: Procedure) -> str:
    """The name of the history table with a procedure's attributes."""
    return f"{procedure.short_id.lower()}_attributes"


def wide_table(procedure: Procedure) -> str:
    """The name of the table analysts start from."""
    return f"{procedure.short_id.lower()}_processes"


def attributes_sql(procedure: Procedure) -> str:
    """Grain: one row per process of the procedure, with its latest attribute values, typed.

    A value that does not convert, or is not among the options, is null.
    """
    values = values_of(procedure)
    documents = (
        exp.select("p.process_id", "r.data", "r.derived_data")
        .from_(exp.alias_(exp.to_table("processes"), "p", table=True))
        .join(
            exp.alias_(exp.to_table("raw_versions"), "r", table=True),
            on="r.ingest_seq = p.latest_ingest_seq and r.process_id = p.process_id",
        )
        .where(
            exp.EQ(
                this=exp.column("procedure", "p"),
                expression=exp.Literal.string(procedure.short_id),
            )
        )
    )
    typed = read_values(
        values, source="documents", keep=["process_id"], time_zone=procedure.timezone
    )
    select = exp.select("process_id").from_(typed.subquery("typed", copy=False), copy=False)
    for value in values:
        kept = options_only(value, exp.column(value.column, quoted=True))
        for name, part in column_values(value, kept).items():
            select.select(exp.alias_(part, name, quoted=True), copy=False)
    return select.with_("documents", as_=documents).sql(dialect="duckdb", pretty=True)


def wide_sql(procedure: Procedure) -> str:
    """Grain: one row per process of the procedure: `processes`, names for its ids, its attributes
    and those of its record, its lifecycle.
    """
    names = [name for value in values_of(procedure) for name in value.columns]
    attributes = [exp.column(name, "a", quoted=True) for name in names]
    of_record = [exp.column(name, "r", quoted=True) for name in record_columns(procedure)]
    lifecycle = exp.Column(
        this=exp.Star(except_=[exp.to_identifier(name) for name in _SHARED_WITH_PROCESSES]),
        table=exp.to_identifier("l"),
    )
    query = with_labels(
        exp.select("p.*").from_(exp.alias_(exp.to_table("processes"), "p", table=True))
    )
    query = query.select(*attributes, *of_record, lifecycle)
    if of_record:
        query = query.join(
            exp.alias_(exp.to_table(records_table(procedure)), "r", table=True),
            on="r.record_id = p.record_id",
            join_type="left",
        )
    attributes_place = f"history_{attributes_table(procedure)}"
    for table, alias in ((attributes_place, "a"), ("process_lifecycle", "l")):
        query = query.join(
            exp.alias_(exp.to_table(table), alias, table=True),
            on=f"{alias}.process_id = p.process_id",
        )
    is_mine = exp.EQ(
        this=exp.column("procedure", "p"), expression=exp.Literal.string(procedure.short_id)
    )
    return query.where(is_mine).sql(dialect="duckdb", pretty=True)


def primary_keys_sql(procedures: Sequence[Procedure]) -> str:
    """Grain: one row per process that is not deleted, with its primary key as text (or null)."""
    parts = [_primary_keys(procedure) for procedure in procedures if procedure.primary_key]
    empty = exp.select(
        *(
            exp.alias_(exp.cast(exp.null(), kind), name)
            for name, kind in (
                ("process_id", "uuid"),
                ("procedure", "varchar"),
                ("attribute", "varchar"),
                ("is_personal", "boolean"),
                ("key", "varchar"),
            )
        )
    ).where(exp.false())
    query: exp.Query = empty
    for part in parts:
        query = query.union(part, distinct=False)
    return query.sql(dialect="duckdb", pretty=True)


def _primary_keys(procedure: Procedure) -> exp.Select:
    (value,) = [v for v in values_of(procedure) if v.short_id == procedure.primary_key]
    columns = [exp.cast(exp.column(name, "a", quoted=True), "varchar") for name in value.columns]
    key = columns[0]
    for column in columns[1:]:
        key = exp.DPipe(this=exp.DPipe(this=key, expression=_COMMA), expression=column)
    return (
        exp.select(
            "p.process_id",
            "p.procedure",
            exp.alias_(exp.Literal.string(value.short_id), "attribute"),
            exp.alias_(exp.true() if value.is_personal else exp.false(), "is_personal"),
            exp.alias_(key, "key"),
        )
        .from_(exp.alias_(exp.to_table("history_processes"), "p", table=True))
        .join(
            exp.alias_(exp.to_table(f"history_{attributes_table(procedure)}"), "a", table=True),
            on="a.process_id = p.process_id",
        )
        .where("p.outcome <> 'deleted'")
    )


_COMMA = exp.Literal.string(",")
_SHARED_WITH_PROCESSES = ("process_id", "procedure", "first_assigned_at", "next_action_at")
