"""What the dimensions add to the wide tables: names for ids, and the values of records.

The tables of the dimensions themselves are `core/users.sql` and its like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from schemas.attribute_values import Value, raw, record_values_of
from schemas.definitions import Procedure
from transforms.attributes import column_values, options_only, read_values

# Label: the table that has it, the column there, and the column of the process.
_LABELS = {
    "assigned_to_name": ("users", "user_id", "assigned_to"),
    "created_by_name": ("users", "user_id", "created_by"),
    "pod_name": ("pods", "pod_id", "pod_id"),
    "team_name": ("teams", "team_id", "team_id"),
    "entity_name": ("entities", "entity_id", "entity_id"),
    "record_name": ("records", "record_id", "record_id"),
}
_LONGEST_SHOWN = 200
_MASK = "***"


def with_labels(query: exp.Select) -> exp.Select:
    """`query`, which reads processes as `p`, with the columns `catalogue_dimensions.LABELS`.

    A label is the name of an id, the id as text where it is not known or has no name, null where
    there is no id.
    """
    for label, (table, key, column) in _LABELS.items():
        names = exp.alias_(exp.to_table(table), label, table=True)
        id_as_text = exp.cast(exp.column(column, "p"), "varchar")
        query = query.join(names, on=f"{label}.{key} = p.{column}", join_type="left")
        found = exp.func("coalesce", exp.column("name", label), id_as_text)
        query.select(exp.alias_(found, label), copy=False)
    return query


def records_table(procedure: Procedure) -> str:
    """The view with what the definition of a procedure says about records."""
    return f"{procedure.short_id.lower()}_records"


def record_columns(procedure: Procedure) -> list[str]:
    """The columns of that view with the values of record attributes, in order."""
    return [name for value in record_values_of(procedure) for name in value.columns]


def records_sql(procedure: Procedure) -> str:
    """Grain: one row per record of the dimension `records`, with its typed values.

    A value is a member of the line or of its object `data`, which goes first, by the id or the
    shortId of the attribute. One that does not convert, or is not among the options, is null; such
    are listed in `failed` as structs of `attribute` and `value` (its text, personal ones masked).
    """
    values = record_values_of(procedure)
    below = exp.Case().when(
        exp.EQ(
            this=_call("json_type", exp.column("data", "r"), exp.Literal.string("/data")),
            expression=exp.Literal.string("OBJECT"),
        ),
        _call("json_extract", exp.column("data", "r"), exp.Literal.string("/data")),
    )
    documents = exp.select(
        "r.record_id",
        exp.alias_(below, "data"),
        exp.alias_(exp.column("data", "r"), "derived_data"),
    ).from_(exp.alias_(exp.to_table("records"), "r", table=True))
    typed = read_values(
        [*values, *map(_at_the_top, values)],
        source="documents",
        keep=["record_id"],
        time_zone=procedure.timezone,
    )
    select = exp.select("record_id").from_(typed.subquery("typed", copy=False), copy=False)
    failures: list[exp.Expr] = []
    for value in values:
        kept = options_only(value, _found(value))
        for name, held in column_values(value, kept).items():
            select.select(exp.alias_(held, name, quoted=True), copy=False)
        failures.append(_failure(value, kept))
    is_failure = exp.Lambda(
        this=exp.column("f").is_(exp.null()).not_(),
        expressions=[exp.to_identifier("f")],
        colon=True,
    )
    failed = _call("list_filter", exp.array(*failures), is_failure)
    select.select(exp.alias_(failed, "failed"), copy=False)
    return select.with_("documents", as_=documents).sql(dialect="duckdb", pretty=True)


def record_failures_sql(procedures: Sequence[Procedure]) -> str:
    """Grain: one row per process that is not deleted and bad value of the record behind it."""
    query: exp.Query = exp.select(
        *(
            exp.alias_(exp.cast(exp.null(), kind), name)
            for name, kind in (
                ("process_id", "uuid"),
                ("attribute", "varchar"),
                ("value", "varchar"),
            )
        )
    ).where(exp.false())
    for procedure in procedures:
        if procedure.record_attributes:
            query = query.union(_record_failures(procedure), distinct=False)
    return query.sql(dialect="duckdb", pretty=True)


def _record_failures(procedure: Procedure) -> exp.Select:
    unnested = exp.alias_(_call("unnest", exp.column("failed", "r")), "failure")
    failed = (
        exp.select("p.process_id", unnested)
        .from_(exp.alias_(exp.to_table("history_processes"), "p", table=True))
        .join(
            exp.alias_(exp.to_table(records_table(procedure)), "r", table=True),
            on="r.record_id = p.record_id",
        )
        .where(
            exp.EQ(
                this=exp.column("procedure", "p"),
                expression=exp.Literal.string(procedure.short_id),
            )
        )
        .where("p.outcome <> 'deleted'")
    )
    return exp.select("process_id", "failure.attribute", "failure.value").from_(
        failed.subquery("failed")
    )


def _at_the_top(value: Value) -> Value:
    """The same value, read from the line itself, which stands where `derived_data` usually does."""
    return replace(value, source="derived_data", column=f"{value.column}:top")


def _found(value: Value) -> exp.Expr:
    """What stands below where something does, else what stands at the top."""
    is_below = exp.column(raw(value.column), quoted=True).is_(exp.null()).not_()
    found = exp.Case().when(is_below, exp.column(value.column, quoted=True))
    return found.else_(exp.column(_at_the_top(value).column, quoted=True))


def _failure(value: Value, kept: exp.Expr) -> exp.Expr:
    """A struct where the value had a text that gave nothing, else null."""
    places = [raw(value.column), raw(_at_the_top(value).column)]
    text = exp.func("coalesce", *(exp.column(place, quoted=True) for place in places))
    shown: exp.Expr = _call("left", text, exp.Literal.number(_LONGEST_SHOWN))
    if value.is_personal:
        shown = exp.Literal.string(_MASK)
    is_bad = exp.and_(text.copy().is_(exp.null()).not_(), kept.copy().is_(exp.null()))
    members = {"attribute": exp.Literal.string(value.short_id), "value": shown}
    struct = _call(
        "struct_pack",
        *(exp.PropertyEQ(this=exp.to_identifier(k), expression=v) for k, v in members.items()),
    )
    return exp.Case().when(is_bad, struct)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
