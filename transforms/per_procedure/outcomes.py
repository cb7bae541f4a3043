"""SQL for the groups of processes whose outcomes are compared."""

from __future__ import annotations

from schemas.definitions.procedure import Procedure, Procedures
from schemas.records.attribute_values import values_of
from schemas.sql_text import literal
from transforms.per_procedure.wide import attributes_table, value_text

_GROUP = """
select
    o.process_id,
    o.procedure,
    {attribute} as attribute,
    {value} as value,
    o.outcome,
    if(o.is_observed_from_start, 0, epoch_ms(o.entered_at) - epoch_ms(o.started_at) + 1) as from_ms,
    epoch_ms(o.ended_at) - epoch_ms(o.started_at) as ms
from process_outcomes as o
{join}where {condition}
"""
_MONTHS = _GROUP.format(
    attribute="' month'",
    value="date_trunc('month', local_day(o.started_at, b.time_zone))::date::varchar",
    join="cross join build as b\n",
    condition="o.is_observed_from_start",
)
# Not the wide table: planning its joins takes longer than all of a small build.
_VALUES = "inner join {attributes} as a on a.process_id = o.process_id\n"


def outcome_groups_sql(procedures: Procedures) -> str:
    """Grain: one row per process in the group of all processes of its procedure (attribute and
    value are empty text), one in that of the month it began in (attribute ` month`, which no
    attribute can be called) if it was observed from then, and one per attribute of `compareBy`, in
    the group of its value.

    Values are text, as of the build, and empty where there is none. A process is at risk from
    `from_ms` to `ms`, both included: it is not at the very time of a late entry, as the version
    that lets it enter may be the one that ends it. One that never was at risk is left out.
    """
    groups = [
        _GROUP.format(attribute="''", value="''", join="", condition="o.entered_at is not null"),
        _MONTHS,
    ]
    groups += [
        _group_by_value(procedure, attribute)
        for procedure in procedures
        for attribute in procedure.compare_by
    ]
    return "union all".join(groups)


def _group_by_value(procedure: Procedure, attribute: str) -> str:
    (value,) = [value for value in values_of(procedure) if value.short_id == attribute]
    return _GROUP.format(
        attribute=literal(attribute),
        value=f"coalesce({value_text(value, 'a')}, '')",
        join=_VALUES.format(attributes=f"history_{attributes_table(procedure)}"),
        condition="o.entered_at is not null",
    )
