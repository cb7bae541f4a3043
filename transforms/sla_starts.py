"""What may start the clock of an SLA policy, and its target, generated through sqlglot.

What an event is, is in `steps/sla_moments.sql`; which of them start a clock in
`steps/sla_cycles.sql`.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from schemas.definitions import Procedure, Procedures
from schemas.sla_terms import SlaTerms, plan_sla_terms
from transforms.values_then import with_values_then

_KEPT = ("policy_no", "process_id", "event", "happened_at", "version_no")
_NAMED = ("procedure", "policy", *_KEPT)
_LONGEST_SECONDS = 100 * 366 * 86400  # a century
_TERMED = """
    select
        p.procedure, p.policy, m.policy_no, m.process_id, m.event, m.happened_at, m.version_no
    from sla_moments as m
    inner join sla_policies as p on p.policy_no = m.policy_no
    where m.role = 'start' and p.has_terms
"""


def sla_starts_sql(procedures: Procedures, select: str) -> str:
    """The statement `select`, which takes policies with one target for all, with all others.

    Where `where` is not true, or the target is null, negative or above a century, or one of them
    cannot be computed, the policy does not apply and nothing starts.
    """
    simple = sqlglot.parse_one(select, dialect="duckdb")
    assert isinstance(simple, exp.Query)
    query: exp.Query = exp.select("*").from_(simple.subquery("simple"))
    terms = plan_sla_terms(procedures)
    for term in terms:
        query = query.union(_starts(term), distinct=False)
    if terms:
        termed = sqlglot.parse_one(_TERMED, dialect="duckdb")
        query = query.with_("termed", as_=termed, materialized=True)
    for procedure in {t.procedure.short_id: t.procedure for t in terms}.values():
        values = with_values_then("termed", procedure, keep=_NAMED)
        query = query.with_(_values_name(procedure), as_=values, materialized=True)
    return query.sql(dialect="duckdb", pretty=True, comments=False)


def _values_name(procedure: Procedure) -> str:
    return f"{procedure.short_id.lower()}_then"


def _starts(terms: SlaTerms) -> exp.Select:
    """Grain: one row per event that may start a clock of one policy, where it applies."""
    checked = exp.select(*(exp.alias_(exp.column(f" {name}", quoted=True), name) for name in _KEPT))
    applies = terms.where.checked.copy() if terms.where else _truth()
    checked.select(exp.alias_(applies, "applies"), copy=False)
    if terms.target:
        seconds = exp.alias_(terms.target.checked.copy(), "target")
        checked.select(seconds, copy=False)
    else:
        assert terms.sla.target.duration
        fixed = exp.Literal.number(round(terms.sla.target.duration.total_seconds()))
        checked.select(exp.alias_(_struct(fixed), "target"), copy=False)
    checked = checked.from_(_values_name(terms.procedure))
    mine = {"procedure": terms.procedure.short_id, "policy": terms.sla.name}
    for name, value in mine.items():
        column = exp.column(f" {name}", quoted=True)
        checked = checked.where(exp.EQ(this=column, expression=exp.Literal.string(value)))
    # In a case, as very large numbers may not be multiplied.
    target_ms = f"case when target.v between 0 and {_LONGEST_SECONDS} "
    target_ms += "then round(target.v * 1000)::bigint end as target_ms"
    timed = exp.select(*_KEPT, "applies").select(target_ms).from_(checked.subquery("checked"))
    return (
        exp.select(*_KEPT, "target_ms")
        .from_(timed.subquery("timed"))
        .where("applies.v and target_ms is not null")
    )


def _struct(value: exp.Expr) -> exp.Expr:
    member = exp.PropertyEQ(this=exp.to_identifier("v"), expression=value)
    return exp.Anonymous(this="struct_pack", expressions=[member])


def _truth() -> exp.Expr:
    return _struct(exp.true())
