"""SQL for the conditions of funnel steps and for breakdowns, which read attribute values."""

from __future__ import annotations

from schemas.compiled.funnels import StepTerm, plan_funnel_terms
from schemas.compiled.wide_table import wide_table_name
from schemas.definitions.funnel import FunnelBreakdown
from schemas.definitions.procedure import Procedure, Procedures
from schemas.records.attribute_values import values_of
from schemas.sql_text import literal, with_more_rows
from transforms.config.funnels import numbered_funnels
from transforms.per_procedure.values_at import moment_columns, values_then_name, values_then_step
from transforms.per_procedure.wide import value_text

_OCCURRENCE = (
    "funnel_no",
    "step_no",
    "process_id",
    "version_no",
    "place",
    "move_no",
    "is_move",
    "happened_at",
)
_MEMBER = ("mode", "funnel_no", "process_id")
_TERMED = """
    select c.*
    from funnel_candidates as c
    inner join funnel_step_list as s on s.funnel_no = c.funnel_no and s.step_no = c.step_no
    where s.has_where
"""
_OCCURRENCES = """\
select {columns}
from (
    select
        {renamed},
        {where} as holds
    from {values}
    where "moment:funnel_no" = {funnel_no} and "moment:step_no" = {step_no}
) as checked
where holds.v"""
_GROUPS_AT_ENTRY = """\
select
    v."moment:mode" as mode,
    v."moment:funnel_no" as funnel_no,
    v."moment:process_id" as process_id,
    'attribute' as grouping,
    {attribute} as attribute,
    'entry' as value_of,
    coalesce({value}, '') as value
from {values} as v
where v."moment:funnel_no" = {funnel_no}"""
_GROUPS_NOW = """\
select
    m.mode,
    m.funnel_no,
    m.process_id,
    'attribute' as grouping,
    {attribute} as attribute,
    'now' as value_of,
    coalesce({value}, '') as value
from funnel_moments as m
inner join {values} as v on v.process_id = m.process_id
where m.funnel_no = {funnel_no}"""


def funnel_occurrences_sql(procedures: Procedures, select: str) -> str:
    """The statement `select`, for steps without a condition, together with all other steps.

    A condition that is null or cannot be computed does not hold.
    """
    terms = plan_funnel_terms(procedures)
    if not terms:
        return select
    numbers = {
        (procedure.short_id, funnel.name): number
        for number, procedure, funnel in numbered_funnels(list(procedures))
    }
    read = {t.procedure.short_id: t.procedure for t in terms}.values()
    steps = [f"termed as materialized ({_TERMED})"]
    steps += [values_then_step("termed", procedure, keep=_OCCURRENCE) for procedure in read]
    occurrences = (
        _occurrences(term, numbers[term.procedure.short_id, term.funnel.name]) for term in terms
    )
    return with_more_rows(select, steps, occurrences)


def funnel_groups_sql(procedures: Procedures, select: str) -> str:
    """The statement `select`, with a group for each value of the attributes of breakdowns."""
    breakdowns = [
        (number, procedure, breakdown)
        for number, procedure, funnel in numbered_funnels(list(procedures))
        for breakdown in funnel.breakdowns
    ]
    read = {p.short_id: p for _, p, breakdown in breakdowns if breakdown.at == "entry"}.values()
    steps = [values_then_step("funnel_moments", procedure, keep=_MEMBER) for procedure in read]
    return with_more_rows(select, steps, (_groups(*breakdown) for breakdown in breakdowns))


def _occurrences(term: StepTerm, number: int) -> str:
    """Grain: one row per occurrence of a step whose condition holds then."""
    return _OCCURRENCES.format(
        columns=", ".join(_OCCURRENCE),
        renamed=moment_columns(_OCCURRENCE, 8),
        where=term.where.checked.sql(dialect="duckdb"),
        values=values_then_name(term.procedure),
        funnel_no=number,
        step_no=term.step_no,
    )


def _groups(number: int, procedure: Procedure, breakdown: FunnelBreakdown) -> str:
    """Grain: one row per mode and process that entered one funnel, in the group of its value."""
    (value,) = [v for v in values_of(procedure) if v.short_id == breakdown.attribute]
    at_entry = breakdown.at == "entry"
    return (_GROUPS_AT_ENTRY if at_entry else _GROUPS_NOW).format(
        attribute=literal(breakdown.attribute),
        value=value_text(value, "v"),
        values=values_then_name(procedure) if at_entry else wide_table_name(procedure.short_id),
        funnel_no=number,
    )
