"""Which attribute values formulas may read as they stood at an instant of the past.

Only what is entered has a history; derived attributes, the lifecycle and records are as at the
build. Taking the values out of versions is for `transforms/values_then.py`.
"""

from __future__ import annotations

from schemas.attribute_rules import values_of
from schemas.definitions import Procedure, Procedures
from schemas.sla_terms import plan_sla_terms


def values_needed_then(procedure: Procedure) -> tuple[str, ...]:
    """The columns of attributes that formulas of a procedure read at an instant, in order."""
    terms = plan_sla_terms(Procedures((procedure,), {}))
    read = {name for term in terms for name in term.reads}
    return tuple(
        column for value in values_of(procedure) for column in value.columns if column in read
    )
