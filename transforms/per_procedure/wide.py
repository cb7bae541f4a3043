"""SQL for the tables of one procedure's attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.definitions.procedure import Procedure
from schemas.definitions.values import ID_PLACE, KEY_PLACE, LINK_PLACE
from schemas.records.attribute_values import Value, values_of
from schemas.sql_text import listed, literal, quoted, union_all
from transforms.per_procedure.attributes import kept_columns, read_values
from transforms.per_procedure.dimensions import (
    label_columns,
    label_joins,
    record_columns,
    records_table,
)

_ATTRIBUTES = """\
with documents as (
    select p.process_id, r.data, r.derived_data
    from processes as p
    inner join raw_versions as r
        on r.ingest_seq = p.latest_ingest_seq and r.process_id = p.process_id
    where p.procedure = {procedure}
)

select
    {columns}
from (
{typed}
) as typed"""

_WIDE = """\
select
    {columns}
from processes as p
{joins}
inner join history_{attributes} as a on a.process_id = p.process_id
inner join process_lifecycle as l on l.process_id = p.process_id
inner join process_contacts as c on c.process_id = p.process_id
where p.procedure = {procedure}"""

_PRIMARY_KEYS = """\
select
    p.process_id,
    p.procedure,
    {attribute} as attribute,
    {is_personal} as is_personal,
    {key} as key
from history_processes as p
inner join history_{attributes} as a on a.process_id = p.process_id
where p.outcome <> 'deleted'"""
_NAMES = """\
select
    a.process_id,
    {label} as label,
    {link} as link
from history_{attributes} as a"""
_NAME_COLUMNS = {"process_id": "uuid", "label": "varchar", "link": "varchar"}
_KEY_COLUMNS = {
    "process_id": "uuid",
    "procedure": "varchar",
    "attribute": "varchar",
    "is_personal": "boolean",
    "key": "varchar",
}
_SHARED_WITH_PROCESSES = "process_id, team_id, procedure, first_assigned_at, next_action_at"


def attributes_table(procedure: Procedure) -> str:
    """The name of the history table with a procedure's attributes."""
    return f"{procedure.short_id.lower()}_attributes"


def attributes_sql(procedure: Procedure) -> str:
    """Grain: one row per process of the procedure, with its latest attribute values, typed.

    A value that does not convert, or is not among the options, is null.
    """
    values = values_of(procedure)
    kept = (f"{value} as {quoted(name)}" for name, value in kept_columns(values).items())
    return _ATTRIBUTES.format(
        procedure=literal(procedure.short_id),
        columns=listed(["process_id", *kept], 4),
        typed=read_values(
            values, source="documents", keep=["process_id"], time_zone=procedure.timezone
        ),
    )


def wide_sql(procedure: Procedure) -> str:
    """Grain: one row per process of the procedure: `processes`, names for its ids, its attributes
    and those of its record, its lifecycle, its calls and tasks.
    """
    attributes = [f"a.{quoted(name)}" for v in values_of(procedure) for name in v.columns]
    of_record = [f"r.{quoted(name)}" for name in record_columns(procedure)]
    lifecycle = f"l.* exclude ({_SHARED_WITH_PROCESSES})"
    contacts = "c.* exclude (process_id, team_id, procedure)"
    joins = label_joins()
    if of_record:
        joins.append(f"left join {records_table(procedure)} as r on r.record_id = p.record_id")
    return _WIDE.format(
        columns=listed(["p.*", *label_columns(), *attributes, *of_record, lifecycle, contacts], 4),
        joins="\n".join(joins),
        attributes=attributes_table(procedure),
        procedure=literal(procedure.short_id),
    )


def primary_keys_sql(procedures: Iterable[Procedure]) -> str:
    """Grain: one row per process that is not deleted, with its primary key as text (or null)."""
    keys = (_primary_keys(procedure) for procedure in procedures if procedure.primary_key)
    return union_all(_KEY_COLUMNS, keys)


def process_names_sql(procedures: Iterable[Procedure]) -> str:
    """Grain: one row per process of a procedure with a link, or with attributes that name its
    processes and are published in clear: what people call the process, and its address.
    """
    names = (_names(p) for p in procedures if p.link is not None or p.naming_attributes)
    return union_all(_NAME_COLUMNS, names)


def value_text(value: Value, alias: str) -> str:
    """The value in the columns of relation `alias` as one text, its parts joined with commas."""
    return " || ',' || ".join(f"{alias}.{quoted(name)}::varchar" for name in value.columns)


def _names(procedure: Procedure) -> str:
    texts = {value.short_id: value_text(value, "a") for value in values_of(procedure)}
    labels = [texts[attribute.short_id] for attribute in procedure.naming_attributes]
    return _NAMES.format(
        label=f"coalesce({', '.join(labels)})" if labels else "null",
        link=_link(procedure, texts) if procedure.link else "null",
        attributes=attributes_table(procedure),
    )


def _link(procedure: Procedure, texts: Mapping[str, str]) -> str:
    """The address of a process; null where it needs a primary key and the process has none."""
    places = {ID_PLACE: "a.process_id::varchar"}
    if procedure.primary_key is not None:
        places[KEY_PLACE] = f"url_encode({texts[procedure.primary_key]})"
    parts = LINK_PLACE.split(procedure.link or "")
    return " || ".join(places.get(part) or literal(part) for part in parts if part)


def _primary_keys(procedure: Procedure) -> str:
    (value,) = [v for v in values_of(procedure) if v.short_id == procedure.primary_key]
    return _PRIMARY_KEYS.format(
        attribute=literal(value.short_id),
        is_personal="true" if value.is_personal else "false",
        key=value_text(value, "a"),
        attributes=attributes_table(procedure),
    )
