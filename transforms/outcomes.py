"""The groups of processes whose outcomes are compared, generated through sqlglot.

What is estimated of each group is in `steps/outcome_estimates.sql`.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from schemas.attribute_values import values_of
from schemas.definitions import Procedure, Procedures
from transforms.wide import attributes_table


def outcome_groups_sql(procedures: Procedures) -> str:
    """Grain: one row per process in the group of all of its procedure (attribute and value are
    empty texts), and one per attribute its procedure compares by, in the group of its value.

    Values are as at the build, as text, and empty where there is none.
    """
    query: exp.Query = _members(exp.Literal.string(""), exp.Literal.string(""))
    for procedure in procedures:
        for attribute in procedure.compare_by:
            query = query.union(_by_value(procedure, attribute), distinct=False)
    return query.sql(dialect="duckdb", pretty=True)


def _members(attribute: exp.Expr, value: exp.Expr) -> exp.Select:
    elapsed = sqlglot.parse_one("epoch_ms(o.ended_at) - epoch_ms(o.started_at)", dialect="duckdb")
    return exp.select(
        "o.process_id",
        "o.procedure",
        exp.alias_(attribute, "attribute"),
        exp.alias_(value, "value"),
        "o.outcome",
        exp.alias_(elapsed, "ms"),
    ).from_(exp.alias_(exp.to_table("process_outcomes"), "o", table=True))


def _by_value(procedure: Procedure, attribute: str) -> exp.Select:
    (value,) = [v for v in values_of(procedure) if v.short_id == attribute]
    texts = [exp.cast(exp.column(name, "a", quoted=True), "varchar") for name in value.columns]
    text = texts[0]
    for part in texts[1:]:
        text = exp.DPipe(
            this=exp.DPipe(this=text, expression=exp.Literal.string(",")), expression=part
        )
    known = exp.Coalesce(this=text, expressions=[exp.Literal.string("")])
    return _members(exp.Literal.string(attribute), known).join(
        # Not the wide table: planning its joins takes longer than all of a small build.
        exp.alias_(exp.to_table(f"history_{attributes_table(procedure)}"), "a", table=True),
        on="a.process_id = o.process_id",
    )
