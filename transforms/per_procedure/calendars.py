"""SQL that chooses the calendar of each process over time, by the definition of its procedure."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.compiled.calendars import calendar_formula
from schemas.definitions.procedure import Procedure
from schemas.sql_text import literal, quoted, union_all
from transforms.per_procedure.values_at import VERSION_NO, values_table

# Columns of `processes` as they were at a version, by the tables that hold them: `v` the version,
# `s` its state, `r` its raw record, `f` what follows from the versions until then, `c` the latest
# closing.
_VERSION_COLUMNS = {
    "process_id": "v.process_id",
    "team_id": "r.team_id",
    "procedure": "v.procedure",
    "record_id": "r.record_id",
    "entity_id": "r.entity_id",
    "pod_id": "v.pod_id",
    "created_by": "r.created_by",
    "assigned_to": "v.assigned_to",
    "status": "v.status",
    "state": "s.state",
    "state_name": "s.state_name",
    "state_kind": "s.state_kind",
    "outcome": """case
            when v.is_deleted then 'deleted'
            when v.status = 'COMPLETED' then 'completed'
            when v.status = 'CANCELLED' then 'cancelled'
            else 'open'
        end""",
    "created_at": "v.created_at",
    "updated_at": "v.updated_at",
    "completed_at": "case when v.status = 'COMPLETED' and not v.is_deleted then c.closed_at end",
    "cancelled_at": "case when v.status = 'CANCELLED' and not v.is_deleted then c.closed_at end",
    "deleted_at": "case when v.is_deleted then f.deleted_at end",
    "next_action_at": "v.next_action_at",
    "first_assigned_to": "r.first_assigned_to",
    "first_assigned_at": """case
            when v.first_assigned_at between v.started_at and v.updated_at
                then v.first_assigned_at
            else f.assigned_at
        end""",
    "last_assigned_at": "r.last_assigned_at",
    "primary_booking_id": "r.primary_booking_id",
    "parent_procedure": "r.parent_procedure",
    "parent_process_id": "r.parent_process_id",
    "first_seen_at": "v.first_seen_at",
    "n_versions": "v.version_no::integer",
}
_JOINS = {
    "s.": """
    inner join states as s on s.procedure = v.procedure and s.state_rank = v.state_rank""",
    "r.": """
    inner join raw_versions as r on r.process_id = v.process_id and r.ingest_seq = v.ingest_seq""",
    "f.": """
    inner join (
        select
            process_id,
            version_no,
            max(updated_at) filter (is_deleted and (version_no = 1 or not previous_is_deleted))
                over version_order as deleted_at,
            min(if(version_no = 1, started_at, updated_at))
                filter (not is_deleted and assigned_to is not null)
                over version_order as assigned_at
        from versions
        window version_order as (partition by process_id order by version_no)
    ) as f on f.process_id = v.process_id and f.version_no = v.version_no""",
    "c.": """
    left join (
        select
            process_id,
            started_at as closed_at,
            shown_version_no,
            lead(shown_version_no) over (
                partition by process_id order by spell_no
            ) as next_version_no
        from status_spells
        where status = 'OPEN' or began_by is distinct from 'moved_in'
    ) as c
        on c.process_id = v.process_id
        and v.version_no >= c.shown_version_no
        and (c.next_version_no is null or v.version_no < c.next_version_no)""",
}
_VALUES_JOIN = """
    left join (
        select
            *,
            lead("{version_no}") over (
                partition by process_id order by "{version_no}"
            ) as "next {version_no}"
        from {values}
    ) as a
        on a.process_id = v.process_id
        and v.version_no >= a."{version_no}"
        and (a."next {version_no}" is null or v.version_no < a."next {version_no}")"""
# The values change only in the versions that `values` holds.
_CHANGES_JOIN = """
    inner join {values} as a on a.process_id = v.process_id and a."{version_no}" = v.version_no"""
# The names with a blank cannot be those of attributes, which the formula may read.
_BY_FORMULA = """\
select
    "chosen process" as process_id,
    "chosen procedure" as procedure,
    "chosen version" as version_no,
    "chosen from" as started_at,
    ({formula}).v as calendar,
    {otherwise} as otherwise
from (
    select
        v.process_id as "chosen process",
        v.procedure as "chosen procedure",
        v.version_no as "chosen version",
        if(v.version_no = 1, v.started_at, v.updated_at) as "chosen from"{columns}
    from versions as v{joins}
    where v.procedure = {procedure}
)"""
_BY_NAME = """\
select
    process_id,
    procedure,
    version_no,
    if(version_no = 1, started_at, updated_at) as started_at,
    null::varchar as calendar,
    {otherwise} as otherwise
from versions
where procedure = {procedure} and (version_no = 1 or is_new_procedure)"""
_CHOICE = {
    "process_id": "uuid",
    "procedure": "varchar",
    "version_no": "bigint",
    "started_at": "timestamp",
    "calendar": "varchar",
    "otherwise": "varchar",
}


def process_calendars_sql(procedures: Sequence[Procedure], select: str) -> str:
    """The statement `select`, which reads `choices`, with the choices of `procedures`.

    Grain of `choices`: one row per version from which another calendar may apply, with the name
    that the formula gives (null without a formula, or where it fails) and the calendar that applies
    otherwise. The formula reads the values of that version.
    """
    choices = union_all(_CHOICE, map(_choices, procedures))
    return f"with choices as (\n{choices}\n)\n\nfrom (\n{select}\n)"


def _choices(procedure: Procedure) -> str:
    formula = calendar_formula(procedure)
    otherwise = literal(procedure.calendar.otherwise)
    if formula is None:
        return _BY_NAME.format(otherwise=otherwise, procedure=literal(procedure.short_id))
    places = {
        name: _VERSION_COLUMNS.get(name, f"a.{quoted(name)}") for name in sorted(formula.reads)
    }
    joins = [join for alias, join in _JOINS.items() if any(alias in p for p in places.values())]
    attributes = places.keys() - _VERSION_COLUMNS.keys()
    if attributes:
        join = _CHANGES_JOIN if attributes == places.keys() else _VALUES_JOIN
        joins.append(join.format(version_no=VERSION_NO, values=values_table(procedure)))
    columns = "".join(f",\n        {place} as {quoted(name)}" for name, place in places.items())
    return _BY_FORMULA.format(
        formula=formula.checked.sql(dialect="duckdb"),
        otherwise=otherwise,
        procedure=literal(procedure.short_id),
        columns=columns,
        joins="".join(joins),
    )
