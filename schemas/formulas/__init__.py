"""The formula language: text becomes a checked, typed DuckDB expression over known columns."""

from __future__ import annotations

from schemas.formulas.formula import Formula, compile_formula
from schemas.formulas.problems import FormulaProblem
from schemas.formulas.syntax import names_in

__all__ = ["Formula", "FormulaProblem", "compile_formula", "names_in"]
