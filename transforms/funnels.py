"""What funnels take from attribute values: conditions on steps, and breakdowns, through sqlglot.

How steps are reached and counted is in `steps/funnel_*.sql`.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from schemas.attribute_values import values_of
from schemas.definitions import Procedure, Procedures
from schemas.funnel_terms import StepTerm, plan_funnel_terms
from schemas.funnels import FunnelBreakdown
from transforms.funnel_config import numbered_funnels
from transforms.values_then import with_values_then
from transforms.wide import wide_table

_OCCURRENCE = (
    "funnel_no",
    "step_no",
    "process_id",
    "version_no",
    "place",
    "visit_no",
    "is_visit",
    "happened_at",
)
_MEMBER = ("mode", "funnel_no", "process_id")
_MOMENTS = "funnel_moments"
_TERMED = """
    select c.*
    from funnel_candidates as c
    inner join funnel_step_list as s on s.funnel_no = c.funnel_no and s.step_no = c.step_no
    where s.has_where
"""


def funnel_occurrences_sql(procedures: Procedures, select: str) -> str:
    """The statement `select`, which takes steps without a condition, with all others.

    A condition that is null or cannot be computed does not hold.
    """
    simple = sqlglot.parse_one(select, dialect="duckdb")
    assert isinstance(simple, exp.Query)
    query: exp.Query = exp.select(*_OCCURRENCE).from_(simple.subquery("simple"))
    terms = plan_funnel_terms(procedures)
    numbers = {
        (procedure.short_id, funnel.name): number
        for number, procedure, funnel in numbered_funnels(list(procedures))
    }
    for term in terms:
        number = numbers[term.procedure.short_id, term.funnel.name]
        query = query.union(_occurrences(term, number), distinct=False)
    if terms:
        termed = sqlglot.parse_one(_TERMED, dialect="duckdb")
        query = query.with_("termed", as_=termed, materialized=True)
    for procedure in {t.procedure.short_id: t.procedure for t in terms}.values():
        values = with_values_then("termed", procedure, keep=_OCCURRENCE)
        query = query.with_(_values_name(procedure), as_=values, materialized=True)
    return query.sql(dialect="duckdb", pretty=True, comments=False)


def funnel_groups_sql(procedures: Procedures, select: str) -> str:
    """The statement `select`, with a group for each value of the attributes of breakdowns."""
    common = sqlglot.parse_one(select, dialect="duckdb")
    assert isinstance(common, exp.Query)
    query: exp.Query = exp.select("*").from_(common.subquery("common"))
    reading_then: dict[str, Procedure] = {}
    for number, procedure, funnel in numbered_funnels(list(procedures)):
        for breakdown in funnel.breakdowns:
            if breakdown.at == "entry":
                reading_then[procedure.short_id] = procedure
            query = query.union(_members(number, procedure, breakdown), distinct=False)
    for procedure in reading_then.values():
        values = with_values_then(_MOMENTS, procedure, keep=_MEMBER)
        query = query.with_(_values_name(procedure), as_=values, materialized=True)
    return query.sql(dialect="duckdb", pretty=True, comments=False)


def _values_name(procedure: Procedure) -> str:
    return f"{procedure.short_id.lower()}_then"


def _occurrences(term: StepTerm, number: int) -> exp.Select:
    """Grain: one row per occurrence of a step whose condition holds then."""
    columns = [exp.alias_(exp.column(f" {name}", quoted=True), name) for name in _OCCURRENCE]
    checked = exp.select(*columns, exp.alias_(term.where.checked.copy(), "holds"))
    checked = checked.from_(_values_name(term.procedure))
    for name, wanted in (("funnel_no", number), ("step_no", term.step_no)):
        column = exp.column(f" {name}", quoted=True)
        checked = checked.where(exp.EQ(this=column, expression=exp.Literal.number(wanted)))
    return exp.select(*_OCCURRENCE).from_(checked.subquery("checked")).where("holds.v")


def _members(number: int, procedure: Procedure, breakdown: FunnelBreakdown) -> exp.Select:
    """Grain: one row per mode and process that entered one funnel, in the group of its value."""
    (value,) = [v for v in values_of(procedure) if v.short_id == breakdown.attribute]
    texts = [exp.cast(exp.column(name, "v", quoted=True), "varchar") for name in value.columns]
    text = texts[0]
    for part in texts[1:]:
        text = exp.DPipe(
            this=exp.DPipe(this=text, expression=exp.Literal.string(",")), expression=part
        )
    if breakdown.at == "entry":
        keys = [exp.alias_(exp.column(f" {n}", "v", quoted=True), n) for n in _MEMBER]
        source = exp.alias_(exp.to_table(_values_name(procedure)), "v", table=True)
    else:
        keys = [exp.column(n, "m") for n in _MEMBER]
        source = exp.alias_(exp.to_table(_MOMENTS), "m", table=True)
    query = exp.select(
        *keys,
        exp.alias_(exp.Literal.string("attribute"), "grouping"),
        exp.alias_(exp.Literal.string(breakdown.attribute), "attribute"),
        exp.alias_(exp.Literal.string(breakdown.at), "value_of"),
        exp.alias_(exp.Coalesce(this=text, expressions=[exp.Literal.string("")]), "value"),
    ).from_(source)
    if breakdown.at == "now":
        wide = exp.alias_(exp.to_table(wide_table(procedure)), "v", table=True)
        query = query.join(wide, on="v.process_id = m.process_id")
    number_of = exp.column(" funnel_no", "v", quoted=True)
    if breakdown.at == "now":
        number_of = exp.column("funnel_no", "m")
    return query.where(exp.EQ(this=number_of, expression=exp.Literal.number(number)))
