"""The attribute values that are needed as they were at an instant in the past.

Only entered values have a history; derived attributes, the lifecycle and records are known as at
the build.
"""

from __future__ import annotations

from schemas.compiled.calendars import calendar_formula
from schemas.compiled.funnels import plan_funnel_terms
from schemas.compiled.slas import plan_sla_terms
from schemas.definitions.procedure import Procedure, Procedures
from schemas.records.attribute_values import values_of


def values_needed_then(procedure: Procedure) -> tuple[str, ...]:
    """The columns of attributes that a procedure needs as at an instant, in order.

    The formulas of its calendar, SLA policies and funnel steps read them, and funnels are broken
    down by them.
    """
    alone = Procedures((procedure,), {})
    read = {name for term in plan_sla_terms(alone) for name in term.reads}
    read |= {name for term in plan_funnel_terms(alone) for name in term.where.reads}
    calendar = calendar_formula(procedure)
    read |= calendar.reads if calendar else frozenset()
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
