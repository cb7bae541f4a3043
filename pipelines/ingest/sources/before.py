"""What the warehouse knows of the processes of a file from the files before it."""

import json
from typing import Any

import duckdb
import polars as pl

from pipelines.ingest.sources.shapes import Cells, a_, f_
from schemas.records.all_rules import HELD_EVENT, LATE_EVENT
from schemas.records.record import FIELDS

# Shapes whose rows say less than the whole state of a process.
CONTINUED = ("event_log", "stage_rows", "snapshots")
_COLUMNS = {f.name: f.column for f in FIELDS if f.kind not in ("state", "object")}


def load_before(
    con: duckdb.DuckDBPyConnection, own: duckdb.DuckDBPyConnection, cells: Cells
) -> None:
    """Fill the table `base` of `own`: of each process the last version before its first row.

    `own` has the table `firsts` with the instant of that row.
    """
    schema = {
        "process": pl.String,
        "created": pl.Int64,
        "since": pl.Int64,
        "status": pl.String,
        "state": pl.String,
        **{f_(name).strip('"'): pl.String for name in cells.fields},
        **{a_(name).strip('"'): pl.String for name in cells.attributes},
    }
    rows: list[dict[str, Any]] = []
    firsts = own.sql("select process, first_at from firsts").pl()
    if cells.source.shape in CONTINUED and firsts.height:
        con.register("firsts", firsts)
        try:
            found = con.sql(_LAST).pl()
        finally:
            con.unregister("firsts")
        rows = [_as_cells(row, cells) for row in found.iter_rows(named=True)]
    own.register("incoming", pl.DataFrame(rows, schema=schema, orient="row"))
    own.execute("create or replace table base as from incoming")
    own.unregister("incoming")


def _as_cells(version: dict[str, Any], cells: Cells) -> dict[str, Any]:
    """A stored version as the text of cells."""
    data = json.loads(version["data"] or "{}", parse_float=str, parse_int=str)
    fields = {f_(name).strip('"'): _text(version[_COLUMNS[name]]) for name in cells.fields}
    attributes = {a_(name).strip('"'): _text(data.get(name)) for name in cells.attributes}
    kept = {name: version[name] for name in ("process", "created", "since", "status", "state")}
    return kept | fields | attributes


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


def reject_out_of_order(
    con: duckdb.DuckDBPyConnection, own: duckdb.DuckDBPyConnection, source_name: str
) -> None:
    """Take events out of the table `cells` whose process has later versions, or events in
    quarantine; their rule goes to the table `texts`.

    `own` has the table `events` with `line, seq, process, at_ms`. An event of an instant that has a
    version was read before: it comes again, and changes nothing.
    """
    events = own.sql("select distinct process, at_ms from events where process is not null").pl()
    con.register("events", events)
    try:
        late = con.sql(_LATE).pl()
        held = con.sql(_HELD, params={"source": source_name}).pl()
    finally:
        con.unregister("events")
    own.register("late", late)
    own.register("held", held)
    parameters = {"late": LATE_EVENT.id, "held": HELD_EVENT.id}
    own.execute(_MARK, parameters)
    own.execute(_TAKE_OUT)
    own.unregister("late")
    own.unregister("held")


_LAST = """
    select
        v.process_id::varchar as process,
        epoch_ms(v.created_at) as created,
        epoch_ms(case v.status
            when 'COMPLETED' then coalesce(v.completed_at, v.updated_at)
            when 'CANCELLED' then coalesce(v.cancelled_at, v.updated_at)
        end) as since,
        v.state_id::varchar as state,
        v.data::varchar as data,
        v.* exclude (state_id, data, created_at) replace (
            epoch_ms(v.next_action_at)::varchar as next_action_at,
            epoch_ms(v.completed_at)::varchar as completed_at,
            epoch_ms(v.cancelled_at)::varchar as cancelled_at,
            epoch_ms(v.first_assigned_at)::varchar as first_assigned_at,
            epoch_ms(v.last_assigned_at)::varchar as last_assigned_at,
            v.created_by::varchar as created_by,
            v.assigned_to::varchar as assigned_to,
            v.first_assigned_to::varchar as first_assigned_to,
            v.pod_id::varchar as pod_id,
            v.entity_id::varchar as entity_id,
            v.record_id::varchar as record_id,
            v.primary_booking_id::varchar as primary_booking_id,
            v.parent_procedure::varchar as parent_procedure,
            v.parent_process_id::varchar as parent_process_id,
            v.team_id::varchar as team_id,
            v.is_deleted::varchar as is_deleted,
            v.procedure_id::varchar as procedure_id
        )
    from raw.process_versions as v
    inner join firsts as f on v.process_id = try_cast(f.process as uuid)
    where v.updated_at < epoch_ms(f.first_at)
    qualify row_number() over (
        partition by v.process_id order by v.updated_at desc, v.ingest_seq desc
    ) = 1
"""

_LATE = """
    select e.process, e.at_ms
    from events as e
    inner join raw.process_versions as v on v.process_id = try_cast(e.process as uuid)
    where e.at_ms is not null
    group by all
    having
        bool_or(v.updated_at > epoch_ms(e.at_ms))
        and not bool_or(v.updated_at = epoch_ms(e.at_ms))
"""

_HELD = """
    select distinct lower(q.process_id) as process
    from raw.quarantine as q
    inner join raw.ingest_files as f using (file_seq)
    where f.source = $source and q.process_id is not null
"""

_MARK = """
    update texts as t
    set rule = m.rule
    from (
        select e.line, e.seq, case when h.process is not null then $held else $late end as rule
        from events as e
        left join held as h using (process)
        left join late as l on l.process = e.process and l.at_ms = e.at_ms
        where h.process is not null or l.process is not null
    ) as m
    where t.line = m.line and t.seq = m.seq
"""

_TAKE_OUT = """
    delete from cells as c
    using texts as t
    where t.line = c.line and t.seq = c.seq and t.rule is not null
"""
