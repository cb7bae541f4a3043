"""The formulas of funnel steps, compiled: what must hold for an entry of a state to count.

They read the attributes as they stood then. What else a funnel says is checked in
`definition_funnels.py`; evaluating formulas is for `transforms/`.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.definition_problems import Finding
from schemas.definitions import Procedure, Procedures
from schemas.formulas import Formula, FormulaProblem, compile_formula
from schemas.funnels import Funnel
from schemas.sla_terms import attributes_then


@dataclass(frozen=True)
class StepTerm:
    """The condition of one step (from 1) of a funnel."""

    procedure: Procedure
    funnel: Funnel
    step_no: int
    where: Formula


def plan_funnel_terms(procedures: Procedures) -> list[StepTerm]:
    """The conditions of checked funnels; raises `ValueError` for others."""
    terms, findings = check_funnel_terms(procedures)
    if findings:
        procedure, finding = findings[0]
        raise ValueError(f"{procedure}: {finding.found}")
    return terms


def check_funnel_terms(
    procedures: Procedures,
) -> tuple[list[StepTerm], list[tuple[str, Finding]]]:
    """The conditions, and what is wrong with formulas, by the procedure's shortId."""
    terms: list[StepTerm] = []
    findings: list[tuple[str, Finding]] = []
    for procedure in procedures:
        columns = attributes_then(procedure)
        for position, funnel in enumerate(procedure.funnels):
            for place, step in enumerate(funnel.steps):
                if step.where is None:
                    continue
                path = ("funnels", position, "steps", place, "where")
                try:
                    where = compile_formula(step.where, columns, expects="BOOLEAN")
                except FormulaProblem as problem:
                    found = Finding(path, problem.found, problem.allowed)
                    findings.append((procedure.short_id, found))
                else:
                    terms.append(StepTerm(procedure, funnel, place + 1, where))
    return terms, findings
