"""Which attribute values formulas may read as they stood at an instant of the past.

Only what is entered has a history; derived attributes, the lifecycle and records are as at the
build. Taking the values out of versions is for `transforms/values_then.py`.
"""

from __future__ import annotations

from schemas.attribute_values import values_of
from schemas.definitions import Procedure, Procedures
from schemas.funnel_terms import plan_funnel_terms
from schemas.sla_terms import plan_sla_terms


def values_needed_then(procedure: Procedure) -> tuple[str, ...]:
    """The columns of attributes that a procedure needs as at an instant, in order.

    Formulas of SLA policies and funnel steps read them, and funnels are broken down by them.
    """
    alone = Procedures((procedure,), {})
    read = {name for term in plan_sla_terms(alone) for name in term.reads}
    read |= {name for term in plan_funnel_terms(alone) for name in term.where.reads}
    at_entry = {
        breakdown.attribute
        for funnel in procedure.funnels
        for breakdown in funnel.breakdowns
        if breakdown.at == "entry"
    }
    read |= {
        column
        for value in values_of(procedure)
        if value.short_id in at_entry
        for column in value.columns
    }
    return tuple(
        column for value in values_of(procedure) for column in value.columns if column in read
    )
