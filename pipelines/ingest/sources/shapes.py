"""SQL that makes versions of the cells of a file: one query per shape of source.

Grain: one row per version. `line` and `seq` say which row it was made of, `ord` its place among the
versions of a line; `process` is its id, `key` the id as it came. `at_ms` and `created` are epoch
milliseconds (null where the text is not a time) beside their JSON. State, status and the other
fields and attributes are text as it came.
"""

from collections.abc import Iterator

from pipelines.ingest.sources.rows import columns_of
from pipelines.ingest.sources.values import Values
from schemas.definitions.procedure import Procedure
from schemas.definitions.source import Log, Source
from schemas.sql_text import literal, quoted

_OWN_COLUMNS = ("id", "state", "status", "createdAt", "updatedAt")
LATEST_LAST = 1_000_000


class Cells:
    """The names of columns: of cells, of other fields, attributes and names of users."""

    def __init__(self, source: Source, procedure: Procedure) -> None:
        self.source = source
        self._places = {name: f"c{n}" for n, name in enumerate(columns_of(source))}
        # In a changelog, the cells of a change follow those of its document.
        first = len(self._places)
        self.change = [f"c{first + n}" for n in range(4)] if source.shape == "changelog" else []
        self.columns = [*self._places.values(), *self.change]
        self.fields = [
            name
            for name in dict.fromkeys([*source.fields, *source.followed_fields])
            if name not in _OWN_COLUMNS
        ]
        self.attributes = list(dict.fromkeys([*source.attributes, *source.followed_attributes]))
        keys = (procedure.primary_key, procedure.primary_identifier)
        self.keys = [key for key in dict.fromkeys(keys) if key and key not in self.attributes]

    def field(self, name: str) -> str | None:
        """The column of cells with a field of the record."""
        column = self.source.fields.get(name)
        return column and self._places[column]

    def attribute(self, name: str) -> str | None:
        column = self.source.attributes.get(name)
        return column and self._places[column]

    def named(self, column: str) -> str:
        return self._places[column]

    def carried(self) -> Iterator[tuple[str, str]]:
        """The other fields, attributes and names of users: the column of versions, and the cell."""
        for name in self.fields:
            yield f_(name), self.field(name) or "null::varchar"
        for name in self.attributes:
            yield a_(name), self.attribute(name) or "null::varchar"
        for name, column in self.source.names.items():
            yield n_(name), self.named(column)


def f_(name: str) -> str:
    return quoted(f"field {name}")


def a_(name: str) -> str:
    return quoted(f"attribute {name}")


def n_(name: str) -> str:
    return quoted(f"name {name}")


def versions_query(cells: Cells, values: Values, *, taken: str | None, start_state: str) -> str:
    """The query for the versions; `taken` is the local time of a snapshot by the file's name."""
    match cells.source.shape:
        case "event_log" | "changelog":
            return _changes(cells, values, start_state)
        case "wide_dates":
            return _wide_dates(cells, values)
        case _:
            return _rows(cells, values, taken)


def _id(cells: Cells, values: Values) -> str:
    return values.id(str(cells.field("id")))


def _created(values: Values, cell: str | None, otherwise: str) -> str:
    """Created as milliseconds and as JSON; `otherwise` holds where there is no column or value."""
    if cell is None:
        return f"{otherwise} as created, coalesce(({otherwise})::varchar, 'null') as created_json"
    ms = values.milliseconds(cell)
    return (
        f"case when {cell} is null then {otherwise} else {ms} end as created, "
        f"case when {cell} is null then coalesce(({otherwise})::varchar, 'null') "
        f"else {values.time(cell)} end as created_json"
    )


def _deleted(cells: Cells) -> str:
    deletion = cells.source.deletion
    if deletion is None:
        return "false"
    listed = ", ".join(literal(value) for value in deletion.values)
    return f"coalesce({cells.named(deletion.column)} in ({listed}), false)"


def _listed(pairs: Iterator[tuple[str, str]]) -> str:
    return "".join(f", {cell} as {name}" for name, cell in pairs)


def _rows(cells: Cells, values: Values, taken: str | None) -> str:
    """Each row is a version."""
    source = cells.source
    updated = cells.field("updatedAt")
    at_ms, at_json = "null::bigint", "'null'"
    if updated:
        at_ms, at_json = values.milliseconds(updated), values.time(updated)
    elif taken:
        at_ms = values.milliseconds(literal(taken))
        at_json = f"({at_ms})::varchar"
    first = "coalesce(b.created, min(d.at_ms) over (partition by d.process))"
    is_history = source.shape in ("stage_rows", "snapshots")
    return f"""
        with dated as (
            select *, {_id(cells, values)} as process, {at_ms} as at_ms, {at_json} as at_json
            from cells
        )
        select
            line, seq, seq as ord, is_shown, d.process, {cells.field("id")} as key,
            d.at_ms, at_json,
            {_created(values, cells.field("createdAt"), first if is_history else "null::bigint")},
            {cells.field("state")} as state,
            {cells.field("status") or "null::varchar"} as status,
            {_deleted(cells)} as is_deleted
            {_listed(cells.carried())}
        from dated as d
        left join base as b using (process)
    """


def _wide_dates(cells: Cells, values: Values) -> str:
    """A version for each date of a row, and one at its last change; one bad date spoils the row.

    Where a row has no date of its last change, its state is that since the last of its dates.
    """
    stages = [
        f"{{'state': {literal(state)}, 'rank': {rank}, 'text': {cells.named(column)}}}"
        for rank, (state, column) in enumerate(cells.source.stages.items())
    ]
    updated = cells.field("updatedAt")
    if updated:
        state = cells.field("state") or "null::varchar"
        last = f"{{'state': {state}, 'rank': {LATEST_LAST}, 'text': {updated}}}"
        stages.append(last)
    status = cells.field("status") or "null::varchar"
    return f"""
        with dates as (
            select *, unnest([{", ".join(stages)}], recursive := false) as entry from cells
        ),
        dated as (
            select
                *,
                entry.state as entered,
                entry.rank as rank,
                entry.text as date_text,
                {values.milliseconds("entry.text")} as at_ms
            from dates
        ),
        whole as (
            select
                * replace (
                    case
                        when rank = {LATEST_LAST} and date_text is null and entered is not null
                        then max(at_ms) over (partition by line)
                        else at_ms
                    end as at_ms
                ),
                bool_or(date_text is not null and at_ms is null) over (partition by line) as is_bad,
                max(at_ms) filter (rank < {LATEST_LAST}) over (partition by line) as last_stage,
                min(at_ms) over (partition by line) as first_at,
                count(date_text) over (partition by line) as n_dates,
                row_number() over (
                    partition by line
                    order by date_text is null, (date_text is not null and at_ms is null) desc, rank
                ) as place
            from dated
        ),
        chosen as (
            select
                *,
                last_value(entered ignore nulls) over (
                    partition by line order by at_ms, rank rows unbounded preceding
                ) as state_then,
                row_number() over (partition by line order by at_ms desc, rank desc) = 1 as is_last
            from whole
            where
                case
                    when is_bad or n_dates = 0 then place = 1
                    when date_text is null then at_ms is not null
                    else rank < {LATEST_LAST} or at_ms >= last_stage or last_stage is null
                end
        )
        select
            line, seq, row_number() over (partition by line order by at_ms, rank) as ord,
            true as is_shown, {_id(cells, values)} as process, {cells.field("id")} as key, at_ms,
            coalesce(at_ms::varchar, json_of(date_text)) as at_json,
            {_created(values, cells.field("createdAt"), "first_at")},
            coalesce(entered, state_then) as state,
            case when is_last then {status} end as status,
            {_deleted(cells)} as is_deleted
            {_listed(cells.carried())}
        from chosen
    """


def _changes(cells: Cells, values: Values, start_state: str) -> str:
    """A version for each event: what the log changed by then, else what was before the change."""
    source = cells.source
    log = source.log
    assert log is not None
    at_ms, field, old, new = _change_columns(cells, log)
    followed = {
        "state": (log.fields.get("state"), cells.field("state"), "state"),
        "status": (log.fields.get("status"), cells.field("status"), "status"),
        **{f_(n): (log.fields.get(n), cells.field(n), f_(n)) for n in cells.fields},
        **{a_(n): (log.attributes.get(n), cells.attribute(n), a_(n)) for n in cells.attributes},
    }
    is_whole = source.shape == "changelog"
    columns: list[str] = []
    for name, (logged, cell, column) in followed.items():
        value = _then(logged, cell, f"b.{column}", (field, old, new), is_whole=is_whole)
        if name == "state":
            value = f"coalesce({value}, {literal(start_state)})"
        columns.append(f"{value} as {column}")
    columns += [f"{cells.named(column)} as {n_(n)}" for n, column in source.names.items()]
    first = "min(at_ms) over (partition by e.process)"
    created = cells.field("createdAt")
    return f"""
        with events as (
            select
                *,
                {_id(cells, values)} as process,
                {values.milliseconds(at_ms)} as at_ms,
                {values.time(at_ms)} as at_json,
                {values.milliseconds(created) if created else "null::bigint"} as created_ms
            from cells
        ),
        firsts as (
            select *, row_number() over (partition by process order by at_ms, line, seq) as place
            from events
        ),
        -- The state before the first change, where the log begins after the creation.
        begun as (
            select *, seq as ord from events
            union all by name
            select
                * exclude (place) replace (
                    null as {field}, created_ms as at_ms, created_ms::varchar as at_json
                ),
                -1 as ord
            from firsts as f
            anti join base as b using (process)
            where place = 1 and created_ms < at_ms
        )
        select
            e.line, e.seq, e.ord, e.is_shown, e.process, e.{cells.field("id")} as key, e.at_ms,
            e.at_json,
            {_created(values, created and f"e.{created}", f"coalesce(b.created, {first})")},
            {", ".join(columns)},
            {_deleted(cells)} as is_deleted
        from begun as e
        left join base as b using (process)
        window
            until as (
                partition by e.process order by e.at_ms, e.line, e.ord rows unbounded preceding
            ),
            whole as (
                partition by e.process order by e.at_ms, e.line, e.ord
                rows between unbounded preceding and unbounded following
            )
    """


def _change_columns(cells: Cells, log: Log) -> tuple[str, str, str, str]:
    if cells.change:
        at_ms, field, old, new = cells.change
        return at_ms, field, old, new
    old = cells.named(log.old) if log.old else "null::varchar"
    return cells.named(log.at), cells.named(log.field), old, cells.named(log.new)


def _then(
    logged: str | None,
    cell: str | None,
    base: str,
    change: tuple[str, str, str],
    *,
    is_whole: bool,
) -> str:
    """The value of a field after an event.

    That of the last change until then, else that of the last version stored before, else what the
    first change replaced; a document has its present value where nothing changed.
    """
    if logged is None:
        return cell or "null::varchar"
    field, old, new = change
    is_logged = f"{field} = {literal(logged)}"
    changed = f"last_value(case when {is_logged} then {{'v': {new}}} end ignore nulls) over until"
    replaced = f"first_value(case when {is_logged} then {{'v': {old}}} end ignore nulls) over whole"
    otherwise = cell if cell and is_whole else "null::varchar"
    return f"""
        case
            when {changed} is not null then ({changed}).v
            when {base} is not null then {base}
            when {replaced} is not null then ({replaced}).v
            else {otherwise}
        end"""
