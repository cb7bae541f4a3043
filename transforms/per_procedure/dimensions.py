"""SQL for what the dimensions add to the wide tables: names of ids, and the values of records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schemas.definitions.procedure import Procedure
from schemas.records.attribute_values import Value, record_values_of
from schemas.records.limits import MASK, raw
from schemas.sql_text import listed, literal, quoted, union_all
from transforms.per_procedure.attributes import column_values, options_only, read_values

# Label: the table that has it, the column there, and the column of the process.
_LABELS = {
    "assigned_to_name": ("users", "user_id", "assigned_to"),
    "created_by_name": ("users", "user_id", "created_by"),
    "pod_name": ("pods", "pod_id", "pod_id"),
    "team_name": ("teams", "team_id", "team_id"),
    "entity_name": ("entities", "entity_id", "entity_id"),
    "record_name": ("records", "record_id", "record_id"),
}
_MAX_SHOWN = 200

# The line takes the place of both documents: cut out of it, numbers would lose digits.
_RECORDS = """\
with documents as (
    select
        r.record_id,
        case when json_type(r.data, '/data') = 'OBJECT' then r.data end as data,
        r.data as derived_data
    from records as r
)

select
    record_id,
    {columns},
    list_filter(
        [
            {failures}
        ],
        lambda f: f is not null
    ) as failed
from (
{typed}
) as typed"""

_FAILURES = """\
select process_id, failure.attribute, failure.value
from (
    select p.process_id, unnest(r.failed) as failure
    from history_processes as p
    inner join {records} as r on r.record_id = p.record_id
    where p.procedure = {procedure} and p.outcome <> 'deleted'
) as failed"""
_FAILURE_COLUMNS = {"process_id": "uuid", "attribute": "varchar", "value": "varchar"}


def label_columns() -> list[str]:
    """The columns `LABELS` of the catalogue, in a query that reads processes as `p`.

    A label is the name of an id, the id as text where it is not known or has no name, null where
    there is no id. `label_joins` adds the tables.
    """
    return [
        f"coalesce({label}.name, p.{column}::varchar) as {label}"
        for label, (_, _, column) in _LABELS.items()
    ]


def label_joins() -> list[str]:
    """The joins that `label_columns` needs."""
    return [
        f"left join {table} as {label} on {label}.{key} = p.{column}"
        for label, (table, key, column) in _LABELS.items()
    ]


def records_table(procedure: Procedure) -> str:
    """The view with the record attributes of a procedure."""
    return f"{procedure.short_id.lower()}_records"


def record_columns(procedure: Procedure) -> list[str]:
    """The columns of that view with the values of record attributes, in order."""
    return [name for value in record_values_of(procedure) for name in value.columns]


def records_sql(procedure: Procedure) -> str:
    """Grain: one row per record of the dimension `records`, with its typed values.

    A value is a member of the line or of its object `data`, which goes first, by the id or the
    shortId of the attribute. One that does not convert, or is not among the options, is null;
    `failed` lists these as structs of `attribute` and `value` (its text, personal ones masked).
    """
    values = record_values_of(procedure)
    kept = [(value, options_only(value, _found(value))) for value in values]
    columns = [
        f"{part} as {quoted(name)}"
        for value, found in kept
        for name, part in column_values(value, found).items()
    ]
    return _RECORDS.format(
        columns=listed(columns, 4),
        failures=listed((_failure(value, found) for value, found in kept), 12),
        typed=read_values(
            [*(replace(value, parent="data") for value in values), *map(_at_the_top, values)],
            source="documents",
            keep=["record_id"],
            time_zone=procedure.timezone,
        ),
    )


def record_failures_sql(procedures: Iterable[Procedure]) -> str:
    """Grain: one row per process that is not deleted and bad value of the record behind it."""
    failures = (
        _FAILURES.format(records=records_table(p), procedure=literal(p.short_id))
        for p in procedures
        if p.record_attributes
    )
    return union_all(_FAILURE_COLUMNS, failures)


def _at_the_top(value: Value) -> Value:
    """The same value, read from the line itself."""
    return replace(value, source="derived_data", column=f"{value.column}:top")


def _found(value: Value) -> str:
    """The value in the object `data` if it has a text there, else the one in the line."""
    below, top = quoted(value.column), quoted(_at_the_top(value).column)
    return f"case when {quoted(raw(value.column))} is not null then {below} else {top} end"


def _failure(value: Value, kept: str) -> str:
    """A struct where the value had a text that gave nothing, else null."""
    places = (raw(value.column), raw(_at_the_top(value).column))
    text = f"coalesce({', '.join(map(quoted, places))})"
    shown = literal(MASK) if value.is_personal else f"left({text}, {_MAX_SHOWN})"
    failure = f"struct_pack(attribute := {literal(value.short_id)}, value := {shown})"
    return f"case when {text} is not null and ({kept}) is null then {failure} end"
