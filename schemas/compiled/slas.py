"""The formulas of SLA policies, compiled: which processes have a clock, and its target.

They read the attribute values at the instant at which the clock starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from schemas.definitions.procedure import Procedure, Procedures, names_of_columns
from schemas.definitions.sla import Sla, SlaDuration, SlaTarget
from schemas.formulas import Formula, FormulaProblem, compile_formula
from schemas.loading.problems import Finding, KeyPath
from schemas.records.attribute_values import values_of
from schemas.sql_text import literal, quoted

_OTHERWISE = object()
_NUMBERS = ("BIGINT", "DOUBLE", "DECIMAL(38,9)")


@dataclass(frozen=True)
class SlaTerms:
    """The parts of a policy that depend on values: `where` (a boolean) and the target.

    The target is a number of seconds (`target`) or of working days (`target_days`): of the two
    formulas at most one gives a value. A part that does not depend on values is None.
    """

    procedure: Procedure
    sla: Sla
    where: Formula | None
    target: Formula | None
    target_days: Formula | None

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns its formulas read."""
        formulas = [f for f in (self.where, self.target, self.target_days) if f]
        return frozenset(name for formula in formulas for name in formula.reads)


def attributes_then(procedure: Procedure) -> dict[str, str]:
    """The columns that these formulas may read: those of the attributes, with their types."""
    return {
        column: kind
        for value in values_of(procedure)
        if value.source == "data"
        for column, kind in value.columns.items()
    }


def plan_sla_terms(procedures: Procedures) -> list[SlaTerms]:
    """The terms of all policies that have some; raises `ValueError` if a formula is invalid."""
    terms, findings = check_sla_terms(procedures)
    if findings:
        procedure, finding = findings[0]
        raise ValueError(f"{procedure}: {finding.found}")
    return terms


def check_sla_terms(procedures: Procedures) -> tuple[list[SlaTerms], list[tuple[str, Finding]]]:
    """The terms, and the problems of formulas by the shortId of their procedure."""
    terms: list[SlaTerms] = []
    findings: list[tuple[str, Finding]] = []
    for procedure in procedures:
        columns, names = attributes_then(procedure), names_of_columns(procedure)
        for position, sla in enumerate(procedure.slas):
            path: KeyPath = ("slas", position)
            where = target = target_days = None
            try:
                if sla.where is not None:
                    path = ("slas", position, "where")
                    where = compile_formula(sla.where, columns, names=names, expects="BOOLEAN")
                path = ("slas", position, "target")
                if sla.target.formula is not None:
                    path = (*path, "formula")
                    target = _compiled_target(sla.target.formula, columns, names)
                elif sla.target.by is not None:
                    by = _column_of(procedure, sla.target.by)
                    target, target_days = (
                        _compiled_target(text, columns, names) if text is not None else None
                        for text in _texts_by_attribute(sla.target, by)
                    )
            except FormulaProblem as problem:
                findings.append((procedure.short_id, Finding(path, problem.found, problem.allowed)))
            if where or target or target_days:
                terms.append(SlaTerms(procedure, sla, where, target, target_days))
    return terms, findings


def _compiled_target(text: str, columns: Mapping[str, str], names: Mapping[str, str]) -> Formula:
    formula = compile_formula(text, columns, names=names)
    if formula.type not in _NUMBERS:
        raise FormulaProblem(f"a formula that gives {formula.type}", "a number of seconds")
    return formula


def _column_of(procedure: Procedure, short_id: str) -> str:
    return next(a.column for a in procedure.attributes if a.short_id == short_id)


def _texts_by_attribute(target: SlaTarget, column: str) -> tuple[str | None, str | None]:
    """The seconds and the working days of a target by attribute, as formulas.

    Each is null where the target is given in the other unit, and None where it always is.
    """
    given: dict[object, SlaDuration] = {**target.values}
    if target.otherwise is not None:
        given[_OTHERWISE] = target.otherwise
    seconds = {key: d.milliseconds and d.milliseconds // 1000 for key, d in given.items()}
    days = {key: d.days for key, d in given.items()}
    return _case(column, seconds), _case(column, days)


def _case(column: str, numbers: Mapping[object, int | None]) -> str | None:
    if all(number is None for number in numbers.values()):
        return None
    shown = {key: "null" if number is None else str(number) for key, number in numbers.items()}
    otherwise = shown.pop(_OTHERWISE, "null")
    cases = " ".join(f"when {_literal(value)} then {number}" for value, number in shown.items())
    return f"case {quoted(column)} {cases} else {otherwise} end"


def _literal(value: object) -> str:
    return literal(value) if isinstance(value, str) else str(value)
