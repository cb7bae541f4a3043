"""The formulas of SLA policies, compiled: which processes have a clock, and its target.

They read the attributes as they stood when the clock started. What else a policy says is checked in
`definition_slas.py`; evaluating formulas is for `transforms/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from schemas.attribute_values import values_of
from schemas.definition_problems import Finding, KeyPath
from schemas.definitions import Procedure, Procedures
from schemas.formulas import Formula, FormulaProblem, compile_formula
from schemas.sla_policies import Sla, SlaTarget

_NUMBERS = ("BIGINT", "DOUBLE", "DECIMAL(38,9)")


@dataclass(frozen=True)
class SlaTerms:
    """What a policy makes depend on values: `where` (a truth), `target` (a number of seconds).

    A part without a formula is None.
    """

    procedure: Procedure
    sla: Sla
    where: Formula | None
    target: Formula | None

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns its formulas read."""
        formulas = [formula for formula in (self.where, self.target) if formula]
        return frozenset(name for formula in formulas for name in formula.reads)


def attributes_then(procedure: Procedure) -> dict[str, str]:
    """The columns of the attributes with their types: what such formulas may read."""
    return {
        column: kind
        for value in values_of(procedure)
        if value.source == "data"
        for column, kind in value.columns.items()
    }


def plan_sla_terms(procedures: Procedures) -> list[SlaTerms]:
    """The terms of checked policies that have some; raises `ValueError` for others."""
    terms, findings = check_sla_terms(procedures)
    if findings:
        procedure, finding = findings[0]
        raise ValueError(f"{procedure}: {finding.found}")
    return terms


def check_sla_terms(procedures: Procedures) -> tuple[list[SlaTerms], list[tuple[str, Finding]]]:
    """The terms, and what is wrong with formulas, by the procedure's shortId."""
    terms: list[SlaTerms] = []
    findings: list[tuple[str, Finding]] = []
    for procedure in procedures:
        columns = attributes_then(procedure)
        for position, sla in enumerate(procedure.slas):
            path: KeyPath = ("slas", position)
            where = target = None
            try:
                if sla.where is not None:
                    path = ("slas", position, "where")
                    where = compile_formula(sla.where, columns, expects="BOOLEAN")
                path = ("slas", position, "target")
                text = _target_text(sla.target, procedure)
                if text is not None:
                    path = (*path, "formula") if sla.target.formula else path
                    target = _compiled_target(text, columns)
            except FormulaProblem as problem:
                findings.append((procedure.short_id, Finding(path, problem.found, problem.allowed)))
            if where or target:
                terms.append(SlaTerms(procedure, sla, where, target))
    return terms, findings


def _compiled_target(text: str, columns: Mapping[str, str]) -> Formula:
    formula = compile_formula(text, columns)
    if formula.type not in _NUMBERS:
        raise FormulaProblem(f"a formula that gives {formula.type}", "a number of seconds")
    return formula


def _target_text(target: SlaTarget, procedure: Procedure) -> str | None:
    """The target as a formula; None where it is the same for all."""
    if target.by is None:
        return target.formula
    columns = {a.short_id: a.column for a in procedure.attributes}
    cases = " ".join(
        f"when {_literal(value)} then {duration.total_seconds():.0f}"
        for value, duration in target.values.items()
    )
    otherwise = f" else {target.otherwise.total_seconds():.0f}" if target.otherwise else ""
    return f'case "{columns[target.by]}" {cases}{otherwise} end'


def _literal(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
