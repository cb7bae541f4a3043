"""The queries for the objects of an object-centric log.

Grain of queries for objects: one row per object, with its id, the time of its first values, and
these values. Grain of queries for changes: one row per change, with object, time and new value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.export.ocel_events import record, user
from pipelines.export.ocel_file import Attribute, attribute_names
from pipelines.export.selection import Column, ProcessTable, Selection, Tracked
from pipelines.export.values import Kind, as_text, instant, kind_of
from schemas.sql_text import literal, quoted

_TYPES: dict[Kind, str] = {
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "float": "REAL",
    "instant": "TIMESTAMP",
    "text": "TEXT",
}
# The date that OCEL 2.0 prescribes for values without a time.
_NO_TIME = "'1970-01-01T00:00:00.000+00:00'"
_USERS = """
    select v.assigned_to as id, p.procedure from state_visits as v
    inner join processes as p using (process_id)
    union all
    select a.assigned_to, p.procedure from assignments as a
    inner join processes as p using (process_id)
    union all
    select created_by, procedure from processes
"""


@dataclass(frozen=True)
class Changes:
    """Changes of one attribute of the objects of a type."""

    attribute: str
    sql: str


@dataclass(frozen=True)
class Objects:
    """Objects of one type, with the later changes of their attributes."""

    type: str
    attributes: tuple[Attribute, ...]
    sql: str
    changes: tuple[Changes, ...] = ()


def objects_of(selection: Selection, tracked: Sequence[Tracked]) -> Iterator[Objects]:
    """Processes by procedure, then users, pods, entities and records."""
    for table in selection.tables:
        own = [one for one in tracked if one.procedure == table.procedure]
        yield _processes(
            table, [one for one in own if one.columns and {*one.columns} <= {*table.columns}]
        )
    chosen = ", ".join(map(literal, selection.procedures))
    for type_, source, dimension, is_personal in (
        ("user", _USERS, "users", True),
        ("pod", "select pod_id as id, procedure from processes", "pods", False),
        ("entity", "select entity_id as id, procedure from processes", "entities", False),
        ("record", "select record_id as id, procedure from processes", "records", True),
    ):
        named = selection.with_personal or not is_personal
        yield Objects(
            type_,
            (Attribute("name", "TEXT"),) if named else (),
            f"""
                select '{type_}:' || o.id, {_NO_TIME}{", any_value(d.name)" if named else ""}
                from ({source}) as o
                left join {dimension} as d on d.{type_}_id = o.id
                where o.id is not null and o.procedure in ({chosen})
                group by o.id
                order by o.id
            """,
        )


def relations_sql(selection: Selection) -> str:
    """Grain: one row per relation of a process to another object: source, target, qualifier."""
    chosen = f"p.procedure in ({', '.join(map(literal, selection.procedures))})"
    parent = f"""
        select p.process_id as source, q.process_id::varchar as target, 'parent' as qualifier
        from processes as p
        inner join processes as q on q.process_id = p.parent_process_id
        where {chosen} and {chosen.replace("p.", "q.", 1)}
    """
    others = (
        f"select p.process_id, {target}, '{qualifier}' from processes as p where {chosen}"
        for qualifier, target in (
            ("created by", user("p.created_by")),
            ("entity", "'entity:' || p.entity_id"),
            ("pod", "'pod:' || p.pod_id"),
            ("record", record("p.record_id")),
        )
    )
    return f"""
        select source::varchar, target, qualifier
        from ({" union all ".join([parent, *others])})
        where target is not null
        order by source, qualifier
    """


def process_type(procedure: str) -> str:
    """The object type of a procedure: its shortId, made distinct from the other types."""
    reserved = ("user", "pod", "entity", "record")
    return f"{procedure} process" if procedure.lower() in reserved else procedure


def _processes(table: ProcessTable, tracked: Sequence[Tracked]) -> Objects:
    names = attribute_names(column.name for column in table.columns)
    by_column = dict(zip(table.columns, names, strict=True))
    values = {column: _value(f"w.{quoted(column.name)}", column) for column in table.columns}
    joins: list[str] = []
    changes: list[Changes] = []
    for place, one in enumerate(tracked):
        changed = (
            f"procedure = {literal(one.procedure)} and attribute = {literal(one.attribute)} "
            f"and process_id in (select process_id from {quoted(table.name)})"
        )
        joins.append(
            f"left join (from attribute_changes where {changed} and change_no = 1) as c{place} "
            f"on c{place}.process_id = w.process_id"
        )
        for column in one.columns:
            before = _value(_typed(f"c{place}.old_value", one, column), column)
            values[column] = f"if(c{place}.process_id is null, {values[column]}, {before})"
            after = _value(_typed("new_value", one, column), column)
            changes.append(
                Changes(
                    by_column[column],
                    f"select process_id::varchar, {instant('changed_at')}, {after} "
                    f"from attribute_changes where {changed} order by process_id, change_no",
                )
            )
    # A process starts at its creation, or at its first version if that is earlier.
    started_at = instant("least(w.created_at, w.first_seen_at)")
    selected = ", ".join(["w.process_id::varchar", started_at, *values.values()])
    return Objects(
        process_type(table.procedure),
        tuple(Attribute(name, _TYPES[kind_of(column.type)]) for column, name in by_column.items()),
        f"select {selected} from {quoted(table.name)} as w {' '.join(joins)} order by w.process_id",
        tuple(changes),
    )


def _typed(text: str, tracked: Tracked, column: Column) -> str:
    """A value of `attribute_changes` (text) cast to the type of its column."""
    if len(tracked.columns) == 1:
        return text if column.type in ("VARCHAR", "JSON") else f"({text})::{column.type}"
    part = column.name.rpartition("_")[2]
    members = ", ".join(f"{c.name.rpartition('_')[2]} {c.type}" for c in tracked.columns)
    return f"(({text})::struct({members})).{part}"


def _value(value: str, column: Column) -> str:
    match kind_of(column.type):
        case "instant":
            return instant(value)
        case "float":
            return f"({value})::double"
        case "text":
            return as_text(value, column.type)
        case _:
            return value
