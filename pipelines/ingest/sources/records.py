"""SQL that writes versions as lines of process records."""

from collections.abc import Iterator

from pipelines.ingest.sources.shapes import Cells, a_, f_, n_
from pipelines.ingest.sources.values import Values, key_of
from schemas.definitions.procedure import Procedure
from schemas.sql_text import literal

USERS = ("createdBy", "assignedTo", "firstAssignedTo")
_WITH_HISTORY = ("event_log", "changelog", "wide_dates", "stage_rows", "snapshots")
_CLOSINGS = (("completedAt", "COMPLETED"), ("cancelledAt", "CANCELLED"))


def records_query(cells: Cells, values: Values, procedure: Procedure) -> str:
    """The query for `line, seq, record` from the table `versions`, in order of the rows.

    Without a column that has it, a process was closed at the first version with its status.
    """
    members = ",".join(_members(cells, values, procedure))
    state, status = values.state("state"), values.status("status")
    return f"""
        with stated as (
            select v.* replace (
                {state} as state,
                case
                    when v.status is not null then {status}
                    else {values.outcome(state)}
                end as status
            )
            from versions as v
        ),
        turned as (
            select
                v.*,
                lag(v.status) over w is distinct from v.status as is_turn,
                row_number() over w = 1 and b.status is not distinct from v.status as is_as_before,
                b.since as since_before
            from stated as v
            left join base as b using (process)
            window w as (partition by v.process order by v.at_ms, v.line, v.ord)
        ),
        dated as (
            select
                *,
                last_value(
                    case when is_as_before then since_before when is_turn then at_ms end
                    ignore nulls
                ) over (partition by process order by at_ms, line, ord rows unbounded preceding)
                    as since
            from turned
        )
        select line, seq, concat_ws('', '{{', concat_ws(',', {members}), '}}') as record
        from dated
        where is_shown
        order by line, ord
    """


def _members(cells: Cells, values: Values, procedure: Procedure) -> Iterator[str]:
    """The members of the record; one that is null is left out."""
    source = cells.source
    yield f"{key_of('id')} || json_of(process)"
    if "team" not in cells.fields:
        team = source.team or str(source.namespace)
        yield literal(f'"team":"{team}"')
    yield literal(f'"procedure":"{procedure.id}"')
    yield f"{key_of('status')} || json_of(status)"
    yield f"{key_of('state')} || json_of(state)"
    yield f"{key_of('createdAt')} || created_json"
    yield f"{key_of('updatedAt')} || at_json"
    for name in cells.fields:
        value = f_(name)
        json = f"{key_of(name)} || {values.field(name, value)}"
        yield f"case when {value} is not null then {json} end"
    if source.shape in _WITH_HISTORY:
        for name, status in _CLOSINGS:
            if name not in cells.fields:
                yield f"case when status = '{status}' then {key_of(name)} || since::varchar end"
    if source.deletion or "isDeleted" not in cells.fields:
        yield f"case when is_deleted then {key_of('isDeleted')} || 'true' end"
    data = [
        *(
            f"case when {a_(name)} is not null "
            f"then {key_of(name)} || {values.attribute(name, a_(name))} end"
            for name in cells.attributes
        ),
        *(f"{key_of(name)} || json_of(key)" for name in cells.keys),
    ]
    if data:
        yield f"{key_of('data')} || concat_ws('', '{{', concat_ws(',', {', '.join(data)}), '}}')"


def users_query(cells: Cells, values: Values) -> str | None:
    """The query for `line, seq, record` with the id and name of each user; None without users.

    A key is the name where no column has one; an id alone has none.
    """
    parts: list[str] = []
    for name in USERS:
        if name not in cells.fields:
            continue
        value = f_(name)
        named = f"coalesce({n_(name)}, {value})" if name in cells.source.names else value
        parts.append(f"""
            select line, seq, {values.user(value)} as id, {named} as name
            from versions where is_shown and {value} is not null and not is_uuid({named})
        """)
    if not parts:
        return None
    return f"""
        with users as ({" union all ".join(parts)})
        select
            line, seq,
            '{{"id":' || json_of(id) || ',"name":' || json_of(name) || '}}' as record
        from users
        qualify row_number() over (partition by id order by line desc, seq desc) = 1
        order by line, seq, id
    """
