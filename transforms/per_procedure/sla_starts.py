"""SQL for the events that may start the clocks of SLA policies, with the target of each clock."""

from __future__ import annotations

from schemas.compiled.slas import SlaTerms, plan_sla_terms
from schemas.definitions.procedure import Procedures
from schemas.formulas import Formula
from schemas.sql_text import literal, with_more_rows
from transforms.per_procedure.values_at import moment_columns, values_then_name, values_then_step

_KEPT = (
    "policy_no",
    "process_id",
    "role",
    "event",
    "happened_at",
    "passed_at",
    "version_no",
    "place",
)
_MAX_SECONDS = 100 * 366 * 86400  # a century
_TERMED = """
    select p.procedure, p.policy, p.target_ms, p.target_days, {kept}
    from sla_moments as m
    inner join clocks as p on p.policy_no = m.policy_no
    where m.role in ('start', 'renewal') and p.has_terms
"""
# In a case, because very large numbers cannot be multiplied.
_STARTS = """\
select {kept}, target_ms, target_days
from (
    select
        {kept},
        applies,
        case when seconds.v between 0 and {max_seconds} then round(seconds.v * 1000)::bigint end
            as target_ms,
        days.v::bigint as target_days
    from (
        select
            {renamed},
            {applies} as applies,
            {seconds} as seconds,
            {days} as days
        from {values}
        where "moment:procedure" = {procedure} and "moment:policy" = {policy}
    ) as checked
) as timed
where applies.v and (target_ms is not null or target_days is not null)"""


def sla_starts_sql(procedures: Procedures, select: str) -> str:
    """The statement `select`, for policies without formulas, together with all other policies.

    A policy does not apply, and nothing starts, where `where` is not true, where the target is
    null, negative or above a century, and where one of them cannot be computed.
    """
    terms = plan_sla_terms(procedures)
    if not terms:
        return select
    read = {t.procedure.short_id: t.procedure for t in terms}.values()
    kept = ", ".join(f"m.{name}" for name in _KEPT)
    named = ("procedure", "policy", "target_ms", "target_days", *_KEPT)
    steps = [f"termed as materialized ({_TERMED.format(kept=kept)})"]
    steps += [values_then_step("termed", procedure, keep=named) for procedure in read]
    return with_more_rows(select, steps, map(_starts, terms))


def _starts(terms: SlaTerms) -> str:
    """Grain: one row per event that may start a clock of one policy, where it applies."""
    target = terms.sla.target
    seconds, days = _checked(terms.target), _checked(terms.target_days)
    if target.duration is not None:
        seconds = 'struct_pack(v := "moment:target_ms" / 1000)'
        days = 'struct_pack(v := "moment:target_days")'
    return _STARTS.format(
        kept=", ".join(_KEPT),
        max_seconds=_MAX_SECONDS,
        renamed=moment_columns(_KEPT, 12),
        applies=_checked(terms.where) if terms.where else "struct_pack(v := true)",
        seconds=seconds,
        days=days,
        values=values_then_name(terms.procedure),
        procedure=literal(terms.procedure.short_id),
        policy=literal(terms.sla.name),
    )


def _checked(formula: Formula | None) -> str:
    if formula is None:
        return "struct_pack(v := null::bigint)"
    return formula.checked.sql(dialect="duckdb")
