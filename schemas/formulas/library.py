"""All functions that a formula may call."""

from __future__ import annotations

from schemas.formulas import (
    functions_choice,
    functions_dates,
    functions_numbers,
    functions_text,
)
from schemas.formulas.functions import Function

GROUPS: dict[str, tuple[Function, ...]] = {
    "Choice": functions_choice.FUNCTIONS,
    "Text and JSON": functions_text.FUNCTIONS,
    "Numbers and lists": functions_numbers.FUNCTIONS,
    "Dates and instants": functions_dates.FUNCTIONS,
}
FUNCTIONS: dict[str, Function] = {
    function.name: function for group in GROUPS.values() for function in group
}
