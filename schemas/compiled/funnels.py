"""Compiles the conditions of funnel steps: which entries of a state count.

Conditions read attribute values as they were at the entry.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.compiled.slas import attributes_then
from schemas.definitions.funnel import Funnel
from schemas.definitions.procedure import Procedure, Procedures, names_of_columns
from schemas.formulas import Formula, FormulaProblem, compile_formula
from schemas.loading.problems import Finding


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
        columns, names = attributes_then(procedure), names_of_columns(procedure)
        for position, funnel in enumerate(procedure.funnels):
            for place, step in enumerate(funnel.steps):
                if step.where is None:
                    continue
                path = ("funnels", position, "steps", place, "where")
                try:
                    where = compile_formula(step.where, columns, names=names, expects="BOOLEAN")
                except FormulaProblem as problem:
                    found = Finding(path, problem.found, problem.allowed)
                    findings.append((procedure.short_id, found))
                else:
                    terms.append(StepTerm(procedure, funnel, place + 1, where))
    return terms, findings
